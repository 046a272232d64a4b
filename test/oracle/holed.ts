/**
 * npx tsx test/oracle/holed.ts SEED PAIRS: asks a server as the oracle does, and says in one line of JSON whether it was
 * found wrong. It runs in a copy of the sources that has a hole.
 */
import { compare, Wrong } from './run.js';
import { openStand } from './stand.js';

const [seed, pairs] = process.argv.slice(2).map(Number);
const stand = await openStand({ STORE: 'sqlite' }, seed ?? 0);
const found = await compare(stand, pairs ?? 0, seed ?? 0).then(
  (figures) => ({ caught: false, pairs: figures.pairs, why: '' }),
  (error: unknown) => {
    if (!(error instanceof Wrong)) throw error;
    return { caught: true, pairs: error.pairs, why: error.message };
  },
);
console.log(JSON.stringify(found));
await stand.stop();
process.exit();
