/** A change as a document, and a document, as the bytes that came from MongoDB, as a version. */
import { BSON } from 'mongodb';
import { isRange, sortKeys, type Entry, type RangeEntry, type TextEntry } from '../../search/plan.js';
import { REFERS, type Change, type Found, type Key, type Method, type Version } from '../port.js';
import { dateOf } from './dates.js';
import { fieldsOf } from './fields.js';
import { part, rawFields, type RawFields } from './raw.js';
import type { VersionDocument } from './schema.js';

export const keyOf = ({ type, id }: Key): string => `${type}/${id}`;

export const documentId = (key: string, version: number): string => `${key}/${String(version).padStart(9, '0')}`;

/** Parameter names become field names, in which a dot or a dollar sign would mean something. */
export const fieldName = (param: string): string =>
  ODD.test(param) ? param.replaceAll('%', '%25').replaceAll('.', '%2E').replaceAll('$', '%24') : param;

const ODD = /[%.$]/;

/** What of a document a version needs, and what more a current one. */
export const versionFields = { _id: 1, t: 1, i: 1, o: 1, n: 1, u: 1, m: 1, text: 1, blob: 1 } as const;
export const foundFields = { ...versionFields, key: 1, s: 1, r: 1, f: 1 } as const;

/** What only the newest version has: its successor takes it away, and the feed does not carry it. */
export const headFields = ['head', 'closing', 'live', 's', 'r', 'k', 'd', 'f', 'resource'] as const;

export function toDocument(change: Change, withFields: boolean): VersionDocument {
  const { type, id, version, updated, owner, method, text, blob, entries } = change;
  const key = keyOf(change);
  const base = { _id: documentId(key, version), key, t: type, i: id, o: owner, n: version, u: updated, m: method };
  const document: VersionDocument = { ...base, head: true };
  if (blob !== undefined) document.blob = blob;
  if (text === undefined) return document;
  document.text = text;
  document.live = type;
  Object.assign(document, valuesOf(type, entries));
  const resource = withFields ? fieldsOf(text, change.document) : undefined;
  if (resource !== undefined) document.resource = resource;
  return document;
}

/** What a search finds and sorts a current version by. */
export function valuesOf(type: string, entries: readonly Entry[]): Pick<VersionDocument, 's' | 'r' | 'k' | 'd' | 'f'> {
  const values: Required<Pick<VersionDocument, 's' | 'r' | 'k'>> = { s: [], r: [], k: new Map() };
  const refers: string[] = [];
  for (const entry of entries) {
    if (isRange(entry)) values.r.push({ p: entry.param, v: entry.value, l: entry.low, h: entry.high });
    else if (entry.param === REFERS) refers.push(entry.value);
    else values.s.push({ p: entry.param, v: entry.value, d: entry.detail });
  }
  const keys = sortKeys(entries);
  for (const [param, { first, last }] of keys) values.k.set(fieldName(param), { f: first, l: last });
  const date = dateOf(type, entries, keys);
  return { ...(date === undefined ? {} : { d: date }), ...(refers.length === 0 ? {} : { f: refers }), ...values };
}

export function toVersion(fields: RawFields): Version {
  const { t, i, o, n, u, m, text, blob } = fields;
  const version = { type: t, id: i, version: n, updated: u, owner: o, method: m as Method, text } as Version;
  if (blob !== undefined) version.blob = BSON.deserialize(part(blob)) as { hash: string; size: number };
  return version;
}

/** Entries are decoded only if somebody asks: most hits are only shown, and their text is all of them that is. */
export function toFound(fields: RawFields): Found {
  let entries: Entry[] | undefined;
  return Object.defineProperty(toVersion(fields) as Found, 'entries', {
    enumerable: true,
    configurable: true,
    get: () => (entries ??= entriesOf(fields)),
    set: (replaced: Entry[]) => (entries = replaced),
  });
}

export const versionsOf = (documents: Uint8Array[]): Version[] => documents.map((raw) => toVersion(rawFields(raw)));

export function entriesOf({ s, r, f }: RawFields): Entry[] {
  return [
    ...listOf<{ p: string; v: string; d: string }>(s).map(({ p, v, d }): TextEntry => ({
      param: p,
      value: v,
      detail: d,
    })),
    ...listOf<{ p: string; v: string; l: number; h: number }>(r).map(({ p, v, l, h }): RangeEntry => ({
      param: p,
      value: v,
      low: l,
      high: h,
    })),
    ...listOf<string>(f).map((value): TextEntry => ({ param: REFERS, value, detail: '' })),
  ];
}

const listOf = <T>(array: RawFields[string]): T[] =>
  array === undefined ? [] : (Object.values(BSON.deserialize(part(array))) as T[]);
