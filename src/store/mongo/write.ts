/**
 * Writing. A create is one insert; whatever touches more than one document, or must hold a guard, is one transaction.
 * Ids and versions are fixed before the first attempt, so that an attempt can be repeated.
 */
import type { ClientSession } from 'mongodb';
import { assert } from '../../kit/assert.js';
import { StoreError, type Change, type Guard, type Store } from '../port.js';
import { documentId, keyOf, toDocument } from './documents.js';
import { isDuplicate } from './errors.js';
import { createHold } from './guards.js';
import { createInsert } from './insert.js';
import type { Parts } from './parts.js';
import type { VersionDocument } from './schema.js';
import type { CountIn } from './search.js';
import { createBudget, inTransaction } from './transaction.js';

export function createWrite(parts: Parts, count: CountIn): Store['write'] {
  const { client, collections, fields, operationMs, writeMs } = parts;
  const { versions } = collections;
  const hold = createHold(parts, count);
  const insert = createInsert(parts);

  async function replace(session: ClientSession, changes: Change[]): Promise<void> {
    const followers = changes.filter((change) => change.version > 1);
    if (followers.length > 0) {
      const { matchedCount } = await versions.bulkWrite(followers.map(supersede), { session, maxTimeMS: operationMs });
      if (matchedCount !== followers.length) throw conflict(await findConflict(session, followers));
    }
  }

  /** Which of them does not follow the current version: those that do have no head any more, this transaction took it. */
  async function findConflict(session: ClientSession, followers: Change[]): Promise<Change | undefined> {
    const before = followers.map((change) => documentId(keyOf(change), change.version - 1));
    const filter = { $or: [{ key: { $in: followers.map(keyOf) }, head: true as const }, { _id: { $in: before } }] };
    const options = { session, projection: { key: 1, head: 1 }, maxTimeMS: operationMs };
    const found = await versions.find(filter, options).toArray();
    return followers.find((change) => {
      const own = found.filter(({ key }) => key === keyOf(change));
      return own.length === 0 || own.some(({ head }) => head === true);
    });
  }

  async function attempt(
    session: ClientSession,
    changes: Change[],
    documents: VersionDocument[],
    guards: Guard[],
  ): Promise<void> {
    for (const guard of guards) await hold(session, guard);
    await replace(session, changes);
    try {
      if (documents.length > 0) await versions.insertMany(documents, { session, maxTimeMS: operationMs });
    } catch (error) {
      if (isDuplicate(error)) throw conflict(changes[failedAt(error)]);
      throw error;
    }
  }

  return async function write(changes, guards = []) {
    const keys = changes.map(keyOf);
    assert(new Set(keys).size === keys.length, 'a write names one resource twice');
    const documents = changes.map((change) => toDocument(change, fields));
    const [only] = documents;
    const budget = createBudget(writeMs);
    if (only?.n === 1 && documents.length === 1 && guards.length === 0) await insert(only, budget);
    else if (documents.length > 0 || guards.length > 0)
      await inTransaction(client, budget, (session) => attempt(session, changes, documents, guards));
  };
}

/** The version before loses what made it current; it matches only while it is. */
export const supersede = (change: Change) => ({
  updateOne: {
    filter: { _id: { $eq: documentId(keyOf(change), change.version - 1) }, head: true } as const,
    update: { $set: { e: change.updated }, $unset: { head: 1, live: 1, s: 1, r: 1, k: 1, d: 1, resource: 1 } } as const,
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
