/** A change as a document, and a document, as the bytes that came from MongoDB, as a version. */
import { BSON, type Document } from 'mongodb';
import { assert } from '../../kit/assert.js';
import type { Openness } from '../../search/opened.js';
import { isRange, sortKeys, type Entry, type RangeEntry, type TextEntry } from '../../search/plan.js';
import { REFERS, type Change, type Found, type Key, type Method, type Version } from '../port.js';
import { dateOf } from './dates.js';
import { fieldsOf } from './fields.js';
import { part, rawFields, type RawFields } from './raw.js';
import type { OpenDocument, VersionDocument } from './schema.js';

export const keyOf = ({ type, id }: Key): string => `${type}/${id}`;

export const documentId = (key: string, version: number): string => `${key}/${String(version).padStart(9, '0')}`;

/** Parameter names become field names, in which a dot or a dollar sign would mean something. */
export const fieldName = (param: string): string =>
  ODD.test(param) ? param.replaceAll('%', '%25').replaceAll('.', '%2E').replaceAll('$', '%24') : param;

const ODD = /[%.$]/;

/** What of a document a version needs, and what more a current one; its search values only if somebody looks at them. */
export const versionFields = { _id: 1, t: 1, i: 1, o: 1, n: 1, u: 1, m: 1, text: 1, blob: 1 } as const;
const bareFields = { ...versionFields, key: 1 } as const;
const wholeFields = { ...bareFields, s: 1, r: 1, f: 1 } as const;
export const foundFields = (bare = false): Document => (bare ? bareFields : wholeFields);

/** What only the newest version has: its successor takes it away, and the feed does not carry it. */
export const headFields = ['head', 'closing', 'live', 's', 'r', 'k', 'd', 'f', 'open', 'resource'] as const;

export function toDocument(change: Change, withFields: boolean, open: OpenDocument[] = []): VersionDocument {
  const { type, id, version, updated, owner, method, text, blob, entries } = change;
  const key = keyOf(change);
  const base = { _id: documentId(key, version), key, t: type, i: id, o: owner, n: version, u: updated, m: method };
  const document: VersionDocument = { ...base, head: true };
  if (blob !== undefined) document.blob = blob;
  if (text === undefined) return document;
  document.text = text;
  document.live = type;
  if (open.length > 0) document.open = open;
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
  const { type, id, version, updated, owner, method, text, blob } = new Stored(fields);
  return { type, id, version, updated, owner, method, text, ...(blob === undefined ? {} : { blob }) };
}

export const toFound = (fields: RawFields): Found => new Stored(fields);

/** Text and entries are decoded only if somebody asks: most of what is found is only shown. */
class Stored implements Found {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly updated: number;
  readonly owner: string;
  readonly method: Method;
  readonly utf8: Buffer | undefined;
  readonly blob?: { hash: string; size: number };
  readonly #fields: RawFields;
  #text: string | undefined;
  #entries: Entry[] | undefined;
  #openings: Openness[] | undefined;

  constructor(fields: RawFields) {
    const { t, i, o, n, u, m, text, blob } = fields;
    this.type = t as string;
    this.id = i as string;
    this.version = n as number;
    this.updated = u as number;
    this.owner = o as string;
    this.method = m as Method;
    this.utf8 = text as Buffer | undefined;
    if (blob !== undefined) this.blob = BSON.deserialize(part(blob)) as { hash: string; size: number };
    this.#fields = fields;
  }

  get text(): string | undefined {
    return (this.#text ??= this.utf8?.toString());
  }

  get entries(): Entry[] {
    assert(this.#fields.s !== undefined || this.utf8 === undefined, 'The search values were not asked for.');
    return (this.#entries ??= entriesOf(this.#fields));
  }

  get openings(): Openness[] {
    return (this.#openings ??= opennessIn(this.#fields));
  }
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

export const opennessIn = ({ open }: RawFields): Openness[] =>
  listOf<OpenDocument>(open).map(({ to, f, u }) => ({ to, from: f, until: u }));

const listOf = <T>(array: RawFields[string]): T[] =>
  array === undefined ? [] : (Object.values(BSON.deserialize(part(array))) as T[]);
