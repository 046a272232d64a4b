/**
 * The contract between the repository and a store. Two adapters keep it, SQLite and MongoDB; `test/contract/store.ts`
 * is its proof and runs on both. Nothing here knows FHIR's rules: a store keeps texts, finds them by their entries,
 * and never parses a text to give it back.
 */
import type { BlobRef } from '../blob/port.js';
import type { ResourceType } from '../fhir/types.js';
import type { Instant } from '../kit/clock.js';
import type { Piece } from '../kit/pieces.js';
import type { OpenedTo, Openness } from '../search/opened.js';
import type { Entry, Order, Plan } from '../search/plan.js';
import type { Opened, Sharing } from './opened.js';
import type { AuditLog, AuditRecord } from './trail.js';

export type { Opened, Opening, Sharing } from './opened.js';
export type { AuditEntry, AuditFound, AuditHead, AuditLink, AuditLog, AuditRecord } from './trail.js';

/** The organization that a version belongs to. Open mode knows one. */
export type Owner = string;

/** Whose versions a caller can see; whatever else there is does not exist for them. */
export interface Reach {
  owners: Owner[];
  /** Seen too, with all its versions, is what is open to one of these at this instant, whoever owns it. */
  opened?: OpenedTo;
}

export interface Key {
  type: ResourceType;
  id: string;
}

export type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One version of one resource. Versions are written once and never changed. */
export interface Version extends Key {
  /** 1, 2, 3 … without a gap; a deletion is a version too, and creation after it goes on counting. */
  version: number;
  updated: Instant;
  owner: Owner;
  method: Method;
  /** The resource's final JSON; undefined when this version is a deletion. */
  text: string | undefined;
  /** The same text as UTF-8, where the store has it so: what is only sent on need not be decoded. */
  readonly utf8?: Uint8Array | undefined;
  /** The bytes that a Binary stands for. */
  blob?: BlobRef;
}

/** Whether it is one, and no deletion; no text is decoded for that. */
export function isThere<T extends Version>(version: T | undefined): version is T {
  return version !== undefined && (version.utf8 !== undefined || version.text !== undefined);
}

/** The JSON of what is no deletion, as it can be sent at the least cost: no text is decoded where there are bytes. */
export const jsonOf = (version: Version): Piece => version.utf8 ?? version.text ?? '';

/** A current version together with its search values. */
export interface Found extends Version {
  entries: Entry[];
  /** To whom it is open; where `read` was asked by a reach with `opened`. */
  openings?: readonly Openness[] | undefined;
}

/** A version to be written, on condition that `version - 1` is the current one (0: there is none). */
export interface Change extends Version {
  /** The search values, each one once; none for a deletion. */
  entries: Entry[];
  /** What the text says, where somebody has read it anyway: a store that keeps fields need not read it again. */
  document?: object;
}

/**
 * "Exactly `matches` resources of this type, seen by this reach, meet the plan", checked inside the same write. Two
 * guarded writes with the same `name` exclude each other, so that the second sees what the first wrote.
 */
export interface Guard {
  name: string;
  type: ResourceType;
  plan: Plan;
  reach: Reach;
  matches: number;
}

/**
 * What must be true of references when a write is done; checked inside it. A reference is seen by the entry of the
 * parameter `REFERS` that has `Type/id` as its value.
 */
export interface Integrity {
  /** Each of these is there, seen by the reach, and is no deletion: before the write, or by it. */
  present: Key[];
  /** Of what the write deletes: nothing that is current refers to these any more, of whatever owner. */
  unreferred: Key[];
  reach: Reach;
}

/** What a write also keeps, all or nothing with its changes. */
export interface Along {
  /** No `via` twice. What is not there when the changes are made, or is deleted, is not opened. */
  opened?: Opened[];
  /** Records of what the changes are: they are in the log by the time that the write is seen, or very soon after. */
  audit?: AuditRecord[];
}

/** The parameter of the entries that say what a resource refers to; no query can name it. */
export const REFERS = ':refers';

/** Where a page ended: opaque to all but the store that made it; plain JSON. */
export type Position = (string | number | null)[];

export interface PageRequest {
  /** At least 1. */
  size: number;
  /** The page ends early, after one item at least, before its texts have more bytes than this. */
  bytes?: number;
  after?: Position;
  /** Nobody looks at the search values: asking the items for them may fail. */
  bare?: boolean;
  /** Aborted when whoever asked is gone: a store that can stops its work. Made when it is asked for. */
  gone?: () => AbortSignal;
}

export interface Page<T> {
  items: T[];
  /** Where the next page begins; undefined when there is none. */
  next?: Position;
}

/** All versions, those of one type, or those of one resource; narrowed by time. */
export interface HistoryScope {
  type?: ResourceType;
  id?: string;
  /** Written at or after this instant. */
  since?: Instant;
  /** Current at some instant from `from` up to, but without, `to`. */
  at?: { from: Instant; to: Instant };
}

/** Where a reader of the feed stands; plain text that outlives both reader and server. */
export type Cursor = string;

export interface Store {
  /**
   * Writes all changes or none, durably before it resolves. Rejects with a StoreError: `conflict` when a current
   * version is not the expected one, `guard` when a guard does not hold, `missing` (with its key) when a reference
   * would lead nowhere, `referred` (with its key; the message names those who refer to it and whom the reach sees) when
   * one would be left behind, `unavailable` when nothing was written and trying again may help, `unknown` when it cannot be known whether it was written, `full` when there is no room.
   * No key may occur twice. `record` is put into the vault by the same write, even where there is nothing else to
   * write; where one of its key is that has not expired, that is why nothing is written: `recorded` (with the key).
   * `along` is kept by the same write too. A resource stays open when it is written anew; a deletion ends that. With
   * `along` it is also a `conflict` (with the `via`) when something was opened by the same `via` since. References are
   * judged by what was open before the write.
   */
  write(changes: Change[], guards?: Guard[], integrity?: Integrity, record?: VaultRecord, along?: Along): Promise<void>;
  /** The current versions, deletions included, in the order of the keys; undefined for what is not there. `bare`: see PageRequest. */
  read(keys: Key[], reach: Reach, bare?: boolean): Promise<(Found | undefined)[]>;
  version(key: Key, version: number, reach: Reach): Promise<Version | undefined>;
  /**
   * The organization that each of these belongs to, deletions too; undefined for what never was. It is for what the
   * server decides by itself: whom a reference names, whose patient an emergency is about. No caller is told.
   */
  ownersOf(keys: Key[]): Promise<(Owner | undefined)[]>;
  /**
   * Current resources of one type, of all owners, that have one of these texts as a value of their parameter; each once.
   * What it costs follows these and the number of owners, not how much else has such a value. It too is for what the
   * server decides by itself.
   */
  having(param: ValueOf, values: readonly string[], atMost: number): Promise<Key[]>;
  /** Newest first; a version that is written later never moves what a page has shown. */
  history(scope: HistoryScope, page: PageRequest, reach: Reach): Promise<Page<Version>>;
  /**
   * Current resources of these types that meet the plan (never deletions), ordered by `order` and then by an order
   * of the store's own that never changes for a resource. Pages are by key: what was there throughout and did not
   * change is shown once, whatever others write meanwhile. `search` and `count` reject with `too-costly` when more
   * than `joinTargets` resources (kit/limits) meet the condition on the far side of a chain or `_has`.
   */
  search(types: ResourceType[], plan: Plan, order: Order[], page: PageRequest, reach: Reach): Promise<Page<Found>>;
  /** How many meet the plan; it stops counting at `atMost`. */
  count(types: ResourceType[], plan: Plan, reach: Reach, atMost: number): Promise<number>;
  /**
   * The feed of all committed versions, of all owners, from a cursor on (undefined: from the beginning). Each one at
   * least once, and those of one resource in their order. Versions come in the order of their commits; on MongoDB a
   * reader that begins, or whose cursor the oplog no longer reaches, first gets the older ones by time. A reader
   * that resumes from its cursor misses nothing, however long a write took to commit.
   */
  changes(after: Cursor | undefined, limit: number): Promise<{ versions: Version[]; cursor: Cursor }>;
  /** Which of these hashes a version names, of whatever owner and however old. What was acknowledged is seen. */
  blobsInUse(hashes: string[]): Promise<Set<string>>;
  sharing: Sharing;
  vault: Vault;
  keeping: Keeping;
  erasing: Erasing;
  audit: AuditLog;
  /** Resolves when the store answers; rejects when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What moves, keeps and mends the data of a whole server. No request of a client ends here. */
export interface Keeping {
  /**
   * Everything that was committed before one moment: call it with the cursor of the call before until `done`. Each
   * resource's versions come in their order; a version may come twice. The moment lies between the first and the last
   * call. With the cursor of a finished run it gives what was committed since. A page has at most `limit` versions,
   * fewer when they are large.
   */
  snapshot(after: Cursor | undefined, limit: number): Promise<{ versions: Version[]; cursor: Cursor; done: boolean }>;
  /**
   * Stores versions exactly as they are, in their order, and the note `filling` with them: both or neither. Versions
   * that are there already are passed over; `note` is given the others, makes the note's text, and may be called
   * several times. `conflict` when a version leaves a gap. Only for a store that nobody else writes to.
   */
  load(changes: Change[], note: (fresh: Change[]) => string): Promise<void>;
  /** Current resources of all owners, no deletions, in an order that never changes for a resource. */
  currents(page: PageRequest): Promise<Page<Version>>;
  /** Replaces the search values of versions that are still current; the others are passed over. No new version. */
  reindex(changes: Change[]): Promise<void>;
  /** What the server notes about this store itself; it is not part of the data, and is never moved. */
  note(name: NoteName): Promise<string | undefined>;
  setNote(name: NoteName, value: string | undefined): Promise<void>;
}

/** A search parameter of a type. */
export interface ValueOf {
  type: ResourceType;
  param: string;
}

/** What takes data away for good; see `repository/purge.ts`, the only one that does. */
export interface Erasing {
  /**
   * Versions of these owners, old ones too, whose text has this somewhere. It reads every text that there is: a page may
   * be empty and yet not the last, and others have their turn between two. What is written meanwhile it may miss.
   */
  mentions(text: string, page: PageRequest, reach: Reach): Promise<Page<Version>>;
  /** Current resources of all owners, or those of one type, that refer to one of these, without these; and to which. Those of the owner `without` are left out. */
  referrers(keys: Key[], atMost: number, type?: ResourceType, without?: Owner): Promise<(Key & { to: string })[]>;
  /**
   * Erases resources with all their versions and search values, and writes the record. `conflict` when one is at another
   * version; its key may be written anew afterwards, from version 1 on. SQLite does all of it or none; MongoDB goes in
   * order, by many at once, and the record is written with the first of them.
   */
  erase(doomed: Doomed[], record: Change): Promise<void>;
  /** Makes sure that no byte of what was erased is left in the store's own file, as far as a store can. It may take long. */
  compact(): Promise<void>;
}

/** A resource to be erased, at the version that was looked at. */
export interface Doomed extends Key {
  version: number;
}

/** Who this store is, what its search values and openings were made by, how far a reindex is, what is loaded, from where. */
export type NoteName = 'id' | 'index' | 'opened' | 'judged' | 'reindexing' | 'filling' | 'moved' | 'audit';

/** Small records that expire: keys, codes, claims. A record past its time is not there. */
export interface Vault {
  get(key: string): Promise<string | undefined>;
  put(key: string, value: string, expires: Instant): Promise<void>;
  /** True for exactly one caller of many; an expired record is no obstacle. */
  putIfAbsent(key: string, value: string, expires: Instant): Promise<boolean>;
  /** Takes the record away; exactly one caller of many gets it. */
  take(key: string): Promise<string | undefined>;
  /** The records that have not expired, by key, from behind a key on; of those alone whose keys begin with a prefix. */
  list(after: string | undefined, limit: number, prefix?: string): Promise<VaultRecord[]>;
}

export interface VaultRecord {
  key: string;
  value: string;
  expires: Instant;
}

export type StoreFailure =
  'conflict' | 'guard' | 'missing' | 'referred' | 'recorded' | 'unavailable' | 'unknown' | 'full' | 'too-costly';

export class StoreError extends Error {
  readonly reason: StoreFailure;
  /** The `Type/id` or the `via` of a conflict, or the name of the guard that did not hold. */
  readonly at: string | undefined;

  constructor(reason: StoreFailure, message: string, at?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.reason = reason;
    this.at = at;
  }
}
