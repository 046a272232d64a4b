/** Between the objects of the port and the columns of a row: entries, sort keys, versions. */
import type { BlobRef } from '../../blob/port.js';
import { assert } from '../../kit/assert.js';
import { isRange, sortKeys, type Entry } from '../../search/plan.js';
import type { Found, Method, Version } from '../port.js';
import type { Tuple } from './connection.js';
import { sql, type Sql } from './sql.js';

/** `[param, value, detail]` for a text, `[param, value, low, high]` for a range; SQL reads it too, see `compile.ts`. */
export type EntryRow = [string, string, string] | [string, string, number, number];

export const rowOf = (entry: Entry): EntryRow =>
  isRange(entry) ? [entry.param, entry.value, entry.low, entry.high] : [entry.param, entry.value, entry.detail];

function entryOf(row: EntryRow): Entry {
  const [param, value] = row;
  return row.length === 3 ? { param, value, detail: row[2] } : { param, value, low: row[2], high: row[3] };
}

export const encodeEntryRow = (row: EntryRow): string =>
  isPlain(row) ? JSON.stringify(row) : `[${row.map(encode).join(',')}]`;

/** All of them at once, which is faster than one by one; but for infinity, see `encode`. */
export const encodeEntryRows = (rows: readonly EntryRow[]): string =>
  rows.every(isPlain) ? JSON.stringify(rows) : `[${rows.map(encodeEntryRow).join(',')}]`;

const isPlain = (row: EntryRow): boolean => row.length === 3 || (Number.isFinite(row[2]) && Number.isFinite(row[3]));

export const decodeEntryRows = (text: string): EntryRow[] => JSON.parse(text) as EntryRow[];

/** Each parameter's first and last value, as `{"date":[low,high]}`. */
export function encodeKeys(entries: readonly Entry[]): string {
  let keys = '';
  for (const [param, { first, last }] of sortKeys(entries)) {
    const least = encode(first);
    keys += `${keys === '' ? '' : ','}${encode(param)}:[${least},${first === last ? least : encode(last)}]`;
  }
  return `{${keys}}`;
}

/** JSON has no infinity, but a number that is too large for a double is read as one, here and in SQLite. */
function encode(value: string | number): string {
  return value === Infinity ? '9e999' : value === -Infinity ? '-9e999' : JSON.stringify(value);
}

/** As bytes, because most texts are only sent on: no string is made of them, and no bytes of that string again. */
const text = sql`CAST(v.text AS BLOB)`;

/** What a tuple that is a version begins with; other columns come behind. */
export const versionColumns = sql`
  r.type, r.id, v.version, v.updated, v.owner, v.method, v.blob_hash, v.blob_size, ${text}`;

/** Where the text stands in such a tuple, and where what comes behind begins. */
export const TEXT = 8;
export const BEHIND = 9;

/** The columns of a version with its search values, or `NULL` in their place. */
export const foundColumns = (bare: boolean | undefined): Sql =>
  bare === true ? sql`${versionColumns}, NULL` : sql`${versionColumns}, r.entries`;
export const BEHIND_FOUND = 10;

export function versionOf(row: Tuple): Version {
  const { type, id, version, updated, owner, method, text, blob } = new Stored(row);
  return { type, id, version, updated, owner, method, text, ...(blob === undefined ? {} : { blob }) };
}

export const foundOf = (row: Tuple): Found => new Stored(row);

/** To whom a row of `resource` is open, behind what is found. */
export const openings = sql`
  (SELECT json_group_array(json_array(o.org, o.since, o.until)) FROM opening o WHERE o.num = r.num)`;

export function openFoundOf(row: Tuple): Found {
  const text = row[BEHIND_FOUND];
  const rows = (typeof text === 'string' ? JSON.parse(text) : []) as [string, number, number][];
  return Object.assign(foundOf(row), { openings: rows.map(([to, from, until]) => ({ to, from, until })) });
}

/** Text and entries are decoded only if somebody asks: most of what is found is only shown. */
class Stored implements Found {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly updated: number;
  readonly owner: string;
  readonly method: Method;
  readonly utf8: Buffer | undefined;
  readonly blob?: BlobRef;
  #text: string | undefined;
  #entries: Tuple[number] | undefined | Entry[];

  constructor([type, id, version, updated, owner, method, hash, size, utf8, entries]: Tuple) {
    this.type = type as string;
    this.id = id as string;
    this.version = version as number;
    this.updated = updated as number;
    this.owner = owner as string;
    this.method = method as Method;
    this.utf8 = utf8 === null ? undefined : (utf8 as Buffer);
    this.#entries = entries;
    if (typeof hash === 'string') this.blob = { hash, size: Number(size) };
  }

  get text(): string | undefined {
    return (this.#text ??= this.utf8?.toString());
  }

  get entries(): Entry[] {
    if (Array.isArray(this.#entries)) return this.#entries;
    const rows = this.#entries;
    assert(typeof rows === 'string' || rows instanceof Buffer, 'The search values were not asked for.');
    return (this.#entries = decodeEntryRows(rows.toString()).map(entryOf));
  }
}
