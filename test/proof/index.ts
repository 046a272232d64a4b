/**
 * npm run proof: what takes too long for a test run. Each proof runs on both stores and prints its figures; a dated
 * result goes into `docs/` when an issue asks for it. `--short` is what every CI run does: fewer rounds, and only
 * proofs that do not depend on how busy the machine is. `--only WORD` picks proofs by their names. `--base URL` runs
 * those that only ask, against any FHIR server that is there already; two URLs with a comma between are two processes
 * that serve the same data.
 */
import startMongod from '../support/mongod.js';
import stopMongod from '../support/mongod-stop.js';
import { mongoUrl } from '../support/mongo.js';
import { kills, transfers } from './blobs.js';
import { killedMongod, killedPrimary, killedServer } from './crashes.js';
import { faults } from './faults.js';
import { hostile } from './fuzz.js';
import { holes } from './holes.js';
import { keyedOverKills } from './keyed.js';
import { linearizable, linearizableOverFailover, linearizableOverKills } from './linearizable.js';
import { mutants } from './mutants.js';
import { oracle } from './oracle.js';
import { overload } from './overload.js';
import { conditionalCreates, lostUpdates } from './races.js';
import { redemptions } from './redemptions.js';
import { withServers } from './server.js';
import { trailOverKills } from './trail.js';

export type Figures = Record<string, number>;

interface Row {
  name: string;
  /** Rounds of the long and of the short run; 0: not in the short one. */
  rounds: { long: number; short: number };
}

/** Starts, measures and kills what it is about by itself. Throws when the promise was broken. */
export interface Proof extends Row {
  /** Where only one store has what is to be proven. */
  store?: StoreSettings['STORE'];
  run(store: StoreSettings, rounds: number): Promise<Figures>;
}

/** Asks one server, or several processes that are one, and nothing else. */
export interface ProofByAsking extends Row {
  against(bases: string[], rounds: number): Promise<Figures>;
}

/** The environment that makes a server use this store. */
export type StoreSettings = { STORE: 'sqlite' } | { STORE: 'mongodb'; MONGODB_URL: string };

const proofs: readonly (Proof | ProofByAsking)[] = [
  conditionalCreates,
  lostUpdates,
  redemptions,
  faults,
  linearizable,
  killedServer,
  killedMongod,
  killedPrimary,
  keyedOverKills,
  trailOverKills,
  linearizableOverKills,
  linearizableOverFailover,
  kills,
  transfers,
  overload,
  hostile,
  mutants,
  oracle,
  holes,
];

const argument = (name: string): string | undefined =>
  process.argv.includes(name) ? (process.argv[process.argv.indexOf(name) + 1] ?? '') : undefined;
const short = process.argv.includes('--short');
const only = argument('--only') ?? '';
const given = argument('--base')
  ?.split(',')
  .map((url) => url.replace(/\/+$/, ''));
const chosen = proofs.filter(({ name, rounds }) => name.includes(only) && (short ? rounds.short : rounds.long) > 0);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
let passed = 0;
let failed = 0;

if (given === undefined) await onOurServers();
else {
  for (const proof of chosen) {
    if ('against' in proof) await attempt(proof, given.join(' and '), (rounds) => proof.against(given, rounds));
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function onOurServers(): Promise<void> {
  await startMongod();
  const url = mongoUrl();
  const stores: StoreSettings[] = [
    { STORE: 'sqlite' },
    ...(url === undefined ? [] : [{ STORE: 'mongodb', MONGODB_URL: url } as const]),
  ];
  try {
    for (const proof of chosen) {
      for (const store of stores) {
        if (!('against' in proof)) {
          if (proof.store === undefined || proof.store === store.STORE)
            await attempt(proof, store.STORE, (rounds) => proof.run(store, rounds));
        } else {
          // SQLite belongs to one process; MongoDB may have several servers.
          const processes = store.STORE === 'sqlite' ? 1 : 2;
          await attempt(proof, store.STORE, (rounds) =>
            withServers(store, 'asked', processes, (bases) => proof.against(bases, rounds)),
          );
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
}

async function attempt(
  { name, rounds }: Row,
  where: string,
  prove: (rounds: number) => Promise<Figures>,
): Promise<void> {
  const started = performance.now();
  try {
    const figures = await prove(short ? rounds.short : rounds.long);
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(`${name} on ${where}: ${JSON.stringify(figures)} in ${seconds} s`);
    passed += 1;
  } catch (error) {
    console.error(`${name} on ${where} FAILED:`, error);
    failed += 1;
  }
}
