/**
 * What is open, and why. It stands in the newest version's document, in the field `open`, so that a search for what is
 * open has an index of its own; a version that follows takes it over in the same transaction. Two writes that touch the
 * same document meet, and the later one begins again. How often a reason was computed, `sharing` counts.
 */
import type { AnyBulkWriteOperation, ClientSession, Document } from 'mongodb';
import { isOpen, type OpenedTo, type Openness } from '../../search/opened.js';
import { endOf, overtaken } from '../opened.js';
import type { Change, Key, Opened, Opening, Owner, Sharing } from '../port.js';
import type { VersionFilter } from './compile.js';
import { keyOf } from './documents.js';
import { answered, isDuplicate } from './errors.js';
import type { Parts } from './parts.js';
import type { OpenDocument, VersionDocument } from './schema.js';

/** What is open to these now; the index that begins with `open.to` serves it. */
export const openTo = ({ to, at }: OpenedTo): VersionFilter => ({
  open: { $exists: true, $elemMatch: { to: { $in: [...to] }, f: { $lte: at }, u: { $gt: at } } },
});

/** What is, was or will be; the same index serves it. */
export const openEver = (to: readonly string[]): VersionFilter => ({
  open: { $exists: true },
  'open.to': { $in: [...to] },
});

/** Whether a document's own fields say that this reach sees it. */
export const isSeen = (
  { o, open }: { o: Owner; open?: OpenDocument[] },
  { owners, opened }: { owners: Owner[]; opened?: OpenedTo },
): boolean => owners.includes(o) || (opened !== undefined && isOpen(open?.map(opennessOf), opened));

export const opennessOf = ({ to, f, u }: OpenDocument): Openness => ({ to, from: f, until: u });

/** What a resource that is written for the first time is open to, where that can be said with it: nobody else opens it. */
export function fromTheStart(key: string, opened: readonly Opened[]): OpenDocument[] | undefined {
  const own = opened.every(
    ({ via, was, openings }) =>
      was === 0 && (via === key || via === `directory/${key}`) && openings.every((one) => keyOf(one) === key),
  );
  return own ? documentsOf(opened, key) : undefined;
}

export interface Openings {
  /** What the current versions of these are open to, by `Type/id`. */
  carried: (session: ClientSession, followers: readonly Change[]) => Promise<Map<string, OpenDocument[]>>;
  /** Throws `conflict` where one was computed anew since. */
  advance: (session: ClientSession, opened: readonly Opened[]) => Promise<void>;
  /** Replaces what each `via` opened. */
  replace: (session: ClientSession, opened: readonly Opened[]) => Promise<void>;
  /** Nothing is left that names these as a reason. */
  forget: (session: ClientSession, keys: readonly Key[]) => Promise<void>;
}

export function createOpenings({ collections: { versions, sharing }, operationMs }: Parts): Openings {
  const timed = { maxTimeMS: operationMs };

  async function carried(session: ClientSession, followers: readonly Change[]): Promise<Map<string, OpenDocument[]>> {
    const live = followers.filter(({ text }) => text !== undefined).map(keyOf);
    if (live.length === 0) return new Map();
    const filter = { key: { $in: live }, head: true as const, open: { $exists: true } };
    const found = await versions.find(filter, { session, ...timed, projection: { key: 1, open: 1 } }).toArray();
    return new Map(found.map(({ key, open = [] }) => [key, open]));
  }

  async function advance(session: ClientSession, opened: readonly Opened[]): Promise<void> {
    for (const { via, was } of opened) if (!(await isNext(session, via, was))) throw overtaken(via);
  }

  async function isNext(session: ClientSession, via: string, was: number): Promise<boolean> {
    const options = { session, ...timed };
    if (was > 0)
      return (await sharing.updateOne({ _id: { $eq: via }, n: was }, { $inc: { n: 1 } }, options)).matchedCount === 1;
    try {
      await sharing.insertOne({ _id: via, n: 1 }, options);
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  async function replace(session: ClientSession, opened: readonly Opened[]): Promise<void> {
    if (opened.length === 0) return;
    const via = opened.map((one) => one.via);
    const named = [...new Set(opened.flatMap(({ openings }) => openings.map(keyOf)))];
    const filter = { $or: [{ key: { $in: named }, head: true as const, live: { $exists: true } }, openedBy(via)] };
    const projection = { key: 1, open: onlyBy(via) };
    const found = await versions.find(filter, { session, ...timed, projection }).toArray();
    const updates: AnyBulkWriteOperation<VersionDocument>[] = [];
    for (const { _id, key, open } of found) {
      const next = documentsOf(opened, key);
      if (textOf(open ?? []) === textOf(next)) continue;
      if ((open ?? []).length > 0)
        updates.push({ updateOne: { filter: { _id }, update: { $pull: { open: { v: { $in: via } } } } } });
      if (next.length > 0)
        updates.push({ updateOne: { filter: { _id }, update: { $push: { open: { $each: next } } } } });
    }
    if (updates.length > 0) await versions.bulkWrite(updates, { session, ...timed });
  }

  async function forget(session: ClientSession, keys: readonly Key[]): Promise<void> {
    const via = keys.map(keyOf).flatMap((key) => [key, `directory/${key}`]);
    await versions.updateMany(openedBy(via), { $pull: { open: { v: { $in: via } } } }, { session, ...timed });
    await sharing.deleteMany({ _id: { $in: via } }, { session, ...timed });
  }

  return { carried, advance, replace, forget };
}

export function createSharing({ collections: { versions, sharing }, operationMs }: Parts): Sharing {
  const timed = { maxTimeMS: operationMs };

  async function of(via: string[]) {
    // The generations first: what is read after them is as new as they say, or the write that goes by them fails.
    const generations = await sharing.find({ _id: { $in: via } }, timed).toArray();
    const found = new Map<string, { generation: number; openings: Opening[] }>();
    for (const one of via) found.set(one, { generation: 0, openings: [] });
    for (const { _id, n } of generations) found.set(_id, { generation: n, openings: [] });
    const projection = { t: 1, i: 1, open: onlyBy(via) };
    const documents = await versions.find(openedBy(via), { ...timed, projection, sort: { key: 1 } }).toArray();
    for (const { t, i, open = [] } of documents)
      for (const one of open) found.get(one.v)?.openings.push({ type: t, id: i, ...opennessOf(one) });
    return found;
  }

  async function via(keys: Key[]) {
    const filter = { key: { $in: keys.map(keyOf) }, head: true as const, open: { $exists: true } };
    const found = await versions.find(filter, { ...timed, projection: { key: 1, 'open.v': 1 } }).toArray();
    const reasons = found.map(({ key, open = [] }) => [key, [...new Set(open.map(({ v }) => v))].sort()] as const);
    return new Map<string, string[]>(reasons.filter(([, some]) => some.length > 0));
  }

  async function named(type: string, beginning: string, atMost: number) {
    const open = { $exists: true, $elemMatch: { to: { $gte: beginning, $lt: endOf(beginning) } } };
    const options = { ...timed, hint: 'open', projection: { _id: 0, 'open.to': 1 }, limit: atMost + 1 };
    const documents = await versions.find({ open, live: type }, options).toArray();
    const names = documents.flatMap((one) =>
      (one.open ?? []).map(({ to }) => to).filter((to) => to.startsWith(beginning)),
    );
    return names.length > atMost ? undefined : new Set(names);
  }

  return {
    of: (some) => answered(of(some)),
    via: (keys) => answered(via(keys)),
    named: (...asked) => answered(named(...asked)),
  };
}

const openedBy = (via: readonly string[]): VersionFilter => ({ open: { $exists: true }, 'open.v': { $in: [...via] } });

/** Of a form that every case names only what these opened. */
const onlyBy = (via: readonly string[]): Document => ({
  $filter: { input: '$open', cond: { $in: ['$$this.v', { $literal: via }] } },
});

/** What these open of one resource. */
const documentsOf = (opened: readonly Opened[], key: string): OpenDocument[] =>
  opened.flatMap(({ via, openings }) =>
    openings.filter((one) => keyOf(one) === key).map(({ to, from, until }) => ({ v: via, to, f: from, u: until })),
  );

const textOf = (open: readonly OpenDocument[]): string =>
  open
    .map(({ v, to, f, u }) => JSON.stringify([v, to, f, u]))
    .sort()
    .join();
