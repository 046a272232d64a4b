/**
 * A sorted page without reading all matches: along the rows that lie in key order, asking each the conditions, until
 * the page is full. How many rows it may ask is bounded by a fence, the key that lies so many rows ahead: when what
 * matches is rare, the walk would be far, and sorting the matches is better.
 */
import { keySpan, type KeySpan } from '../../search/span.js';
import type { Order, Plan } from '../../search/plan.js';
import type { Compiler, Seen } from './compile.js';
import type { Connection } from './connection.js';
import { WIDTHS } from './keys.js';
import type { Scopes, SortKind } from './scopes.js';
import { and, bound, chained, never, sql, type Sql, type SqlValue } from './sql.js';
import type { Within } from './within.js';

export interface Asked {
  conditions: Plan[];
  types: readonly string[];
  seen: Seen;
  order: Order;
  after: Place | undefined;
  size: number;
}

/** A key, null where there is none, and the natural order behind it. */
export interface Place {
  key: SqlValue;
  num: number;
}

export interface Walk {
  /** A SELECT of the first `size` matches in their order: `place`, the number, and `key0`, the key. */
  page: Sql;
  /** The fence was not reached: there are no matches beyond these. */
  whole: boolean;
}

/** Undefined when nothing lies in this order. */
export type FindWalk = (asked: Asked, steps: number) => Walk | undefined;

/** Rows that lie in one order; all arms together are what is searched. */
interface Arm {
  from: Sql;
  where: Sql;
  num: Sql;
  /** Undefined when no row has a key: a column that is in order, what it lacks of the key, and the key's bounds. */
  key?: { column: Sql; lacks: number; least: number; most: number };
}

/** So many orders are merged at most. */
const ARMS = 24;

export function createWalk({ get }: Connection, scopes: Scopes, compiler: Compiler): FindWalk {
  return function walk({ conditions, types, seen, order, after, size }, steps) {
    if (typeof after?.key === 'string') return undefined;
    const span = keySpan({ node: 'all', of: conditions }, order.param);
    const arms = (order.param === '_lastUpdated' ? byTime : byKey)(types, seen.within.owners, order, span);
    if (arms === undefined || arms.length === 0 || arms.length > ARMS) return undefined;
    const open = arms.map((arm) => ({ ...arm, where: and([arm.where, ...beyond(arm, order, after)]) }));
    const row = sql`r`;
    const left = seen.within.open === undefined ? [] : [seen.within.left(row)];
    const fence = conditions.length + left.length === 0 ? undefined : fenceOf(open, order, steps);
    const question = { ...seen, types, row, level: 0, manner: 'row' } as const;
    const asks = [...left, ...conditions.map((one) => compiler.condition(one, question))];
    const parts = open.map((arm) => {
      const from = asks.length > 0 && arm.num.text === 'd.num' ? sql`${arm.from} ${joined}` : arm.from;
      return sql`SELECT * FROM (SELECT ${arm.num} AS place, ${keyOf(arm)} AS key0 FROM ${from}
        WHERE ${and([arm.where, ...upTo(arm, order, fence), ...asks])} ORDER BY ${sorted(arm, order)} LIMIT ${bound(size)})`;
    });
    const page = sql`${chained(parts, ' UNION ALL ')} ORDER BY key0 ${direction(order)}, place LIMIT ${bound(size)}`;
    return { page, whole: fence === undefined };
  };

  function byTime(types: readonly string[], owners: OwnersOf, _order: Order, { low, high }: KeySpan): Arm[] {
    const [least, most] = [Math.max(low.min, high.min), Math.min(low.max, high.max)];
    const key = { column: sql`r.updated`, lacks: 0, least, most };
    return pairs(owners, types).map(([owner, type]) => ({ ...listed(owner, type), key }));
  }

  function byKey(types: readonly string[], owners: OwnersOf, order: Order, span: KeySpan): Arm[] | undefined {
    const { param } = order;
    // A text is no number: such keys lie in no order here.
    if (scopes.of(owners, types, param, 'text').length > 0) return undefined;
    const kinds = [...Object.keys(WIDTHS), order.descending ? 'last' : 'first'] as Exclude<SortKind, 'none'>[];
    const arms = kinds.flatMap((kind) => {
      const width = kind === 'first' || kind === 'last' ? undefined : WIDTHS[kind];
      const lacks = order.descending && width !== undefined ? width : 0;
      const key = { column: sql`d.key`, lacks, ...ends(order, span, width) };
      return scopes.of(owners, types, param, kind).map((scope): Arm => ({ ...ofScope(scope), key }));
    });
    if (arms.length === 0) return undefined;
    if (span.present) return arms;
    for (const scope of scopes.of(owners, types, param, 'none')) arms.push(ofScope(scope, sql`d.key = 0`));
    for (const [owner, type] of pairs(owners, types))
      if (!scopes.sorted(owner, type).includes(param)) arms.push(listed(owner, type));
    return arms;
  }

  /** The key that lies so many rows ahead; undefined when no arm has so many. */
  function fenceOf(arms: Arm[], order: Order, steps: number): Place | undefined {
    let fence: Place | undefined;
    for (const arm of arms) {
      const row = get(sql`
        SELECT ${keyOf(arm)} AS key, ${arm.num} AS num FROM ${arm.from} WHERE ${arm.where}
        ORDER BY ${sorted(arm, order)} LIMIT 1 OFFSET ${bound(steps)}`);
      if (row === undefined) continue;
      const place = { key: row.key ?? null, num: Number(row.num) };
      if (fence === undefined || isBefore(place, fence, order)) fence = place;
    }
    return fence;
  }
}

const joined = sql`CROSS JOIN resource r ON r.num = d.num`;
const keyOf = ({ key }: Arm): Sql =>
  key === undefined ? sql`NULL` : key.lacks === 0 ? key.column : sql`${key.column} + ${key.lacks}`;
const sorted = ({ key, num }: Arm, order: Order): Sql =>
  key === undefined ? num : sql`${key.column} ${direction(order)}, ${num}`;
const direction = ({ descending }: Order): Sql => (descending ? sql`DESC` : sql`ASC`);

const pairs = (owners: OwnersOf, types: readonly string[]): (readonly [string, string])[] =>
  [...new Set(types)].flatMap((type) => [...new Set(owners(type))].map((owner) => [owner, type] as const));

type OwnersOf = Within['owners'];

const ofScope = (scope: number, more?: Sql): Arm => ({
  from: sql`sort_key d`,
  where: and([sql`d.scope = ${scope}`, ...(more === undefined ? [] : [more])]),
  num: sql`d.num`,
});

const listed = (owner: string, type: string): Arm => ({
  from: sql`resource r`,
  where: sql`r.owner = ${owner} AND r.type = ${type} AND NOT r.deleted`,
  num: sql`r.num`,
});

/**
 * The entry that meets the plan lies between the first and the last value, so the end of a walk is known of all. Where
 * it begins is known of what has one value of a known width.
 */
function ends({ descending }: Order, { low, high }: KeySpan, width: number | undefined) {
  return descending
    ? { least: high.min, most: width === undefined ? Infinity : Math.min(high.max, low.max + width) }
    : { least: width === undefined ? -Infinity : Math.max(low.min, high.min - width), most: low.max };
}

/** Behind this place, and between the ends; what has no key counts as lowest. */
function beyond(arm: Arm, order: Order, after: Place | undefined): Sql[] {
  const { key, num } = arm;
  if (key === undefined) {
    if (after === undefined || (after.key !== null && order.descending)) return [];
    return [after.key === null ? sql`${num} > ${after.num}` : never];
  }
  let { least, most } = key;
  const tie: Sql[] = [];
  if (after !== undefined && after.key !== null) {
    const at = Number(after.key);
    if (order.descending) most = Math.min(most, at);
    else least = Math.max(least, at);
    tie.push(sql`(${keyOf(arm)} <> ${at} OR ${num} > ${after.num})`);
  } else if (after !== undefined && order.descending) return [never];
  return [sql`${key.column} >= ${least - key.lacks} AND ${key.column} <= ${most - key.lacks}`, ...tie];
}

/** Not behind the fence. */
function upTo(arm: Arm, { descending }: Order, fence: Place | undefined): Sql[] {
  const { key, num } = arm;
  if (fence === undefined) return [];
  if (key === undefined) return fence.key === null ? [sql`${num} <= ${fence.num}`] : descending ? [never] : [];
  if (fence.key === null) return descending ? [] : [never];
  const at = Number(fence.key) - key.lacks;
  const within = descending ? sql`${key.column} >= ${at}` : sql`${key.column} <= ${at}`;
  return [sql`${within} AND (${keyOf(arm)} <> ${fence.key} OR ${num} <= ${fence.num})`];
}

function isBefore(one: Place, other: Place, { descending }: Order): boolean {
  const [a, b] = [one, other].map(({ key }) => (key === null ? -Infinity : Number(key)));
  if (one.key === other.key) return one.num < other.num;
  if (a === undefined || b === undefined || a === b) return (one.key === null) !== descending;
  return a < b !== descending;
}
