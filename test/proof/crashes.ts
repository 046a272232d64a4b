/**
 * kill -9 under mixed load, again and again: of the server on both stores, of a mongod alone, and of the primary of
 * three. What was acknowledged must be there afterwards as it was, and nothing half. (It proves safety against a crash
 * of the process; that of the machine rests on fsync, which both stores ask for before they acknowledge.)
 */
import assert from 'node:assert/strict';
import { pause } from './client.js';
import type { Proof } from './index.js';
import { Ledger } from './ledger.js';
import { mixedLoad, newWorkers } from './mixed.js';
import { runName } from './races.js';
import { onScene, type Victim } from './scenes.js';
import { createWitness, type Witness } from './witness.js';

export const killedServer: Proof = underLoad('server', { long: 1000, short: 30 });
export const killedMongod: Proof = { ...underLoad('mongod', { long: 200, short: 5 }), store: 'mongodb' };
export const killedPrimary: Proof = { ...underLoad('primary of three', { long: 200, short: 3 }), store: 'mongodb' };

function underLoad(victim: Victim, rounds: { long: number; short: number }): Proof {
  return {
    name: `kill -9 of the ${victim} under mixed load`,
    rounds,
    run: (settings, kills) =>
      onScene(victim, settings, async ({ base, strike }) => {
        const run = runName();
        const ledger = new Ledger();
        const workers = newWorkers();
        const witness = createWitness(base, ledger);
        for (let kill = 0; kill < kills; kill += 1) {
          const stop = new AbortController();
          const working = mixedLoad(base, `${run}-${kill}`, workers, ledger, stop.signal);
          // A worker that is answered wrongly ends the proof at once.
          const wrong = working.then(() => undefined);
          try {
            await Promise.race([pause(50 + Math.random() * 750), wrong]);
            ledger.struck();
            await Promise.race([strike(), wrong]);
            await Promise.race([pause(100), wrong]);
          } finally {
            stop.abort();
          }
          await working;
          await witness.look();
        }
        await sameAgain(base, ledger, witness);
        const fates = [...ledger.markers.values()];
        const outages = ledger.outages.toSorted((a, b) => a - b);
        const part = (share: number) => Math.round(outages[Math.floor(outages.length * share)] ?? 0);
        return {
          kills,
          acknowledged: ledger.acknowledged.size,
          lost: 0,
          halfBundles: 0,
          unknown: fates.filter(({ fate }) => fate === 'unknown').length,
          versions: witness.versions(),
          outageMsP50: part(0.5),
          outageMsP99: part(0.99),
        };
      }),
  };
}

/** Who looks for the first time at the end sees what the other saw growing. */
async function sameAgain(base: string, ledger: Ledger, witness: Witness): Promise<void> {
  const late = createWitness(base, ledger);
  await late.look();
  assert.equal(late.versions(), witness.versions(), 'the history of the server is not what it was');
}
