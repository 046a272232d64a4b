/**
 * Writing. A create is one insert; whatever touches more than one document, or must hold a guard, or deletes what must
 * not be referred to, is one transaction. Ids and versions are fixed before the first attempt, so that an attempt can
 * be repeated.
 */
import type { ClientSession } from 'mongodb';
import { assert } from '../../kit/assert.js';
import { Turns } from '../../kit/turns.js';
import {
  StoreError,
  type Change,
  type Guard,
  type Integrity,
  type Opened,
  type Store,
  type VaultRecord,
} from '../port.js';
import type { MongoAudit } from './audit.js';
import { Again, createClosing } from './closing.js';
import { createCreates } from './creates.js';
import { documentId, headFields, keyOf, toDocument } from './documents.js';
import { isDuplicate, unknownOutcome } from './errors.js';
import { createHold } from './guards.js';
import { createInsert } from './insert.js';
import { createOpenings, fromTheStart } from './openings.js';
import type { Parts } from './parts.js';
import { portionsOf } from './portions.js';
import type { OpenDocument, VersionDocument } from './schema.js';
import type { CountIn } from './search.js';
import { createPutRecord } from './record.js';
import { createTargets, type Look } from './targets.js';
import { createBudget, inTransaction, type Budget } from './transaction.js';

interface Job {
  changes: Change[];
  documents: VersionDocument[];
  guards: Guard[];
  /** What is referred to and not written by this job itself. */
  present: string[];
  unreferred: string[];
  integrity: Integrity | undefined;
  record: VaultRecord | undefined;
  opened: Opened[];
}

export function createWrite(parts: Parts, count: CountIn, { log, outbox }: MongoAudit): Store['write'] {
  const { client, collections, fields, clock, operationMs, writeMs } = parts;
  const { versions } = collections;
  const hold = createHold(parts, count);
  const putRecord = createPutRecord(parts);
  const insert = createInsert(parts);
  const targets = createTargets(parts);
  const create = createCreates(parts, targets);
  const closing = createClosing(parts);
  const openings = createOpenings(parts);

  /** Resolves to what those were open to whose place is taken. */
  async function replace(
    session: ClientSession,
    { changes, unreferred }: Job,
    mark: string | undefined,
  ): Promise<Map<string, OpenDocument[]>> {
    const followers = changes.filter((change) => change.version > 1);
    const [only] = followers;
    if (only === undefined) return new Map();
    const closed = new Set(unreferred);
    const updates = followers.map((change) => supersede(change, closed.has(keyOf(change)) ? mark : undefined));
    const timed = { session, maxTimeMS: operationMs };
    if (followers.length === 1) {
      // Most updates are of one resource: it says what it was open to when its place is taken.
      const { filter, update } = supersede(only, closed.has(keyOf(only)) ? mark : undefined).updateOne;
      const was = await versions.findOneAndUpdate(filter, update, { ...timed, projection: { open: 1 } });
      if (was === null) throw await obstacle(session, followers);
      return new Map([[keyOf(only), was.open ?? []]]);
    }
    const carried = await openings.carried(session, followers);
    const { matchedCount } = await versions.bulkWrite(updates, timed);
    if (matchedCount !== followers.length) throw await obstacle(session, followers);
    return carried;
  }

  /**
   * Which of them does not follow the current version: those that do have no head any more, this transaction took it.
   * If all of them do, one has lost its mark.
   */
  async function obstacle(session: ClientSession, followers: Change[]): Promise<Error> {
    const before = (change: Change) => documentId(keyOf(change), change.version - 1);
    const filter = {
      $or: [{ key: { $in: followers.map(keyOf) }, head: true as const }, { _id: { $in: followers.map(before) } }],
    };
    const options = { session, projection: { key: 1, head: 1 }, maxTimeMS: operationMs };
    const found = await versions.find(filter, options).toArray();
    let unmarked: Again | undefined;
    for (const change of followers) {
      const own = found.filter(({ key }) => key === keyOf(change));
      const head = own.find((one) => one.head === true);
      if (own.length === 0 || (head !== undefined && head._id !== before(change))) return conflict(change);
      if (head !== undefined) unmarked ??= new Again(head.key);
    }
    return unmarked ?? conflict(undefined);
  }

  async function attempt(session: ClientSession, job: Job, mark: string | undefined): Promise<void> {
    const { changes, documents, guards, unreferred, integrity, record, opened } = job;
    // First of all: who sends a request again is to hear of that, not of what else stands in the way by now.
    if (record !== undefined) await putRecord(session, record);
    for (const guard of guards) await hold(session, guard);
    await openings.advance(session, opened);
    const carried = await replace(session, job, mark);
    for (const { from, to } of portionsOf(documents)) {
      const written = documents.slice(from, to).map((document) => openAs(document, carried.get(document.key)));
      try {
        await versions.insertMany(written, { session, maxTimeMS: operationMs });
      } catch (error) {
        if (isDuplicate(error)) throw conflict(changes[from + failedAt(error)]);
        throw error;
      }
    }
    await openings.replace(session, opened);
    if (mark !== undefined && integrity !== undefined)
      await closing.refuseReferred(unreferred, integrity.reach, session);
  }

  /** Resolves to the last look at what is referred to. */
  async function writeOnce(job: Job, budget: Budget): Promise<Look | undefined> {
    const { documents, guards, present, unreferred, integrity, record, opened } = job;
    const look = async () => (integrity === undefined ? undefined : targets.look(present, integrity.reach));
    const [only] = documents;
    const open = only?.n === 1 ? fromTheStart(only.key, opened) : undefined;
    if (
      only !== undefined &&
      open !== undefined &&
      documents.length === 1 &&
      guards.length === 0 &&
      record === undefined
    ) {
      const document = openAs(only, open);
      // An id that a client chose may be in the hands of a transaction, which would hold up all that go with it.
      if (only.m === 'POST') return create({ document, present, reach: integrity?.reach, budget });
      const last = await look();
      await insert(document, budget);
      return last;
    }
    let mark: string | undefined;
    let last: Look | undefined;
    if (integrity !== undefined && unreferred.length > 0) {
      // Most that may not be deleted is seen here, without a mark and without a wait.
      await closing.refuseReferred(unreferred, integrity.reach, { without: job.changes.map(keyOf) });
      mark = await closing.close(unreferred);
    }
    try {
      await inTransaction(client, budget, async (session) => {
        await attempt(session, job, mark);
        // As late as can be: what counts is the time from here to the end of the commit.
        last = await look();
      });
    } catch (error) {
      // If it cannot be taken away, others will, once it is old.
      if (mark !== undefined) await closing.reopen(unreferred, mark).catch(() => undefined);
      throw error;
    }
    return last;
  }

  /** Who was not seen in time looks again: what it refers to may be deleted since. */
  async function confirm(job: Job, last: Look, budget: Budget): Promise<void> {
    const { integrity, present } = job;
    if (integrity === undefined || present.length === 0 || targets.isFresh(last)) return;
    try {
      await patiently(budget, () => targets.look(present, integrity.reach));
    } catch (error) {
      if (!(error instanceof StoreError && error.reason === 'missing')) throw unknownOutcome(error);
      await takeBack(job).catch((cause: unknown) => {
        throw unknownOutcome(cause);
      });
      throw error;
    }
  }

  /** What was created is deleted again: a version that was seen by readers and by the feed cannot be undone otherwise. */
  async function takeBack({ changes, integrity, record }: Job): Promise<void> {
    assert(changes.every(({ version }) => version === 1) && integrity !== undefined, 'An update cannot be taken back.');
    const deletions = changes.map(({ type, id, owner, updated }): Change => {
      const at = Math.max(clock.now(), updated + 1);
      return { type, id, version: 2, updated: at, owner, method: 'DELETE', text: undefined, entries: [] };
    });
    // First the record: whoever sends the request again must not hear that this was made.
    if (record !== undefined)
      await collections.vault.deleteOne({ _id: { $eq: record.key } }, { maxTimeMS: operationMs });
    await write(deletions, [], { present: [], unreferred: deletions, reach: integrity.reach });
  }

  async function patiently<T>(budget: Budget, work: () => Promise<T>): Promise<T> {
    for (let attempts = 0; ; attempts += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Again)) throw error;
        if (!(await budget.wait(attempts)))
          throw new StoreError('unavailable', error.message, undefined, { cause: error });
      }
    }
  }

  const write: Store['write'] = async (changes, guards = [], integrity, record, along) => {
    const written = new Map(changes.map((change) => [keyOf(change), change]));
    assert(written.size === changes.length, 'a write names one resource twice');
    const present = (integrity?.present ?? []).map(keyOf).filter((key) => written.get(key)?.text === undefined);
    const gone = present.find((key) => written.has(key));
    if (gone !== undefined) throw new StoreError('missing', `${gone} is deleted by this very write.`, gone);
    const unreferred = (integrity?.unreferred ?? []).map(keyOf);
    const documents: VersionDocument[] = [];
    const turns = new Turns();
    for (const change of changes) {
      if (turns.over) await turns.next();
      documents.push(toDocument(change, fields));
    }
    const job: Job = {
      changes,
      documents,
      guards,
      present,
      unreferred,
      integrity,
      record,
      opened: along?.opened ?? [],
    };
    if (documents.length + guards.length + job.opened.length === 0 && record === undefined) return;
    const [first] = documents;
    const records = along?.audit ?? [];
    if (first !== undefined && records.length > 0) await outbox.along(first, records, () => doJob(job));
    else {
      await doJob(job);
      await log.append(records);
    }
  };

  async function doJob(job: Job): Promise<void> {
    const budget = createBudget(writeMs);
    const last = await patiently(budget, () => writeOnce(job, budget));
    if (last !== undefined) await confirm(job, last, budget);
  }

  return write;
}

/** A deletion is open to nobody. */
const openAs = (document: VersionDocument, open: OpenDocument[] = []): VersionDocument =>
  open.length === 0 || document.live === undefined ? document : { ...document, open };

const unset = Object.fromEntries(headFields.map((name) => [name, 1])) as Record<(typeof headFields)[number], 1>;

/** The version before loses what made it current; it matches only while it is, and has the mark if one was set. */
export const supersede = (change: Change, mark?: string) => ({
  updateOne: {
    filter: {
      _id: { $eq: documentId(keyOf(change), change.version - 1) },
      head: true,
      ...(mark === undefined ? {} : { 'closing.by': mark }),
    } as const,
    update: { $set: { e: change.updated }, $unset: unset } as const,
  },
});

function conflict(change: Change | undefined): StoreError {
  const at = change === undefined ? undefined : keyOf(change);
  return new StoreError('conflict', `${at ?? 'A resource'} is not at the version that the write expects.`, at);
}

/** The place in an insertMany that the driver says failed. */
function failedAt(error: unknown): number {
  const { writeErrors } = error as { writeErrors?: { index: number } | { index: number }[] };
  const [first] = [writeErrors].flat();
  return first?.index ?? 0;
}
