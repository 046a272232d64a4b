/**
 * What a store is asked: eight nodes over the search values ("entries") of resources. The text of a query never gets
 * here: `search/parse` reads it and `search/lower` turns it into a plan. Each store compiles a plan into its own
 * language; `search/match` runs the same plan in memory and is the oracle for both.
 */
import type { ResourceType } from '../fhir/types.js';
import type { OpenedTo } from './opened.js';

/**
 * One search value of a resource, found by a search parameter.
 *
 * A text entry has a `value` and a `detail` that narrows it:
 *   token      code            its system, or ''
 *   string     folded text     the text as written where that differs, or ''
 *   reference  Type/id or URL  the version of a canonical, or ''
 *   uri        the uri         ''
 *   composite  its parts       ''
 * What only a modifier finds (`code:text`) is an entry of that name, and no key to sort by.
 * A range entry covers the numbers from `low` to `high`, both included (dates: milliseconds since 1970), with a
 * `value` that is compared as a whole, or ''.
 */
export type Entry = TextEntry | RangeEntry;

export interface TextEntry {
  param: string;
  value: string;
  detail: string;
}

export interface RangeEntry {
  param: string;
  value: string;
  low: number;
  high: number;
}

export const isRange = (entry: Entry): entry is RangeEntry => 'low' in entry;

/** What one single entry must meet. */
export type Test = AnyTest | TextTest | RangeTest;

/** The parameter has an entry at all. */
export interface AnyTest {
  kind: 'any';
}

/** A text entry whose value is one of `value.is`, or starts with or contains a text; and, if asked, whose detail equals. */
export interface TextTest {
  kind: 'text';
  value?: { is: string[] } | { startsWith: string } | { contains: string };
  detail?: string;
}

/** A range entry with exactly this `value`, whose ends lie in the ranges that are given. */
export interface RangeTest {
  kind: 'range';
  value: string;
  low?: Bounds;
  high?: Bounds;
}

export interface Bounds {
  gt?: number;
  gte?: number;
  lt?: number;
  lte?: number;
}

export type Plan =
  /** Every one of them; of none: everything. */
  | { node: 'all'; of: Plan[] }
  /** One of them at least; of none: nothing. */
  | { node: 'any'; of: Plan[] }
  | { node: 'not'; of: Plan }
  /** The resource's id is one of these. With `types`, here and at `entry`, only resources of these can meet it. */
  | { node: 'id'; ids: string[]; types?: ResourceType[] }
  /** Some entry of `param` meets the test. The parameter `_lastUpdated` is a range entry that the store makes itself. */
  | { node: 'entry'; param: string; test: Test; types?: ResourceType[] }
  /** It belongs to one of these organizations, or is open to one of those. */
  | { node: 'owned'; by: string[]; opened?: OpenedTo }
  /** A chain: `param` refers to a resource of one of these types that meets the plan. */
  | { node: 'points'; param: string; types: ResourceType[]; where: Plan }
  /** `_has`: a resource of type `by` that meets the plan refers here by its `param`. */
  | { node: 'pointed'; by: ResourceType; param: string; where: Plan };

export const everything: Plan = { node: 'all', of: [] };
export const nothing: Plan = { node: 'any', of: [] };

/**
 * A key to sort by: the least value of the parameter when ascending, the greatest when descending. A resource without
 * a value counts as lower than all others. `_id` and `_lastUpdated` may be named too. Text is compared by code point.
 */
export interface Order {
  param: string;
  descending: boolean;
}

export type SortValue = string | number;

export type SortKeys = Map<string, { first: SortValue; last: SortValue }>;

/** Between the values of a composite in one entry, in no FHIR string (R4 datatypes.html#string); nothing is sorted by such a one. */
export const BETWEEN_COMPONENTS = '\u001e';

/** The first (least) and last (greatest) sort value of each parameter; both stores and the oracle sort by these. */
export function sortKeys(entries: readonly Entry[]): SortKeys {
  const keys: SortKeys = new Map();
  for (const entry of entries) {
    if (isRange(entry) ? entry.value !== '' : entry.param.includes(':') || entry.value.includes(BETWEEN_COMPONENTS))
      continue;
    const first = isRange(entry) ? entry.low : entry.value;
    const last = isRange(entry) ? entry.high : entry.value;
    const key = keys.get(entry.param);
    if (key === undefined) keys.set(entry.param, { first, last });
    else {
      if (compare(first, key.first) < 0) key.first = first;
      if (compare(last, key.last) > 0) key.last = last;
    }
  }
  return keys;
}

/** Orders numbers by size and text by code point (as UTF-8 bytes sort), nothing lowest. */
export function compare(a: SortValue | undefined, b: SortValue | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : Number(a > b);
  return compareTexts(String(a), String(b));
}

function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (one !== other) return Math.sign(placeOf(one) - placeOf(other));
  }
  return Math.sign(a.length - b.length);
}

/** Halves of surrogate pairs stand for code points above all that have one code unit. */
const placeOf = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);
