/**
 * The collections and their indexes.
 *
 * `versions` holds one document for each version. The newest one of a resource also carries what a search needs, so
 * that a create is one insert: atomic without a transaction. Its successor takes all of that away from it.
 */
import { randomUUID } from 'node:crypto';
import { MongoServerError, type Collection, type Db } from 'mongodb';
import { checkIndex, MongoRefused, type ExpectedIndex } from './checks.js';
import type { MainDate } from './dates.js';
import { migrate, refuseLater, type MetaDocument } from './migrate.js';

export interface VersionDocument {
  /** `Type/id/version` with the version in nine digits, so that the ids of one resource sort as its versions do. */
  _id: string;
  /** `Type/id`. */
  key: string;
  /** Type, id, owner, version, time of writing, method. */
  t: string;
  i: string;
  o: string;
  n: number;
  u: number;
  m: string;
  /** The final JSON; absent in a deletion. */
  text?: string;
  blob?: { hash: string; size: number };
  /** When the next version took its place. */
  e?: number;
  /** This is the newest version, of a resource that may be deleted. */
  head?: true;
  /** The type once more while a search can find this version: the newest one, and no deletion. */
  live?: string;
  /** Search values: text entries (param, value, detail), range entries (param, value, low, high). */
  s?: { p: string; v: string; d: string }[];
  r?: { p: string; v: string; l: number; h: number }[];
  /** First and last value of each parameter, to sort by. */
  k?: Map<string, { f: string | number; l: string | number }>;
  /** Of these keys the one that sorts of this type mostly go by; see `dates.ts`. */
  d?: MainDate;
  /** What it refers to, each `Type/id`: whoever deletes that asks for it. */
  f?: string[];
  /** To whom it is open and why (`v`), from when (`f`) until when (`u`); see `openings.ts`. */
  open?: OpenDocument[];
  /** Somebody is about to delete this resource: who, and since when by MongoDB's own clock; see `closing.ts`. */
  closing?: { by: string; at: Date };
  /** The fields of the resource, for an operator's own queries; the server never reads them. */
  resource?: object;
  /** What the audit trail says of the write that made this version, and the process that brings it there; see `outbox.ts`. */
  a?: { by: string; r: { t: string; k: string[] }[] };
}

/** A link of the audit trail. */
export interface AuditDocument {
  /** Chain and number of its first record. */
  _id: string;
  c: string;
  n: number;
  at: number;
  /** The records, a line each; their keys, each once; and for each line which of these it has. */
  text: string;
  k: string[];
  l: number[][];
  before: string;
  hash: string;
}

export interface OpenDocument {
  v: string;
  to: string;
  f: number;
  u: number;
}

/** How often what one reason opens was computed. */
export interface SharingDocument {
  _id: string;
  n: number;
}

export interface GuardDocument {
  _id: number;
  n: number;
}

export interface VaultDocument {
  _id: string;
  v: string;
  /** When it expires by the server's clock; and when MongoDB may remove it, by its own. */
  x: number;
  at: Date;
}

export interface Collections {
  versions: Collection<VersionDocument>;
  guards: Collection<GuardDocument>;
  sharing: Collection<SharingDocument>;
  vault: Collection<VaultDocument>;
  meta: Collection<MetaDocument>;
  audit: Collection<AuditDocument>;
}

const head = { head: true };
const live = { live: { $exists: true } };
const open = { open: { $exists: true } };
const dated = { 'd.w': { $exists: true } };

/**
 * The owner stands before all values, so that a search never walks over what it may not see. Before it stands only the
 * parameter: of several entries that are asked for, MongoDB weighs which one to go by only if an index begins with what
 * tells them apart. With one value given, `value` also yields the order of the store (`key`): a page costs what it shows.
 */
export const indexes: Record<keyof Collections, ExpectedIndex[]> = {
  versions: [
    { name: 'head', key: { key: 1 }, unique: true, partialFilterExpression: head },
    { name: 'list', key: { o: 1, live: 1, key: 1 }, partialFilterExpression: live },
    { name: 'updated', key: { o: 1, live: 1, u: 1, key: 1 }, partialFilterExpression: live },
    { name: 'value', key: { 's.p': 1, o: 1, live: 1, 's.v': 1, key: 1, 's.d': 1 }, partialFilterExpression: live },
    { name: 'range', key: { 'r.p': 1, o: 1, live: 1, 'r.v': 1, 'r.l': 1, 'r.h': 1 }, partialFilterExpression: live },
    { name: 'first', key: { o: 1, live: 1, 'd.w': 1, 'd.f': 1, key: 1 }, partialFilterExpression: dated },
    { name: 'last', key: { o: 1, live: 1, 'd.w': 1, 'd.l': 1, key: 1 }, partialFilterExpression: dated },
    { name: 'refers', key: { f: 1 }, partialFilterExpression: { f: { $exists: true } } },
    { name: 'open', key: { 'open.to': 1, live: 1, key: 1 }, partialFilterExpression: open },
    // The worklist of who is asked for help: what is open to them, newest first.
    ...(['f', 'l'] as const).map((end) => ({
      name: `open ${end}`,
      key: { 'open.to': 1, live: 1, 'd.w': 1, [`d.${end}`]: 1, key: 1 } as const,
      partialFilterExpression: { ...open, ...dated },
    })),
    { name: 'via', key: { 'open.v': 1 }, partialFilterExpression: open },
    { name: 'history', key: { o: 1, t: 1, u: 1, _id: 1 } },
    { name: 'feed', key: { u: 1, _id: 1, o: 1 } },
    { name: 'blob', key: { 'blob.hash': 1 }, partialFilterExpression: { 'blob.hash': { $exists: true } } },
  ],
  guards: [],
  sharing: [],
  vault: [{ name: 'expiry', key: { at: 1 }, expireAfterSeconds: 0 }],
  meta: [],
  audit: [
    { name: 'key', key: { k: 1, at: 1, _id: 1 } },
    { name: 'at', key: { at: 1, _id: 1 } },
  ],
};

/** Makes what is missing, refuses what is there but different, and takes the steps that the data still needs. */
export async function prepare(db: Db): Promise<Collections> {
  await refuseLater(db);
  await Promise.all(Object.entries(indexes).map(([name, expected]) => prepareOne(db, name, expected)));
  await migrate(db, randomUUID());
  const [versions, guards] = [db.collection<VersionDocument>('versions'), db.collection<GuardDocument>('guards')];
  const [sharing, vault] = [db.collection<SharingDocument>('sharing'), db.collection<VaultDocument>('vault')];
  const [meta, audit] = [db.collection<MetaDocument>('meta'), db.collection<AuditDocument>('audit')];
  return { versions, guards, sharing, vault, meta, audit };
}

async function prepareOne(db: Db, name: string, expected: readonly ExpectedIndex[]): Promise<void> {
  await ignoring([NAMESPACE_EXISTS], db.createCollection(name));
  const collection = db.collection(name);
  const [first, ...rest] = expected;
  if (first === undefined) return;
  await ignoring([INDEX_OPTIONS_CONFLICT, INDEX_KEY_CONFLICT], collection.createIndexes([first, ...rest])).catch(
    (error: unknown) => {
      if (!hasCode(error, [DUPLICATE_KEY])) throw error;
      throw new MongoRefused(`the data in "${name}" breaks a unique index: ${error.message}`);
    },
  );
  const found = await collection.indexes();
  for (const index of expected)
    checkIndex(
      name,
      index,
      found.find((one) => one.name === index.name),
    );
}

const NAMESPACE_EXISTS = 48;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_CONFLICT = 86;
const DUPLICATE_KEY = 11000;

async function ignoring(codes: number[], work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!hasCode(error, codes)) throw error;
  });
}

const hasCode = (error: unknown, codes: number[]): error is MongoServerError =>
  error instanceof MongoServerError && codes.some((code) => code === error.code);
