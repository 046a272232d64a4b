/** Hostile text at the door: no 5xx, no hang, every refusal told, nothing written by it, and nothing kept with loss. */
import { fuzz, roomForOne } from '../support/fuzz.js';
import { describeServer, type TestServer } from '../support/server.js';

const seed = Number(process.env.FUZZ_SEED ?? 20261122);

const suite = (server: TestServer) => {
  test(`from the seed ${seed} (FUZZ_SEED) are answered as promised`, async () => {
    const onSqlite = (expect.getState().currentTestName ?? '').startsWith('SQLite');
    const inputs = onSqlite ? 5000 : 600;
    const figures = await fuzz(server.address, inputs, seed);
    expect(figures.inputs).toBe(inputs);
    // Both ways are really taken.
    expect(figures.accepted).toBeGreaterThan(inputs / 50);
    expect(figures.refused).toBeGreaterThan(inputs / 4);
  }, 120_000);
};

describeServer('hostile requests', suite, roomForOne);
