/** Sorting and paging by key: each order ends with `key`, which is unique and never changes. */
import { BSON, type Document } from 'mongodb';
import { assert } from '../../kit/assert.js';
import type { Order } from '../../search/plan.js';
import type { Position } from '../port.js';
import type { VersionFilter } from './compile.js';
import { isMainDate } from './dates.js';
import { fieldName } from './documents.js';
import { part, type RawFields } from './raw.js';

export interface SortField {
  path: string;
  direction: 1 | -1;
}

/** `_lastUpdated`, the date of a type, and no order at all, an index serves; other orders sort what was found. */
export function sortFields(order: Order[], types: readonly string[]): SortField[] {
  const fields: SortField[] = [];
  for (const { param, descending } of order) {
    const path = pathOf(param, descending, types);
    if (!fields.some((field) => field.path === path)) fields.push({ path, direction: descending ? -1 : 1 });
  }
  const unique = fields.findIndex((field) => field.path === 'key');
  // In the direction of the field before it, so that an index can be walked backwards.
  const last = { path: 'key', direction: fields.at(-1)?.direction ?? 1 };
  return unique === -1 ? [...fields, last] : fields.slice(0, unique + 1);
}

function pathOf(param: string, descending: boolean, types: readonly string[]): string {
  if (param === '_lastUpdated') return 'u';
  // Within one type the key orders as the id does, and an index has it.
  if (param === '_id') return types.length === 1 ? 'key' : 'i';
  const end = descending ? 'l' : 'f';
  return isMainDate(param, types) ? `d.${end}` : `k.${fieldName(param)}.${end}`;
}

/** What comes after this position: equal in the first fields and beyond in the next one. */
export function beyond(fields: SortField[], position: Position): VersionFilter {
  assert(position.length === fields.length, 'a position belongs to another order');
  const values = position.map(fromPosition);
  const later = {
    $or: fields.flatMap(({ path, direction }, at) => {
      const rest = past(path, direction, values[at] ?? null);
      // Left out, not written as a condition that nothing meets: beside `$in: []` MongoDB 6.0.5 lost what others match.
      if (rest === undefined) return [];
      return [
        { $and: [...fields.slice(0, at).map((field, before) => ({ [field.path]: { $eq: values[before] } })), rest] },
      ];
    }),
  };
  const [first] = fields;
  const [value = null] = values;
  if (first === undefined || value === null) return later;
  // An index is entered here by one bound, not by alternatives. What is not greater may be nothing at all.
  const bound = first.direction === 1 ? { $gte: value } : { $not: { $gt: value } };
  return { $and: [{ [first.path]: bound }, later] };
}

/**
 * Undefined when nothing is past it. To MongoDB null equals absence, and both are below everything; a comparison with a
 * value passes both over.
 */
function past(path: string, direction: 1 | -1, value: string | number | null): Document | undefined {
  if (direction === 1) return value === null ? { [path]: { $ne: null } } : { [path]: { $gt: value } };
  if (value === null) return undefined;
  return isNested(path) ? { $or: [{ [path]: { $lt: value } }, { [path]: { $eq: null } }] } : { [path]: { $lt: value } };
}

/** Whether a document may lack it. */
export const isNested = (path: string): boolean => path.includes('.');

export const positionOf = (fields: SortField[], document: RawFields): Position =>
  keysOf(fields, document).map(toPosition);

/** What it is sorted by, undefined where it has no such value. */
export function keysOf(fields: SortField[], document: RawFields): (string | number | undefined)[] {
  const keys: Keys = document.k === undefined ? {} : BSON.deserialize(part(document.k));
  const date: Ends = document.d === undefined ? {} : BSON.deserialize(part(document.d));
  return fields.map(({ path }) => {
    const [first, name = '', end] = path.split('.');
    if (first === 'd') return date[name === 'l' ? 'l' : 'f'];
    if (first !== 'k') return document[path] as string | number;
    return keys[name]?.[end === 'l' ? 'l' : 'f'];
  });
}

interface Ends {
  f?: string | number;
  l?: string | number;
}

type Keys = Record<string, Ends | undefined>;

/** JSON has no infinite numbers: they travel as texts, and so texts get a mark of their own. */
function toPosition(value: string | number | undefined): string | number | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return `=${value}`;
  return Number.isFinite(value) ? value : String(value);
}

function fromPosition(value: string | number | null): string | number | null {
  if (typeof value !== 'string') return value;
  return value.startsWith('=') ? value.slice(1) : Number(value);
}
