/**
 * Where a search begins. Of the conditions that all must hold the rarest is found by counting a few of each; when it
 * is rare, its matches are asked the rest one by one. When none is, the search walks and meets a match soon: along
 * the entries of one value, which lie in natural order, or along the list of the type.
 */
import type { Order, Plan } from '../../search/plan.js';
import { isAboutKey } from '../../search/span.js';
import type { Reach } from '../port.js';
import { createRarest, type Rarest } from './candidates.js';
import { createCompiler, narrowed, visible, type Selected } from './compile.js';
import type { Connection } from './connection.js';
import type { Scopes } from './scopes.js';
import { always, and, bound, sql, type Sql } from './sql.js';
import { createWalk, type Place, type Walk } from './walk.js';

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
  find: (plan: Plan, types: readonly string[], reach: Reach, natural: boolean) => Source;
  /** Only the first rows of a walk behind a number, asked one by one. */
  peek: (plan: Plan, types: readonly string[], reach: Reach, after: number) => Source;
  /** What begins with few rows, so that they may be sorted; nothing is said of conditions on the key itself. */
  rare: (plan: Plan, types: readonly string[], reach: Reach, order: Order) => Source | undefined;
  /** The first `size` matches in this order, found in so many rows at most; see `walk.ts`. */
  walk: (
    plan: Plan,
    types: readonly string[],
    reach: Reach,
    order: Order,
    page: { after: Place | undefined; size: number },
    steps: number,
  ) => Walk | undefined;
  /** For counting: every match once, in no order. */
  each: (plan: Plan, types: readonly string[], reach: Reach) => Source;
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

  function find(plan: Plan, types: readonly string[], reach: Reach, natural: boolean, level = 0): Source & Selected {
    const conditions = flatten(plan);
    const along = natural ? conditions.find((one) => isOneValue(one, types, reach)) : undefined;
    const rest = restOf(conditions, types, reach, level);
    if (along !== undefined && conditions.length === 1)
      return {
        from: sql`text_entry d`,
        where: entriesOf(along, types, reach),
        num: sql`d.num`,
        repeats: true,
        few: false,
      };
    const begin = rarest(conditions, types, reach, level, natural || few === 0 ? few : MANY);
    if (begin !== undefined) return { ...beginning(begin, conditions, types, reach, level), few: begin.count < few };
    const far = conditions.every((one) => one === along || isPoint(one)) ? {} : { far: true as const };
    if (along !== undefined)
      return {
        from: sql`text_entry d CROSS JOIN resource r ON r.num = d.num`,
        where: and([entriesOf(along, types, reach), rest(along, 'set')]),
        num: sql`d.num`,
        repeats: true,
        few: false,
        ...far,
      };
    const where = and([visible(row, types, reach), rest(undefined, 'set')]);
    // Several lists have no order in common: their first rows are not found without reading all.
    const oneList = types.length === 1 && reach.owners.length === 1;
    return { from: sql`resource r`, where, num: sql`r.num`, few: false, ...(oneList ? far : {}) };
  }

  function beginning(
    { condition, numbers, count }: Rarest,
    conditions: Plan[],
    types: readonly string[],
    reach: Reach,
    level: number,
  ): Source {
    const rest = restOf(conditions, types, reach, level)(condition, count < few ? 'row' : 'set');
    return {
      from: sql`(SELECT DISTINCT num FROM (${numbers})) d CROSS JOIN resource r ON r.num = d.num`,
      where: and([visible(row, types, reach), rest]),
      num: sql`r.num`,
      count,
    };
  }

  function rare(plan: Plan, types: readonly string[], reach: Reach, { param }: Order): Source | undefined {
    const conditions = flatten(plan);
    const counted = conditions.filter((one) => !isAboutKey(one, param));
    const begin = rarest(counted, types, reach, 0, few);
    return begin && beginning(begin, conditions, types, reach, 0);
  }

  function walk(...[plan, types, reach, order, page, steps]: Parameters<FindSource['walk']>): Walk | undefined {
    return walkOf({ conditions: flatten(plan), types, reach, order, ...page }, steps);
  }

  function peek(plan: Plan, types: readonly string[], reach: Reach, after: number): Source {
    const conditions = flatten(plan);
    const along = conditions.find((one) => isOneValue(one, types, reach));
    const first =
      along === undefined
        ? sql`SELECT num FROM resource r WHERE ${visible(row, types, reach)} AND num > ${after}`
        : sql`SELECT DISTINCT num FROM text_entry d WHERE ${entriesOf(along, types, reach)} AND num > ${after}`;
    return {
      from: sql`(${first} ORDER BY num LIMIT ${bound(PEEK)}) d CROSS JOIN resource r ON r.num = d.num`,
      where: restOf(conditions, types, reach, 0)(along, 'row'),
      num: sql`r.num`,
    };
  }

  function each(plan: Plan, types: readonly string[], reach: Reach): Source {
    const [condition, ...more] = flatten(plan);
    if (condition?.node !== 'entry' || condition.param === '_lastUpdated' || more.length > 0)
      return find(plan, types, reach, true);
    const numbers = compiler.numbers(condition.param, condition.test, narrowed(types, condition), reach);
    return { from: sql`(SELECT DISTINCT num FROM (${numbers})) d`, where: always, num: sql`d.num` };
  }

  function select(plan: Plan, types: readonly string[], reach: Reach, level: number): Selected & { numbers: Sql } {
    const { from, where, num, few: isFew } = find(plan, types, reach, false, level);
    return { numbers: sql`SELECT ${num} AS num FROM ${from} WHERE ${where}`, few: isFew };
  }

  const restOf =
    (conditions: Plan[], types: readonly string[], reach: Reach, level: number) =>
    (without: Plan | undefined, manner: 'row' | 'set') =>
      and(
        conditions
          .filter((one) => one !== without)
          .map((one) => compiler.condition(one, { types, reach, row, level, manner })),
      );

  /** The entries of one value in one scope: they lie in natural order. */
  function isOneValue(plan: Plan, types: readonly string[], reach: Reach): boolean {
    if (plan.node !== 'entry' || plan.test.kind !== 'text') return false;
    const { value } = plan.test;
    if (value === undefined || !('is' in value) || value.is.length !== 1) return false;
    return scopes.of(reach.owners, narrowed(types, plan), plan.param, 'text').length === 1;
  }

  function entriesOf(plan: Plan, types: readonly string[], reach: Reach): Sql {
    if (plan.node !== 'entry' || plan.test.kind !== 'text') return always;
    return compiler.texts(plan.test, scopes.of(reach.owners, narrowed(types, plan), plan.param, 'text'));
  }

  return { find, peek, rare, walk, each };
}

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
