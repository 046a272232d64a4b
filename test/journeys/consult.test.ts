/** The demo as a test, on both stores. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { playConsult } from './consult.js';

async function play(environment: Record<string, string>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-journey-'));
  const server = await startServer(readConfig({ PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, ...environment }));
  const said: string[] = [];
  try {
    await playConsult(server.base, (line) => said.push(line));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return said;
}

const lastLine = '    requested → accepted → completed';

test('a consult goes from referral to report on SQLite', async () => {
  expect((await play({ STORE: 'sqlite' })).at(-1)).toBe(lastLine);
});

describeMongo('the consult', (url) => {
  test('goes from referral to report', async () => {
    const environment = { STORE: 'mongodb', MONGODB_URL: url, MONGODB_DATABASE: freshDatabase() };
    expect((await play(environment)).at(-1)).toBe(lastLine);
  });
});
