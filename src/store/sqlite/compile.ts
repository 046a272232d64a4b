/**
 * Compiles a plan into a condition on one row of `resource`. Conditions on text values are point lookups in the entry
 * tree. What has no point lookup (a range, the start of a text, a chain) is asked in one of two ways: of the row
 * itself, whose entries stand in it as JSON, when few rows are in question; or as membership in a set that SQLite
 * makes once, when many are.
 */
import { unreachable } from '../../kit/assert.js';
import type { Bounds, Plan, Test, TextTest } from '../../search/plan.js';
import type { EntryKind, Scopes } from './scopes.js';
import { always, among, and, chained, never, or, sql, type Sql } from './sql.js';
import type { Sides, Within } from './within.js';
import { openTo } from './within.js';

/** Whether rows are asked one by one, or sets are made that they may be in. */
export type Manner = 'row' | 'set';

export interface Question {
  types: readonly string[];
  /** Which side of what the caller sees the row is on. */
  within: Within;
  /** What the caller sees on the far side of a chain. */
  sides: Sides;
  manner: Manner;
  /** The alias of the row of `resource` in question. */
  row: Sql;
  /** How deep the question is inside chains: makes the aliases of each level its own. */
  level: number;
}

export interface Compiler {
  condition: (plan: Plan, question: Question) => Sql;
  /** The numbers of all resources whose entries meet the test, as a SELECT; they may come twice. */
  numbers: (param: string, test: Test, types: readonly string[], within: Within) => Sql;
  /** The numbers of all resources that refer to such a one, as a SELECT; undefined when nothing can. */
  pointing: (plan: Points, types: readonly string[], seen: Seen, level: number) => Sql | undefined;
  /** The numbers of all resources that such a one refers to, as a SELECT; undefined when none does, or too many. */
  referred: (plan: Pointed, types: readonly string[], seen: Seen, level: number) => Sql | undefined;
  /** The condition on a row of `text_entry`. */
  texts: (test: Partial<TextTest>, within: readonly number[]) => Sql;
}

/** Where the rows in question are, and all that the caller sees. */
export type Seen = Pick<Question, 'within' | 'sides'>;

export interface Selected {
  /** Its rows are so few that they may be asked one by one. */
  few: boolean;
}

/** A SELECT of the numbers of all resources of these types that meet the plan; `source.ts` knows how best to begin. */
export type Select = (plan: Plan, types: readonly string[], sides: Sides, level: number) => Selected & { numbers: Sql };

type Points = Extract<Plan, { node: 'points' }>;
type Pointed = Extract<Plan, { node: 'pointed' }>;

export function createCompiler(scopes: Scopes, select: Select): Compiler {
  function condition(plan: Plan, question: Question): Sql {
    switch (plan.node) {
      case 'all':
        return and(plan.of.map((one) => condition(one, question)));
      case 'any':
        return or(plan.of.map((one) => condition(one, question)));
      case 'not':
        return sql`NOT (${condition(plan.of, question)})`;
      case 'id':
        return and([ofTypes(plan, question.row), sql`${question.row}.id ${among(plan.ids)}`]);
      case 'entry':
        return and([
          ofTypes(plan, question.row),
          plan.param === '_lastUpdated' ? lastUpdated(plan.test, question.row) : entry(plan, question),
        ]);
      case 'owned':
        return plan.opened === undefined
          ? sql`${question.row}.owner ${among(plan.by)}`
          : or([sql`${question.row}.owner ${among(plan.by)}`, openTo(question.row, plan.opened)]);
      case 'points':
        return points(plan, question);
      case 'pointed':
        return pointed(plan, question);
      default:
        return unreachable(plan);
    }
  }

  function entry(plan: Extract<Plan, { node: 'entry' }>, question: Question): Sql {
    const { param, test } = plan;
    const { within: side, manner, row } = question;
    const types = narrowed(question.types, plan);
    if (test.kind === 'text' && test.value !== undefined && 'is' in test.value) {
      const within = scopes.of(side.owners, types, param, 'text');
      if (within.length === 0 || test.value.is.length === 0) return never;
      return sql`EXISTS (SELECT 1 FROM text_entry WHERE ${textMeets(test, within)} AND num = ${row}.num)`;
    }
    if (manner === 'row')
      return sql`EXISTS (SELECT 1 FROM json_each(${row}.entries) e WHERE ${jsonMeets(param, test)})`;
    return sql`${row}.num IN (${numbers(param, test, types, side)})`;
  }

  function numbers(param: string, test: Test, types: readonly string[], { owners }: Within): Sql {
    const within = (kind: EntryKind) => scopes.of(owners, types, param, kind);
    const arms: Sql[] = [];
    const [texts, ranges] = [within('text'), within('range')];
    if (test.kind !== 'range' && texts.length > 0)
      arms.push(sql`SELECT num FROM text_entry WHERE ${textMeets(test.kind === 'text' ? test : {}, texts)}`);
    if (test.kind === 'any' && ranges.length > 0)
      arms.push(sql`SELECT num FROM range_entry WHERE scope ${among(ranges)}`);
    if (test.kind === 'range' && ranges.length > 0)
      arms.push(sql`
        SELECT num FROM range_entry WHERE scope ${among(ranges)} AND value = ${test.value}
        AND ${bounded(sql`low`, test.low)} AND ${bounded(sql`high`, test.high)}`);
    return arms.length === 0 ? sql`SELECT NULL AS num WHERE FALSE` : chained(arms, ' UNION ALL ');
  }

  function points(plan: Points, question: Question): Sql {
    const { param, types, where } = plan;
    const { sides, row } = question;
    const level = question.level + 1;
    if (question.manner === 'set') {
      const numbers = pointing(plan, question.types, question, question.level);
      return numbers === undefined ? never : sql`${row}.num IN (${numbers})`;
    }
    if (types.length === 0) return never;
    const target = alias(level);
    return sql`EXISTS (
      SELECT 1 FROM json_each(${row}.entries) e CROSS JOIN resource ${target}
      ON ${target}.type = substr(e.value ->> 1, 1, instr(e.value ->> 1, '/') - 1)
      AND ${target}.id = substr(e.value ->> 1, instr(e.value ->> 1, '/') + 1)
      WHERE e.value ->> 0 = ${param} AND json_array_length(e.value) = 3
      AND ${visible(target, types, sides.all)}
      AND ${condition(where, { ...question, within: sides.all, types, row: target, level })})`;
  }

  function pointing(plan: Points, from: readonly string[], { within: side, sides }: Seen, level: number) {
    const { param, types, where } = plan;
    const within = scopes.of(side.owners, from, param, 'text');
    if (within.length === 0 || types.length === 0) return undefined;
    const { numbers: targets } = select(where, types, sides, level + 1);
    return sql`
      SELECT e.num FROM (${targets}) n CROSS JOIN resource t ON t.num = n.num
      CROSS JOIN text_entry e ON e.scope ${among(within)} AND e.value = t.type || '/' || t.id`;
  }

  function pointed({ by, param, where }: Pointed, question: Question): Sql {
    const { sides, row } = question;
    const level = question.level + 1;
    const within = scopes.of(sides.all.owners, [by], param, 'text');
    if (within.length === 0) return never;
    const name = sql`${row}.type || '/' || ${row}.id`;
    const source = alias(level);
    const inner = { ...question, within: sides.all, types: [by], row: source, level };
    const referring = sql`text_entry e CROSS JOIN resource ${source} ON ${source}.num = e.num
      WHERE e.scope ${among(within)} AND ${and([sides.all.left(source), condition(where, inner)])}`;
    if (question.manner === 'row') return sql`EXISTS (SELECT 1 FROM ${referring} AND e.value = ${name})`;
    const { numbers: sources, few } = select(where, [by], sides, level);
    if (!few) return sql`${name} IN (SELECT e.value FROM ${referring})`;
    return sql`${name} IN (
      SELECT e.value ->> 1 FROM (${sources}) n CROSS JOIN resource t ON t.num = n.num
      CROSS JOIN json_each(t.entries) e WHERE e.value ->> 0 = ${param} AND json_array_length(e.value) = 3)`;
  }

  function referred({ by, param, where }: Pointed, to: readonly string[], { sides }: Seen, level: number) {
    if (scopes.of(sides.all.owners, [by], param, 'text').length === 0) return undefined;
    const { numbers: sources, few } = select(where, [by], sides, level + 1);
    if (!few) return undefined;
    return sql`
      SELECT x.num FROM (${sources}) n CROSS JOIN resource t ON t.num = n.num CROSS JOIN json_each(t.entries) e
      CROSS JOIN resource x ON x.type = substr(e.value ->> 1, 1, instr(e.value ->> 1, '/') - 1)
      AND x.id = substr(e.value ->> 1, instr(e.value ->> 1, '/') + 1)
      WHERE e.value ->> 0 = ${param} AND json_array_length(e.value) = 3 AND x.type ${among(to)}`;
  }

  return { condition, numbers, pointing, referred, texts: textMeets };
}

/** Those of the types that a node is about. */
export const narrowed = (types: readonly string[], node: { types?: readonly string[] }): readonly string[] =>
  node.types === undefined ? types : types.filter((type) => node.types?.includes(type));

const ofTypes = ({ types }: { types?: readonly string[] }, row: Sql): Sql =>
  types === undefined ? always : sql`${row}.type ${among(types)}`;

const alias = (level: number): Sql => ({ text: `r${level}`, values: [] });

/** Alive, of these types, and seen by the reach. What was found by its entries is all that already. */
export const visible = (row: Sql, types: readonly string[], { seen }: Within): Sql =>
  sql`NOT ${row}.deleted AND ${seen(row)} AND ${row}.type ${among(types)}`;

function textMeets({ value, detail }: Partial<TextTest>, within: readonly number[]): Sql {
  const tests = [sql`scope ${among(within)}`];
  if (value !== undefined) tests.push(meetsValue(sql`value`, value));
  if (detail !== undefined) tests.push(sql`detail = ${detail}`);
  return and(tests);
}

function meetsValue(column: Sql, value: NonNullable<TextTest['value']>): Sql {
  if ('is' in value) return sql`${column} ${among(value.is)}`;
  if ('contains' in value) return sql`instr(${column}, ${value.contains}) > 0`;
  const end = successor(value.startsWith);
  return and([sql`${column} >= ${value.startsWith}`, end === undefined ? always : sql`${column} < ${end}`]);
}

/** The least text that is greater than all that start so, in the order of code points; undefined when there is none. */
export function successor(start: string): string | undefined {
  const points = Array.from(start);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    // U+D800 to U+DFFF are no characters: after U+D7FF comes U+E000.
    if (point < 0x10ffff) return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}

/** The same tests on one element of the JSON of a row's entries, see `rows.ts`. */
function jsonMeets(param: string, test: Test): Sql {
  const tests = [sql`e.value ->> 0 = ${param}`];
  if (test.kind === 'text') {
    tests.push(sql`json_array_length(e.value) = 3`);
    if (test.value !== undefined) tests.push(meetsValue(sql`(e.value ->> 1)`, test.value));
    if (test.detail !== undefined) tests.push(sql`e.value ->> 2 = ${test.detail}`);
  }
  if (test.kind === 'range')
    tests.push(
      sql`json_array_length(e.value) = 4 AND e.value ->> 1 = ${test.value}`,
      bounded(sql`(e.value ->> 2)`, test.low),
      bounded(sql`(e.value ->> 3)`, test.high),
    );
  return and(tests);
}

function lastUpdated(test: Test, row: Sql): Sql {
  if (test.kind === 'any') return always;
  if (test.kind === 'text' || test.value !== '') return never;
  return and([bounded(sql`${row}.updated`, test.low), bounded(sql`${row}.updated`, test.high)]);
}

function bounded(column: Sql, { gt, gte, lt, lte }: Bounds = {}): Sql {
  const tests: Sql[] = [];
  if (gt !== undefined) tests.push(sql`${column} > ${gt}`);
  if (gte !== undefined) tests.push(sql`${column} >= ${gte}`);
  if (lt !== undefined) tests.push(sql`${column} < ${lt}`);
  if (lte !== undefined) tests.push(sql`${column} <= ${lte}`);
  return and(tests);
}
