/**
 * A million random callers and requests, each answer as the naive authorizer says. Each world has a seed of its own and is
 * asked some thousand times, so that a run may go on where another one ended: `ORACLE_SEED` is the first seed, and
 * `ORACLE_PAIRS` how many are asked on each store.
 */
import { compare } from '../oracle/run.js';
import { openStand } from '../oracle/stand.js';
import type { Figures, Proof } from './index.js';

const PAIRS_OF_A_WORLD = 10_000;

export const oracle: Proof = {
  name: 'oracle',
  // 2,000 are asked on SQLite in every test run, and 500 on MongoDB (test/oracle).
  rounds: { long: 500_000, short: 0 },
  async run(store, rounds) {
    const first = Number(process.env.ORACLE_SEED ?? '1');
    const pairs = Number(process.env.ORACLE_PAIRS ?? rounds);
    const figures: Figures = { worlds: 0, pairs: 0, seen: 0, refused: 0, writes: 0 };
    for (let seed = first; figures.pairs! < pairs; seed += 1) {
      const stand = await openStand({ ...store, MONGODB_DATABASE: `oracle_${process.pid}_${seed}` }, seed);
      try {
        const found = await compare(stand, Math.min(PAIRS_OF_A_WORLD, pairs - figures.pairs!), seed, (now) => {
          console.log(`oracle on ${store.STORE}, seed ${seed}: ${JSON.stringify(now)}`);
        });
        for (const [name, count] of Object.entries(found as unknown as Figures)) figures[name]! += count;
      } finally {
        await stand.stop();
      }
      figures.worlds! += 1;
      console.log(`oracle on ${store.STORE}, up to seed ${seed}: ${JSON.stringify(figures)}`);
    }
    return figures;
  },
};
