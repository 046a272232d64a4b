/**
 * L-01 to L-06, T-01, T-05, V-01 and V-02 at once: random callers ask random questions of a small world, and every id,
 * every total and every status must be what a naive authorizer says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobody } from '../../src/access/principal.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { callers, compare, store } from './run.js';
import { makeWorld, type World } from './world.js';

const SEED = 2026;

function suite(environment: Record<string, string>, pairs: number): void {
  let folder: string;
  let server: RunningServer;
  let world: World;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-oracle-'));
    // References cross organizations here on purpose: they must lead nowhere.
    const settings = { PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, REFERENTIAL_INTEGRITY: 'off' };
    server = await startServer(
      readConfig({ ...settings, MONGODB_DATABASE: freshDatabase(), ...environment }),
      systemClock,
      limits,
      (headers) => callers.get(String(headers['x-caller'])) ?? nobody,
    );
    world = makeWorld(SEED);
    await store(server.base, world);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('the world has something of everything', () => {
    expect(world.kept.length).toBeGreaterThan(350);
    expect(world.kept.filter(({ versions }) => versions.length > 1).length).toBeGreaterThan(20);
  });

  test(
    `V-01 V-02 ${pairs} random callers and requests are answered as the oracle says`,
    () => compare(server.base, world, pairs, SEED),
    240_000,
  );
}

describe('SQLite: the oracle', () => suite({ STORE: 'sqlite' }, 2000));
describeMongo('the oracle', (url) => suite({ STORE: 'mongodb', MONGODB_URL: url }, 500));
