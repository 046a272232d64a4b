/**
 * npm run proof: what takes too long for a test run. Each proof runs on both stores and prints its figures; a dated
 * result goes into `docs/` when an issue asks for it. `--short` is what every CI run does: fewer rounds, and only
 * proofs that do not depend on how busy the machine is. `--only WORD` picks proofs by their names.
 */
import startMongod from '../support/mongod.js';
import stopMongod from '../support/mongod-stop.js';
import { mongoUrl } from '../support/mongo.js';
import { kills, transfers } from './blobs.js';
import { crashes } from './crashes.js';
import { hostile } from './fuzz.js';
import { overload } from './overload.js';

export interface Proof {
  name: string;
  /** Rounds of the long and of the short run; 0: not in the short one. */
  rounds: { long: number; short: number };
  /** Figures to print; throws when the promise was broken. */
  run(store: StoreSettings, rounds: number): Promise<Record<string, number>>;
}

/** The environment that makes a server use this store. */
export type StoreSettings = { STORE: 'sqlite' } | { STORE: 'mongodb'; MONGODB_URL: string };

const proofs: readonly Proof[] = [crashes, kills, transfers, overload, hostile];

const short = process.argv.includes('--short');
const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '') : '';
const chosen = proofs.filter(({ name, rounds }) => name.includes(only) && (short ? rounds.short : rounds.long) > 0);
await startMongod();
const url = mongoUrl();
const stores: StoreSettings[] = [
  { STORE: 'sqlite' },
  ...(url === undefined ? [] : [{ STORE: 'mongodb', MONGODB_URL: url } as const]),
];
let passed = 0;
let failed = 0;
try {
  for (const proof of chosen) {
    for (const store of stores) {
      const started = performance.now();
      try {
        const figures = await proof.run(store, short ? proof.rounds.short : proof.rounds.long);
        const seconds = Math.round((performance.now() - started) / 1000);
        console.log(`${proof.name} on ${store.STORE}: ${JSON.stringify(figures)} in ${seconds} s`);
        passed += 1;
      } catch (error) {
        console.error(`${proof.name} on ${store.STORE} FAILED:`, error);
        failed += 1;
      }
    }
  }
} finally {
  await stopMongod();
}
if (url === undefined) {
  console.error(`The proofs on MongoDB were SKIPPED: ${process.env.AFFERENT_TEST_MONGODB_ABSENT ?? 'no mongod'}`);
  if (process.env.CI === 'true') failed += 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
