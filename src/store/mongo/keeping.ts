/** What moves and mends a whole database: snapshots, loading of exact versions, renewal of search values, notes. */
import type { ClientSession } from 'mongodb';
import { StoreError, type Change, type Keeping, type PageRequest } from '../port.js';
import { bounded } from './bounded.js';
import { documentId, keyOf, toDocument, valuesOf, versionFields, versionsOf } from './documents.js';
import { answered } from './errors.js';
import { createOpenings } from './openings.js';
import type { Parts } from './parts.js';
import type { VersionDocument } from './schema.js';
import { createSnapshot } from './snapshot.js';
import { createBudget, inTransaction } from './transaction.js';
import { supersede } from './write.js';

export function createKeeping(parts: Parts): Keeping {
  const { client, collections, fields, operationMs, writeMs } = parts;
  const { versions, meta } = collections;
  const timed = { maxTimeMS: operationMs };
  const openings = createOpenings(parts);

  async function currents({ size, after }: PageRequest) {
    const behind = after === undefined ? {} : { key: { $gt: String(after[0]) } };
    const cursor = versions.find(
      { head: true, live: { $exists: true }, ...behind },
      { ...timed, sort: { key: 1 }, limit: size, projection: versionFields, raw: true },
    );
    const items = versionsOf(await bounded(cursor));
    const last = items.at(-1);
    return { items, ...(last === undefined ? {} : { next: [keyOf(last)] }) };
  }

  /** How far the resources of these changes are, by key. */
  async function heads(session: ClientSession, changes: Change[]): Promise<Map<string, number>> {
    const filter = { key: { $in: [...new Set(changes.map(keyOf))] }, head: true as const };
    const found = await versions.find(filter, { session, ...timed, projection: { key: 1, n: 1 } }).toArray();
    return new Map(found.map(({ key, n }) => [key, n]));
  }

  async function loadIn(session: ClientSession, changes: Change[], note: (fresh: Change[]) => string): Promise<void> {
    const stored = await heads(session, changes);
    const current = new Map(stored);
    const fresh: Change[] = [];
    for (const change of changes) {
      const key = keyOf(change);
      const before = current.get(key) ?? 0;
      if (change.version <= before) continue;
      if (change.version > before + 1) throw new StoreError('conflict', `${key} has no version ${before + 1}.`, key);
      current.set(key, change.version);
      fresh.push(change);
    }
    const follower = new Map(fresh.map((change) => [documentId(keyOf(change), change.version - 1), change]));
    const superseded = fresh.filter((change) => change.version - 1 === stored.get(keyOf(change)));
    const carried = await openings.carried(session, superseded);
    if (superseded.length > 0)
      await versions.bulkWrite(
        superseded.map((change) => supersede(change)),
        { session, ...timed },
      );
    const documents = fresh.map((change) => {
      const next = follower.get(documentId(keyOf(change), change.version));
      return next === undefined ? toDocument(change, fields, carried.get(keyOf(change))) : past(change, next);
    });
    if (documents.length > 0) await versions.insertMany(documents, { session, ...timed });
    await meta.updateOne(named('filling'), { $set: { value: note(fresh) } }, { session, ...timed, upsert: true });
  }

  async function reindex(changes: Change[]): Promise<void> {
    const live = changes.filter(({ text }) => text !== undefined);
    if (live.length === 0) return;
    const updates = live.map((change) => {
      const values = valuesOf(change.type, change.entries);
      const update = { $set: values, ...(values.f === undefined ? { $unset: { f: 1 } as const } : {}) };
      const filter = { _id: { $eq: documentId(keyOf(change), change.version) }, head: true } as const;
      return { updateOne: { filter, update } };
    });
    await versions.bulkWrite(updates, { ordered: false, ...timed });
  }

  return {
    snapshot: createSnapshot(parts),
    currents: (page) => answered(currents(page)),
    load: (changes, note) => inTransaction(client, createBudget(writeMs), (session) => loadIn(session, changes, note)),
    reindex: (changes) => answered(reindex(changes)),
    async note(name) {
      return (await answered(meta.findOne(named(name), timed)))?.value;
    },
    async setNote(name, value) {
      if (value === undefined) await answered(meta.deleteOne(named(name), timed));
      else await answered(meta.updateOne(named(name), { $set: { value } }, { ...timed, upsert: true }));
    },
  };
}

const named = (name: string) => ({ _id: { $eq: `note ${name}` } });

/** A version that another one of the same page follows: it was never the newest here. */
function past(change: Change, next: Change): VersionDocument {
  const {
    head: _head,
    live: _live,
    s: _s,
    r: _r,
    k: _k,
    d: _d,
    f: _f,
    resource: _resource,
    ...rest
  } = toDocument(change, false);
  return { ...rest, e: next.updated };
}
