/** npm run demo: starts the server on a fresh store and plays one consult; fails loudly at the first surprise. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { playConsult } from './consult.js';

const folder = await mkdtemp(join(tmpdir(), 'afferent-demo-'));
const given = readConfig({ LOG_LEVEL: 'warn', ...process.env, PORT: '0', DATA_DIR: folder });
// A database of its own, so that the demo never meets anybody's data.
const config = { ...given, mongodbDatabase: `afferent-demo-${Date.now().toString(36)}` };
const server = await startServer(config);
const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  say(`Afferent serves ${server.base} on a fresh store (${config.store})\n`);
  await playConsult(server.base, say);
  say('\nThe consult is complete: sent, stored, seen whole, answered, and the answer found.');
} catch (error) {
  say(`\nFAILED: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && error.cause) console.error(error.cause);
  process.exitCode = 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  if (config.store === 'mongodb') await dropDatabase(config.mongodbUrl, config.mongodbDatabase);
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const { MongoClient } = await import('mongodb');
  const client = await new MongoClient(url).connect();
  await client.db(name).dropDatabase();
  await client.close();
}
