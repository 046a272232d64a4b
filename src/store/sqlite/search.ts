/** Searches: sorted, in pages by key, and counted up to a bound. */
import { assert } from '../../kit/assert.js';
import { limits } from '../../kit/limits.js';
import type { Order, Plan } from '../../search/plan.js';
import { beforeBy, merged, type Half } from '../merge.js';
import type { Found, Page, PageRequest, Position, Reach } from '../port.js';
import type { Seen } from './compile.js';
import type { Connection, Tuple } from './connection.js';
import { refuseWideJoins } from './joins.js';
import { createPacked } from './packed.js';
import { BEHIND_FOUND, foundOf, TEXT } from './rows.js';
import { MANY, PEEK, type FindSource, type Source } from './source.js';
import { and, bound, chained, never, or, sql, type Sql, type SqlValue } from './sql.js';
import type { Sides, Sight } from './within.js';

export interface Searcher {
  search: (types: string[], plan: Plan, order: Order[], page: PageRequest, reach: Reach) => Page<Found>;
  count: (types: string[], plan: Plan, reach: Reach, atMost: number) => number;
}

/** Rows of one side, and how many keys stand behind each version. */
interface Rows extends Half<Tuple> {
  keys: number;
}

export function createSearcher(
  { get, tuple }: Pick<Connection, 'get' | 'tuple'>,
  source: FindSource,
  { sidesOf }: Sight,
  joinTargets: number = limits.joinTargets,
): Searcher {
  const read = createPacked({ tuple });

  function search(types: string[], plan: Plan, order: Order[], page: PageRequest, reach: Reach): Page<Found> {
    const sides = sidesOf(reach);
    refuseWideJoins(plan, sides, joinTargets, counted);
    const open = sides.open(types);
    const own = rowsOf(types, plan, order, page, { within: sides.own, sides });
    if (open === undefined) return shown(own);
    const others = rowsOf(types, plan, order, page, { within: open, sides });
    const isBefore = beforeBy([...order, { descending: false }], (row: Tuple) => placeOf(row, own.keys));
    return shown({ ...merged([own, others], isBefore, page, (row) => sizeOf(row[TEXT])), keys: own.keys });
  }

  function rowsOf(types: string[], plan: Plan, order: Order[], page: PageRequest, seen: Seen): Rows {
    const [first, ...more] = order;
    if (first !== undefined && more.length === 0 && first.param !== '_id')
      return sorted(types, plan, first, page, seen);
    const whole = source.find(plan, types, seen, order.length === 0);
    if (whole.far && order.length === 0) {
      const near = pageOf(source.peek(plan, types, seen, Number(page.after?.[0] ?? 0)), order, page);
      if (near.more) return near;
    }
    return pageOf(whole, order, page);
  }

  /** Few matches are sorted; of many the first ones are met by a walk; what a walk would meet late is sorted after all. */
  function sorted(types: string[], plan: Plan, order: Order, page: PageRequest, seen: Seen): Rows {
    const few = source.rare(plan, types, seen, order);
    if (few !== undefined) return pageOf(few, [order], page);
    const near = walked(types, plan, order, page, seen, PEEK);
    if (near !== undefined) return near;
    const whole = source.find(plan, types, seen, false);
    // As far as sorting would go: so the longer one of the two ways is at most doubled.
    const far = walked(types, plan, order, page, seen, whole.count ?? MANY);
    return far ?? pageOf(whole, [order], page);
  }

  function walked(
    types: string[],
    plan: Plan,
    order: Order,
    page: PageRequest,
    seen: Seen,
    steps: number,
  ): Rows | undefined {
    const { size, after } = page;
    const place = after && { key: decode(after[0] ?? null), num: Number(after.at(-1)) };
    const walk = source.walk(plan, types, seen, order, { after: place, size: size + 1 }, steps);
    if (walk === undefined) return undefined;
    const found = readPage(walk.page, 1, page);
    return walk.whole || found.more ? found : undefined;
  }

  function pageOf({ from, where, num, repeats, count }: Source, order: Order[], page: PageRequest): Rows {
    if (count === 0) return { rows: [], more: false, keys: order.length };
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
  function readPage(numbers: Sql, keys: number, page: PageRequest): Rows {
    return { ...read(numbers, keys, page), keys };
  }

  function shown({ rows, more, keys }: Rows): Page<Found> {
    const last = more ? rows.at(-1) : undefined;
    return { items: rows.map(foundOf), ...(last && { next: placeOf(last, keys).map(encode) }) };
  }

  function count(types: string[], plan: Plan, reach: Reach, atMost: number): number {
    const sides = sidesOf(reach);
    refuseWideJoins(plan, sides, joinTargets, counted);
    return counted(types, plan, sides, atMost);
  }

  function counted(types: string[], plan: Plan, sides: Sides, atMost: number): number {
    const own = countedIn(types, plan, { within: sides.own, sides }, atMost);
    const open = sides.open(types);
    return open === undefined ? own : own + countedIn(types, plan, { within: open, sides }, atMost - own);
  }

  function countedIn(types: string[], plan: Plan, seen: Seen, atMost: number): number {
    const { from, where, num, repeats, count } = source.each(plan, types, seen);
    if (count === 0) return 0;
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

/** Behind the version stand the place, and then the keys; a position has the place last. */
function placeOf(row: Tuple, keys: number): SqlValue[] {
  const [place, ...rest] = row.slice(BEHIND_FOUND) as SqlValue[];
  return [...rest.slice(0, keys), place ?? null];
}

const sizeOf = (text: Tuple[number] | undefined): number => (text instanceof Buffer ? text.length : 0);

/** A position is plain JSON, which has no infinity: texts are marked, so that a word can stand for it. */
function encode(value: SqlValue): SqlValue {
  if (typeof value === 'string') return `=${value}`;
  return value === Infinity ? '+' : value === -Infinity ? '-' : value;
}

function decode(value: SqlValue): SqlValue {
  if (typeof value !== 'string') return value;
  return value === '+' ? Infinity : value === '-' ? -Infinity : value.slice(1);
}
