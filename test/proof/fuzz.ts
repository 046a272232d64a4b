/** 100,000 hostile requests; the same that `test/http/fuzz.test.ts` sends fewer of. FUZZ_SEED replays a run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { startServer } from '../../src/server.js';
import { fuzz, roomForOne } from '../support/fuzz.js';
import type { Proof } from './index.js';

export const hostile: Proof = {
  name: 'hostile requests',
  rounds: { long: 100_000, short: 0 },
  async run(settings, rounds) {
    const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const folder = await mkdtemp(join(tmpdir(), 'afferent-fuzz-'));
    const environment = { ...settings, DATA_DIR: folder, MONGODB_DATABASE: `fuzz_${process.pid}` };
    const config = readConfig({ ...environment, PORT: '0', LOG_LEVEL: 'silent' });
    const server = await startServer(config, systemClock, { ...limits, ...roomForOne });
    try {
      return { seed, ...(await fuzz(server.address, rounds, seed)) };
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
