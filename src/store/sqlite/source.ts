/**
 * Where a search begins. Of the conditions that all must hold the rarest is found by counting a few of each; when it
 * is rare, its matches are asked the rest one by one. When none is, the search walks and meets a match soon: along
 * the entries of one value, which lie in natural order, or along the list of the type.
 */
import type { Order, Plan } from '../../search/plan.js';
import { isAboutKey } from '../../search/span.js';
import { createRarest, type Rarest } from './candidates.js';
import { createCompiler, narrowed, visible, type Seen, type Selected } from './compile.js';
import type { Connection } from './connection.js';
import type { Scopes } from './scopes.js';
import { always, and, bound, chained, sql, type Sql } from './sql.js';
import { createWalk, type Place, type Walk } from './walk.js';
import type { Sides } from './within.js';

/** What stands between SELECT and ORDER BY; the row is `r`, unless only `num` is asked for. */
export interface Source {
  from: Sql;
  where: Sql;
  /** The column of the natural order. */
  num: Sql;
  /** A resource may come several times, one after the other. */
  repeats?: true;
  /** It may walk far, or make a large set first: look at `peek` before. */
  far?: true;
  /** How many rows it begins with, where that was counted. */
  count?: number;
}

export interface FindSource {
  /** The whole of it, in natural order if so asked. */
  find: (plan: Plan, types: readonly string[], seen: Seen, natural: boolean) => Source;
  /** Only the first rows of a walk behind a number, asked one by one. */
  peek: (plan: Plan, types: readonly string[], seen: Seen, after: number) => Source;
  /** What begins with few rows, so that they may be sorted; nothing is said of conditions on the key itself. */
  rare: (plan: Plan, types: readonly string[], seen: Seen, order: Order) => Source | undefined;
  /** The first `size` matches in this order, found in so many rows at most; see `walk.ts`. */
  walk: (
    plan: Plan,
    types: readonly string[],
    seen: Seen,
    order: Order,
    page: { after: Place | undefined; size: number },
    steps: number,
  ) => Walk | undefined;
  /** For counting: every match once, in no order. */
  each: (plan: Plan, types: readonly string[], seen: Seen) => Source;
}

/** Rows of a walk that are asked one by one before sets are made. */
export const PEEK = 400;
/** A set so large may begin a search whose matches are all needed; what the rest asks is made into sets too. */
export const MANY = 25_000;

export function createSource(connection: Connection, scopes: Scopes, few: number): FindSource {
  const compiler = createCompiler(scopes, select);
  const rarest = createRarest(connection, compiler);
  const walkOf = createWalk(connection, scopes, compiler);
  const row = sql`r`;

  function find(plan: Plan, types: readonly string[], seen: Seen, natural: boolean, level = 0): Source & Selected {
    const conditions = flatten(plan);
    const along = natural ? alongOf(conditions, types, seen) : undefined;
    const rest = restOf(conditions, types, seen, level);
    if (along !== undefined && conditions.length === 1)
      return {
        from: sql`text_entry d`,
        where: entriesOf(along, types, seen),
        num: sql`d.num`,
        repeats: true,
        few: false,
      };
    const begin = rarest(conditions, types, seen, level, natural || few === 0 ? few : MANY);
    if (begin !== undefined) return { ...beginning(begin, conditions, types, seen, level), few: begin.count < few };
    const far = conditions.every((one) => one === along || isPoint(one)) ? {} : { far: true as const };
    if (along !== undefined)
      return {
        from: sql`text_entry d CROSS JOIN resource r ON r.num = d.num`,
        where: and([entriesOf(along, types, seen), rest(along, 'set')]),
        num: sql`d.num`,
        repeats: true,
        few: false,
        ...far,
      };
    const { open } = seen.within;
    if (open !== undefined)
      return {
        from: sql`opening d CROSS JOIN resource r ON r.num = d.num`,
        where: and([open.where(types), open.left(row), rest(undefined, 'set')]),
        num: sql`d.num`,
        repeats: true,
        few: false,
        ...(open.inOrder(types) ? far : {}),
      };
    const where = and([visible(row, types, seen.within), rest(undefined, 'set')]);
    // Several lists have no order in common: their first rows are not found without reading all.
    const oneList = types.length === 1 && seen.within.owners(types[0] ?? '').length === 1;
    return { from: sql`resource r`, where, num: sql`r.num`, few: false, ...(oneList ? far : {}) };
  }

  function beginning(
    { condition, numbers, count }: Rarest,
    conditions: Plan[],
    types: readonly string[],
    seen: Seen,
    level: number,
  ): Source {
    const rest = restOf(conditions, types, seen, level)(condition, count < few ? 'row' : 'set');
    return {
      ...listed(numbers),
      where: and([visible(row, types, seen.within), rest]),
      count,
    };
  }

  function rare(plan: Plan, types: readonly string[], seen: Seen, { param }: Order): Source | undefined {
    const conditions = flatten(plan);
    const counted = conditions.filter((one) => !isAboutKey(one, param));
    const begin = rarest(counted, types, seen, 0, few);
    return begin && beginning(begin, conditions, types, seen, 0);
  }

  function walk(...[plan, types, seen, order, page, steps]: Parameters<FindSource['walk']>): Walk | undefined {
    return walkOf({ conditions: flatten(plan), types, seen, order, ...page }, steps);
  }

  function peek(plan: Plan, types: readonly string[], seen: Seen, after: number): Source {
    const conditions = flatten(plan);
    const along = alongOf(conditions, types, seen);
    const { open } = seen.within;
    const listing =
      open === undefined
        ? sql`SELECT num FROM resource r WHERE ${visible(row, types, seen.within)} AND num > ${after}`
        : sql`SELECT DISTINCT num FROM opening d WHERE ${open.where(types)} AND num > ${after}`;
    const first =
      along === undefined
        ? listing
        : sql`SELECT DISTINCT num FROM text_entry d WHERE ${entriesOf(along, types, seen)} AND num > ${after}`;
    return {
      from: sql`(${first} ORDER BY num LIMIT ${bound(PEEK)}) d CROSS JOIN resource r ON r.num = d.num`,
      where:
        open === undefined
          ? restOf(conditions, types, seen, 0)(along, 'row')
          : and([open.left(row), restOf(conditions, types, seen, 0)(along, 'row')]),
      num: sql`r.num`,
    };
  }

  function each(plan: Plan, types: readonly string[], seen: Seen): Source {
    const [condition, ...more] = flatten(plan);
    if (seen.within.open !== undefined) return find(plan, types, seen, true);
    if (condition?.node !== 'entry' || condition.param === '_lastUpdated' || more.length > 0)
      return find(plan, types, seen, true);
    const numbers = compiler.numbers(condition.param, condition.test, narrowed(types, condition), seen.within);
    return { from: sql`(SELECT DISTINCT num FROM (${numbers})) d`, where: always, num: sql`d.num` };
  }

  function select(plan: Plan, types: readonly string[], sides: Sides, level: number): Selected & { numbers: Sql } {
    const open = sides.open(types);
    const halves = [sides.own, ...(open === undefined ? [] : [open])].map((within) => {
      const { from, where, num, few: isFew } = find(plan, types, { within, sides }, false, level);
      return { numbers: sql`SELECT ${num} AS num FROM ${from} WHERE ${where}`, few: isFew };
    });
    return {
      numbers: chained(
        halves.map(({ numbers }) => numbers),
        ' UNION ALL ',
      ),
      few: halves.every((half) => half.few),
    };
  }

  const restOf =
    (conditions: Plan[], types: readonly string[], seen: Seen, level: number) =>
    (without: Plan | undefined, manner: 'row' | 'set') =>
      and(
        conditions
          .filter((one) => one !== without)
          .map((one) => compiler.condition(one, { ...seen, types, row, level, manner })),
      );

  /** What is open lies among much that is not: to walk along its values would be far. */
  const alongOf = (conditions: Plan[], types: readonly string[], seen: Seen): Plan | undefined =>
    seen.within.open === undefined ? conditions.find((one) => isOneValue(one, types, seen)) : undefined;

  /** The entries of one value in one scope: they lie in natural order. */
  function isOneValue(plan: Plan, types: readonly string[], seen: Seen): boolean {
    if (plan.node !== 'entry' || plan.test.kind !== 'text') return false;
    const { value } = plan.test;
    if (value === undefined || !('is' in value) || value.is.length !== 1) return false;
    return scopes.of(seen.within.owners, narrowed(types, plan), plan.param, 'text').length === 1;
  }

  function entriesOf(plan: Plan, types: readonly string[], seen: Seen): Sql {
    if (plan.node !== 'entry' || plan.test.kind !== 'text') return always;
    return compiler.texts(plan.test, scopes.of(seen.within.owners, narrowed(types, plan), plan.param, 'text'));
  }

  return { find, peek, rare, walk, each };
}

/** Each of these numbers once, with its row. */
const listed = (numbers: Sql): Pick<Source, 'from' | 'num'> => ({
  from: sql`(SELECT DISTINCT num FROM (${numbers})) d CROSS JOIN resource r ON r.num = d.num`,
  num: sql`r.num`,
});

const flatten = (plan: Plan): Plan[] => (plan.node === 'all' ? plan.of.flatMap(flatten) : [plan]);

/** Is asked of a row by a look into an index, or by the row's own columns. */
function isPoint(plan: Plan): boolean {
  if (plan.node === 'entry')
    return (
      plan.param === '_lastUpdated' ||
      (plan.test.kind === 'text' && plan.test.value !== undefined && 'is' in plan.test.value)
    );
  if (plan.node === 'not') return isPoint(plan.of);
  if (plan.node === 'points' || plan.node === 'pointed') return false;
  return plan.node === 'id' || plan.node === 'owned' || plan.of.every(isPoint);
}
