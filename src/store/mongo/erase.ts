/**
 * Erasing: resources with all their versions, for good. A transaction of MongoDB must not last, so many resources go in
 * several; the first one carries the record that says what is about to go, and whoever fell in between begins again.
 */
import type { ClientSession } from 'mongodb';
import { limits } from '../../kit/limits.js';
import {
  StoreError,
  type Change,
  type Doomed,
  type Erasing,
  type Key,
  type PageRequest,
  type Reach,
  type Version,
} from '../port.js';
import { bounded } from './bounded.js';
import { documentId, keyOf, toDocument, versionFields, versionsOf } from './documents.js';
import { answered } from './errors.js';
import { createOpenings } from './openings.js';
import type { Parts } from './parts.js';
import { createBudget, inTransaction } from './transaction.js';

export function createErasing(parts: Parts): Erasing {
  const {
    client,
    collections: { versions },
    fields,
    operationMs,
    writeMs,
  } = parts;
  const openings = createOpenings(parts);
  const timed = { maxTimeMS: operationMs };

  /** A page looks through so many documents, so that it may be empty and yet not the last. */
  async function mentions(text: string, { size, after }: PageRequest, { owners }: Reach) {
    const from = after === undefined ? '' : String(after[0]);
    const beyond = { _id: { $gt: from } };
    const [end] = await versions
      .find(beyond, { ...timed, projection: { _id: 1 }, sort: { _id: 1 }, skip: size - 1, limit: 1 })
      .toArray();
    const cursor = versions.find(
      {
        _id: { $gt: from, ...(end === undefined ? {} : { $lte: end._id }) },
        o: { $in: owners },
        // Where there is no text this is null, which is less than any number.
        $expr: { $gte: [{ $indexOfBytes: ['$text', { $literal: text }] }, 0] },
      },
      { ...timed, projection: versionFields, sort: { _id: 1 }, raw: true },
    );
    const documents = await bounded(cursor);
    const items = versionsOf(documents);
    const last = items.at(-1);
    const isCut = documents.reduce((sum, { byteLength }) => sum + byteLength, 0) > limits.keepingBytes;
    const next = isCut && last !== undefined ? documentId(keyOf(last), last.version) : end?._id;
    return { items, ...(next === undefined ? {} : { next: [next] }) };
  }

  async function referrers(keys: Key[], atMost: number, type?: string, without?: string) {
    const names = keys.map(keyOf);
    const found = await versions
      .find(
        {
          f: { $in: names, $exists: true },
          key: { $nin: names },
          ...(type === undefined ? {} : { t: { $eq: type } }),
          ...(without === undefined ? {} : { o: { $ne: without } }),
        },
        { ...timed, projection: { t: 1, i: 1, f: 1 }, limit: atMost },
      )
      .toArray();
    const doomed = new Set(names);
    return found.flatMap(({ t, i, f = [] }) =>
      f.filter((name) => doomed.has(name)).map((to) => ({ type: t, id: i, to })),
    );
  }

  async function eraseSome(session: ClientSession, doomed: Doomed[], record?: Change): Promise<void> {
    const heads = { key: { $in: doomed.map(keyOf) }, head: true } as const;
    const found = await versions.find(heads, { session, ...timed, projection: { key: 1, n: 1 } }).toArray();
    const current = new Map(found.map(({ key, n }) => [key, n]));
    for (const one of doomed)
      if (current.get(keyOf(one)) !== one.version)
        throw new StoreError('conflict', `${keyOf(one)} is not at version ${one.version}.`, keyOf(one));
    if (record !== undefined) await versions.insertOne(toDocument(record, fields), { session, ...timed });
    const all = doomed.map(keyOf).map((key) => ({ _id: { $gte: `${key}/`, $lt: `${key}0` } }));
    if (all.length === 0) return;
    await versions.deleteMany({ $or: all }, { session, ...timed });
    await openings.forget(session, doomed);
  }

  return {
    mentions: (text, page, reach) => answered(mentions(text, page, reach)),
    referrers: (...asked) => answered(referrers(...asked)),
    async erase(doomed, record) {
      for (let at = 0; at === 0 || at < doomed.length; at += AT_ONCE) {
        const some = doomed.slice(at, at + AT_ONCE);
        await inTransaction(client, createBudget(writeMs), (session) =>
          eraseSome(session, some, at === 0 ? record : undefined),
        );
      }
    },
    // WiredTiger gives its blocks to what is written next; to do more is the command `compact` on each member.
    compact: () => Promise.resolve(),
  };
}

/** Resources that go in one transaction. */
const AT_ONCE = 200;

/** Of versions that the oplog told of, those that were not erased since. */
export function createStillThere({ collections: { versions }, operationMs }: Parts) {
  return async function stillThere(told: Version[]): Promise<Version[]> {
    if (told.length === 0) return told;
    const ids = told.map((version) => documentId(keyOf(version), version.version));
    const options = { projection: { _id: 1 }, maxTimeMS: operationMs } as const;
    const found = await versions.find({ _id: { $in: ids } }, options).toArray();
    const there = new Set(found.map(({ _id }) => _id));
    return told.filter((_, at) => there.has(ids[at] ?? ''));
  };
}
