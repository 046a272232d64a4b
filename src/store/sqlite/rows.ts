/** Between the objects of the port and the columns of a row: entries, sort keys, versions. */
import { isRange, sortKeys, type Entry } from '../../search/plan.js';
import type { Found, Method, Version } from '../port.js';
import type { Row } from './connection.js';
import { sql } from './sql.js';

/** `[param, value, detail]` for a text, `[param, value, low, high]` for a range; SQL reads it too, see `compile.ts`. */
export type EntryRow = [string, string, string] | [string, string, number, number];

export const rowOf = (entry: Entry): EntryRow =>
  isRange(entry) ? [entry.param, entry.value, entry.low, entry.high] : [entry.param, entry.value, entry.detail];

function entryOf(row: EntryRow): Entry {
  const [param, value] = row;
  return row.length === 3 ? { param, value, detail: row[2] } : { param, value, low: row[2], high: row[3] };
}

export const encodeEntryRow = (row: EntryRow): string => `[${row.map(encode).join(',')}]`;

export const decodeEntryRows = (text: string): EntryRow[] => JSON.parse(text) as EntryRow[];

/** Each parameter's first and last value, as `{"date":[low,high]}`. */
export function encodeKeys(entries: readonly Entry[]): string {
  const keys = [...sortKeys(entries)].map(
    ([param, { first, last }]) => `${encode(param)}:[${encode(first)},${encode(last)}]`,
  );
  return `{${keys.join(',')}}`;
}

/** JSON has no infinity, but a number that is too large for a double is read as one, here and in SQLite. */
function encode(value: string | number): string {
  return value === Infinity ? '9e999' : value === -Infinity ? '-9e999' : JSON.stringify(value);
}

export const versionColumns = sql`
  r.type, r.id, v.version, v.updated, v.owner, v.method, v.blob_hash, v.blob_size, v.text`;

export function versionOf(row: Row): Version {
  return {
    type: String(row.type),
    id: String(row.id),
    version: Number(row.version),
    updated: Number(row.updated),
    owner: String(row.owner),
    method: String(row.method) as Method,
    text: row.text === null ? undefined : String(row.text),
    ...(typeof row.blob_hash === 'string' && { blob: { hash: row.blob_hash, size: Number(row.blob_size) } }),
  };
}

/** Entries are decoded only if somebody asks: most of what is found is only shown. */
export function foundOf(row: Row): Found {
  let entries: Entry[] | undefined;
  return {
    ...versionOf(row),
    get entries() {
      return (entries ??= decodeEntryRows(String(row.entries)).map(entryOf));
    },
  };
}
