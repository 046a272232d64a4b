/**
 * The keys that sorts by a number or a date walk along. For each such parameter a resource has one row where its value
 * is a point or of a usual width: rows of one width lie together, so that one order serves first and last values. What
 * is wide, or several values, has a row for its first and one for its last. A resource without a value has a row too
 * (`none`), as soon as another one of its owner and type has a value, or a walk would miss it.
 */
import type { Connection } from './connection.js';
import type { EntryRow } from './rows.js';
import type { Scopes, SortKind } from './scopes.js';
import { sql } from './sql.js';

export interface SortKeys {
  /** Brings the rows of one resource from what it was to what it is; undefined: it was not there, or is no more. */
  mend: (num: number, was: Holder | undefined, is: Holder | undefined) => void;
}

/** Whose resource it is, and its entries. */
export interface Holder {
  owner: string;
  type: string;
  rows: EntryRow[];
}

/** Kind -> how much greater the last value is than the first, which is the key. In milliseconds: dates are so wide. */
export const WIDTHS = { instant: 0, second: 999, day: 86_399_999 } as const satisfies Partial<Record<SortKind, number>>;

interface Key {
  kind: keyof typeof WIDTHS | 'wide' | 'none';
  first: number;
  last: number;
}

const NONE: Key = { kind: 'none', first: 0, last: 0 };
const nothing: ReadonlyMap<string, Key> = new Map();

export function createSortKeys({ run }: Connection, scopes: Scopes): SortKeys {
  function mend(num: number, was: Holder | undefined, is: Holder | undefined): void {
    const old = was === undefined ? nothing : keysOf(was, scopes.sorted(was.owner, was.type));
    const now = is === undefined ? nothing : keysOf(is, begun(num, is));
    const moved = was?.owner !== is?.owner;
    if (was !== undefined)
      for (const [param, key] of old) {
        if (!moved && same(key, now.get(param))) continue;
        for (const [kind, value] of rowsOf(key)) {
          const scope = scopes.make(was.owner, was.type, param, kind);
          run(sql`DELETE FROM sort_key WHERE scope = ${scope} AND key = ${value} AND num = ${num}`);
        }
      }
    if (is !== undefined)
      for (const [param, key] of now) {
        if (!moved && same(key, old.get(param))) continue;
        for (const [kind, value] of rowsOf(key)) {
          const scope = scopes.make(is.owner, is.type, param, kind);
          run(sql`INSERT INTO sort_key (scope, key, num) VALUES (${scope}, ${value}, ${num})`);
        }
      }
  }

  /** The parameters that there are keys of, once this resource is there. */
  function begun(num: number, { owner, type, rows }: Holder): readonly string[] {
    const sorted = scopes.sorted(owner, type);
    const fresh = new Set(rows.filter(isKey).map(([param]) => param));
    for (const param of sorted) fresh.delete(param);
    for (const param of fresh) {
      // The first value of a parameter: all others that are there have none.
      const scope = scopes.make(owner, type, param, 'none');
      run(sql`
        INSERT INTO sort_key (scope, key, num) SELECT ${scope}, 0, num FROM resource
        WHERE owner = ${owner} AND type = ${type} AND NOT deleted AND num <> ${num}`);
    }
    return fresh.size === 0 ? sorted : [...sorted, ...fresh];
  }

  return { mend };
}

type RangeRow = Extract<EntryRow, { length: 4 }>;

const isKey = (row: EntryRow): row is RangeRow => row.length === 4 && row[1] === '';

function keysOf({ rows }: Holder, sorted: readonly string[]): Map<string, Key> {
  const keys = new Map(sorted.map((param) => [param, NONE]));
  for (const row of rows) {
    if (!isKey(row)) continue;
    const [param, , low, high] = row;
    const { kind, first, last } = keys.get(param) ?? NONE;
    keys.set(
      param,
      kind === 'none'
        ? { kind: kindOf(low, high), first: low, last: high }
        : { kind: 'wide', first: Math.min(first, low), last: Math.max(last, high) },
    );
  }
  return keys;
}

function kindOf(low: number, high: number): Key['kind'] {
  if (low === high) return 'instant';
  // Of whole numbers only, so that key and width give the last value to the digit.
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) return 'wide';
  return high - low === WIDTHS.second ? 'second' : high - low === WIDTHS.day ? 'day' : 'wide';
}

const rowsOf = ({ kind, first, last }: Key): [SortKind, number][] =>
  kind === 'wide'
    ? [
        ['first', first],
        ['last', last],
      ]
    : [[kind, first]];

const same = (one: Key, other: Key | undefined): boolean =>
  one.kind === other?.kind && one.first === other.first && one.last === other.last;
