/**
 * $purge: erases what a patient's compartment holds and held, with all versions and bytes, and leaves one AuditEvent.
 * Nothing else erases. It may be called again at any time: what a fallen process left is erased then.
 *
 * Whoever refers to what goes is told of and keeps their reference, which then leads nowhere: erasure is a duty that
 * may not wait for others, and to change their records unasked would be worse.
 */
import type { Access } from '../../access/constraint.js';
import type { Call } from '../../access/principal.js';
import type { Blobs } from '../../blob/port.js';
import { failure, type Issue } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import type { Clock } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import type { Entry } from '../../search/plan.js';
import type { SearchRegistry } from '../../search/registry.js';
import { StoreError, type Doomed, type Key, type Store } from '../../store/port.js';
import { asked, isStoreFailure, tellStoreFailure } from '../failures.js';
import { nameOf } from '../operations.js';
import { createAttached, versionsOf } from './attached.js';
import { createMembers, type Members, type Verdict } from './members.js';
import { recordOf, type Tally } from './record.js';
import { keyOf, reachOf, warning, type Stopped } from './scan.js';

export interface PurgeParts {
  store: Store;
  access: Access;
  blobs: Blobs;
  clock: Clock;
  registry: SearchRegistry;
  extract: (resource: Resource) => Entry[];
  base: string;
}

export interface Purged extends Tally {
  /** The AuditEvent. */
  record: Key;
  /** What stays, and what now leads nowhere. */
  warnings: Issue[];
}

/** @param stopped looked at until the erasing begins; from then on it is done to its end */
export type Purge = (call: Call, patient: Key, stopped?: Stopped) => Promise<Purged>;

export function createPurge(parts: PurgeParts): Purge {
  const { store, access, clock, registry, extract, base } = parts;
  const attached = createAttached({ store, definitions: registry.definitions, base });

  return async function purge(call, patient, stopped = () => false) {
    access.demandOperation(call.principal, '$purge');
    const members = createMembers(parts, patient);
    const { keys, unclear } = await members.everMembers(call, stopped);
    for (let attempt = 1; ; attempt += 1) {
      // Those who came since the scan have search values.
      for (const key of await members.currentMembers(call)) keys.set(nameOf(key), key);
      const verdict = await withBinaries(call, members, await members.judge(call, [...keys.values()]), stopped);
      const { doomed } = verdict;
      if (doomed.length === 0) throw nothingThere(patient, verdict.kept);
      const warnings = [...unclear, ...verdict.kept, ...(await leftBehind(doomed))];
      const hashes = await hashesOf(call, doomed);
      const versions = doomed.reduce((sum, { version }) => sum + version, 0);
      const tally: Tally = { resources: doomed.length, versions, blobs: hashes.size };
      const record = recordOf(call, extract, { patient, tally, at: clock.now(), base });
      try {
        await store.erasing.erase(doomed, record);
      } catch (error) {
        if (!isStoreFailure(error, 'conflict') || attempt >= limits.writeAttempts)
          throw error instanceof StoreError ? tellStoreFailure(error) : error;
        continue;
      }
      return { ...tally, record: keyOf(record), warnings: [...warnings, ...(await removeBlobs(parts, hashes))] };
    }
  };

  /** The patient goes last, so that a purge that fell half way can be seen and called again. */
  async function withBinaries(
    call: Call,
    { othersOf }: Members,
    { doomed, kept }: Verdict,
    stopped: Stopped,
  ): Promise<Verdict> {
    const names = new Set(doomed.map(nameOf));
    const binaries = await attached.attachedTo(call, doomed, stopped);
    for (const { type, id } of await asked(store.erasing.referrers(doomed.map(keyOf), limits.total, 'Binary')))
      binaries.set(nameOf({ type, id }), { type, id });
    for (const name of names) binaries.delete(name);
    const shown = await attached.shownElsewhere(call, binaries, names, stopped);
    const free = [...binaries.values()].filter((binary) => !shown.has(nameOf(binary)));
    const verdict: Verdict = { doomed: [], kept: [...kept, ...shown.values()] };
    for (const binary of await asked(store.read(free, reachOf(call)))) {
      if (binary === undefined) continue;
      const [other] = othersOf(binary);
      if (other === undefined) verdict.doomed.push({ ...keyOf(binary), version: binary.version });
      else verdict.kept.push(warning(`${nameOf(binary)} belongs to ${other}: it stays.`, nameOf(binary)));
    }
    const [patient, ...rest] = doomed;
    return { ...verdict, doomed: [...rest, ...verdict.doomed, ...(patient === undefined ? [] : [patient])] };
  }

  async function leftBehind(doomed: Doomed[]): Promise<Issue[]> {
    const left = await asked(store.erasing.referrers(doomed.map(keyOf), REFERRERS));
    return left.map(({ to, ...from }) =>
      warning(`${nameOf(from)} refers to ${to}, which is erased: its reference leads nowhere now.`, nameOf(from)),
    );
  }

  async function hashesOf(call: Call, doomed: Doomed[]): Promise<Set<string>> {
    const hashes = new Set<string>();
    for (const key of doomed)
      if (key.type === 'Binary')
        for await (const { blob } of versionsOf(store, call, key)) if (blob !== undefined) hashes.add(blob.hash);
    return hashes;
  }
}

/** Bytes that nobody else refers to go at once: an orphan's grace is for uploads that are tried again. */
async function removeBlobs({ store, blobs, clock }: PurgeParts, hashes: Set<string>): Promise<Issue[]> {
  const warnings: Issue[] = [];
  for (const hash of hashes) {
    const isUsed = async () => (await store.blobsInUse([hash])).has(hash);
    const now = clock.now();
    const terms = { before: now + DAY_MS, heldBefore: now - limits.blobHeldMs, isUsed };
    if (await blobs.remove(hash, terms)) continue;
    const say = (await asked(isUsed()))
      ? 'are those of another Binary too, and stay'
      : 'are being uploaded once more, or gone already; if nothing comes to refer to them they are collected';
    warnings.push(warning(`The bytes ${hash.slice(0, 16)}… ${say}.`));
  }
  return warnings;
}

/** Clocks of processes that share a store differ by less. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** Those who refer to what goes, told of at most. */
const REFERRERS = 1000;

function nothingThere(patient: Key, kept: Issue[]): Error {
  const say = `There is no ${nameOf(patient)}, and nothing to erase that belonged to it`;
  const [first] = kept;
  return failure('not-found', first === undefined ? `${say}.` : `${say}. ${first.diagnostics}`);
}
