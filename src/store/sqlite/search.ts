/** Searches: sorted, in pages by key, and counted up to a bound. */
import { assert } from '../../kit/assert.js';
import { limits } from '../../kit/limits.js';
import type { Order, Plan } from '../../search/plan.js';
import type { Found, Page, PageRequest, Position, Reach } from '../port.js';
import type { Connection, Tuple } from './connection.js';
import { refuseWideJoins } from './joins.js';
import { BEHIND_FOUND, foundColumns, foundOf, TEXT } from './rows.js';
import { MANY, PEEK, type FindSource, type Source } from './source.js';
import { and, bound, chained, never, or, sql, type Sql, type SqlValue } from './sql.js';

export interface Searcher {
  search: (types: string[], plan: Plan, order: Order[], page: PageRequest, reach: Reach) => Page<Found>;
  count: (types: string[], plan: Plan, reach: Reach, atMost: number) => number;
}

export function createSearcher(
  { page: read, get }: Connection,
  source: FindSource,
  joinTargets: number = limits.joinTargets,
): Searcher {
  function search(types: string[], plan: Plan, order: Order[], page: PageRequest, reach: Reach): Page<Found> {
    refuseWideJoins(plan, reach, joinTargets, counted);
    const [first, ...more] = order;
    if (first !== undefined && more.length === 0 && first.param !== '_id')
      return sorted(types, plan, first, page, reach);
    const whole = source.find(plan, types, reach, order.length === 0);
    if (whole.far && order.length === 0) {
      const near = pageOf(source.peek(plan, types, reach, Number(page.after?.[0] ?? 0)), order, page);
      if (near.next !== undefined) return near;
    }
    return pageOf(whole, order, page);
  }

  /** Few matches are sorted; of many the first ones are met by a walk; what a walk would meet late is sorted after all. */
  function sorted(types: string[], plan: Plan, order: Order, page: PageRequest, reach: Reach): Page<Found> {
    const few = source.rare(plan, types, reach, order);
    if (few !== undefined) return pageOf(few, [order], page);
    const near = walked(types, plan, order, page, reach, PEEK);
    if (near !== undefined) return near;
    const whole = source.find(plan, types, reach, false);
    // As far as sorting would go: so the longer one of the two ways is at most doubled.
    const far = walked(types, plan, order, page, reach, whole.count ?? MANY);
    return far ?? pageOf(whole, [order], page);
  }

  function walked(
    types: string[],
    plan: Plan,
    order: Order,
    page: PageRequest,
    reach: Reach,
    steps: number,
  ): Page<Found> | undefined {
    const { size, after } = page;
    const place = after && { key: decode(after[0] ?? null), num: Number(after.at(-1)) };
    const walk = source.walk(plan, types, reach, order, { after: place, size: size + 1 }, steps);
    if (walk === undefined) return undefined;
    const found = readPage(walk.page, 1, page);
    return walk.whole || found.next !== undefined ? found : undefined;
  }

  function pageOf({ from, where, num, repeats }: Source, order: Order[], page: PageRequest): Page<Found> {
    const { size, after } = page;
    const keys = order.map(({ param, descending }) => ({ column: keyColumn(param, descending), descending }));
    const beyond = after === undefined ? [] : [isBeyond(keys, num, after)];
    const sorted = [...keys.map(({ column, descending }) => sql`${column} ${direction(descending)}`), num];
    const shown = keys.map(({ column }, n) => sql`, ${column} AS ${{ text: `key${n}`, values: [] }}`);
    const numbers = sql`
      SELECT ${num} AS place${chained(shown, '')} FROM ${from} WHERE ${and([where, ...beyond])}
      ${repeats ? sql`GROUP BY ${num}` : sql``} ORDER BY ${chained(sorted, ', ')} LIMIT ${bound(size + 1)}`;
    return readPage(numbers, keys.length, page);
  }

  /** The page is found first, by numbers and keys alone; only then are its own texts read. */
  function readPage(numbers: Sql, keys: number, { size, bytes, bare }: PageRequest): Page<Found> {
    const query = sql`
      SELECT ${foundColumns(bare)}, page.* FROM (${numbers}) page
      CROSS JOIN resource r ON r.num = page.place CROSS JOIN version v ON v.seq = r.seq`;
    const { rows, more } = read(query, size, TEXT, bytes);
    const last = more ? rows.at(-1) : undefined;
    return { items: rows.map(foundOf), ...(last && { next: positionOf(last, keys) }) };
  }

  function count(types: string[], plan: Plan, reach: Reach, atMost: number): number {
    refuseWideJoins(plan, reach, joinTargets, counted);
    return counted(types, plan, reach, atMost);
  }

  function counted(types: string[], plan: Plan, reach: Reach, atMost: number): number {
    const { from, where, num, repeats } = source.each(plan, types, reach);
    const group = repeats ? sql`GROUP BY ${num}` : sql``;
    const row = get(
      sql`SELECT count(*) AS n FROM (SELECT 1 FROM ${from} WHERE ${where} ${group} LIMIT ${bound(atMost)})`,
    );
    return Number(row?.n);
  }

  return { search, count };
}

interface KeyColumn {
  column: Sql;
  descending: boolean;
}

const direction = (descending: boolean): Sql => (descending ? sql`DESC` : sql`ASC`);

function keyColumn(param: string, descending: boolean): Sql {
  if (param === '_id') return sql`r.id`;
  if (param === '_lastUpdated') return sql`r.updated`;
  assert(!param.includes('"'), 'A search parameter with a quote in its code.');
  return sql`(r.keys ->> ${`$."${param}"[${descending ? 1 : 0}]`})`;
}

/** Behind a position: SQLite, like the port, counts what has no value (NULL) as lowest. */
function isBeyond(keys: KeyColumn[], num: Sql, after: Position): Sql {
  const values = after.slice(0, keys.length).map(decode);
  let beyond = sql`${num} > ${Number(after.at(-1))}`;
  for (let n = keys.length - 1; n >= 0; n -= 1) {
    const [key, value = null] = [keys[n], values[n]];
    if (key !== undefined) beyond = or([later(key, value), and([sql`${key.column} IS ${value}`, beyond])]);
  }
  return beyond;
}

function later({ column, descending }: KeyColumn, value: SqlValue): Sql {
  if (!descending) return value === null ? sql`${column} IS NOT NULL` : sql`${column} > ${value}`;
  return value === null ? never : sql`(${column} < ${value} OR ${column} IS NULL)`;
}

/** Behind the version stand the place, and then the keys. */
function positionOf(row: Tuple, keys: number): Position {
  const [place, ...rest] = row.slice(BEHIND_FOUND) as SqlValue[];
  return [...rest.slice(0, keys).map(encode), place ?? null];
}

/** A position is plain JSON, which has no infinity: texts are marked, so that a word can stand for it. */
function encode(value: SqlValue): SqlValue {
  if (typeof value === 'string') return `=${value}`;
  return value === Infinity ? '+' : value === -Infinity ? '-' : value;
}

function decode(value: SqlValue): SqlValue {
  if (typeof value !== 'string') return value;
  return value === '+' ? Infinity : value === '-' ? -Infinity : value.slice(1);
}
