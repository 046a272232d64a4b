/**
 * npm run demo: starts the server with authorization on a fresh store, and plays one consult, each step with a token that
 * was given for it; fails loudly at the first surprise.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { movedClock } from '../support/smart.js';
import { gather } from './cast.js';
import { playConsult } from './consult.js';

const folder = await mkdtemp(join(tmpdir(), 'afferent-demo-'));
const given = readConfig({ LOG_LEVEL: 'warn', ...process.env, PORT: '0', DATA_DIR: folder, AUTHORIZATION: 'smart' });
// A database of its own, so that the demo never meets anybody's data.
const config = { ...given, mongodbDatabase: `afferent-demo-${Date.now().toString(36)}` };
const server = await startServer(config);
const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  say(`Afferent serves ${server.base} on a fresh store (${config.store})\n`);
  const { auth, base } = server;
  if (auth === undefined) throw new Error('It was started with authorization, and has none.');
  const { issuer } = auth.ground;
  const demo = await server.makeDemo();
  say(`Tokens come from ${issuer}/auth`);
  await playConsult(await gather({ base, issuer, demo, auth, clock: movedClock(), settings: {} }), say);
  say(
    '\nThe consult is complete: sent, stored, seen whole, answered across two organizations, the answer found; and nobody else saw it.',
  );
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
