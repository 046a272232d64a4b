/**
 * A plan as a MongoDB filter. Values of a request only ever stand behind an operator that is written here (`$eq`, `$in`,
 * `$gte`), so that none can be taken for one. All that is asked of one entry goes into one `$elemMatch`: an index can
 * then bound every part of it, where separate conditions on an array could each be met by another entry.
 */
import type { Document, Filter } from 'mongodb';
import { unreachable } from '../../kit/assert.js';
import type { Bounds, Plan, RangeTest, Test, TextTest } from '../../search/plan.js';
import { openTo } from './openings.js';
import type { VersionDocument } from './schema.js';

export type VersionFilter = Filter<VersionDocument>;

/** Answers joins, which MongoDB cannot do inside a filter, by asking first. Both give `Type/id`s. */
export interface Joins {
  /** Resources of these types that meet the plan. */
  targets(types: readonly string[], where: Plan): Promise<string[]>;
  /** What resources of type `by` that meet the plan refer to by their `param`. */
  referred(by: string, param: string, where: Plan): Promise<string[]>;
}

export async function compile(plan: Plan, joins: Joins): Promise<VersionFilter> {
  switch (plan.node) {
    case 'all':
      return plan.of.length === 0 ? {} : { $and: await compileEach(plan.of, joins) };
    case 'any':
      return plan.of.length === 0 ? none : { $or: await compileEach(plan.of, joins) };
    case 'not':
      return { $nor: [await compile(plan.of, joins)] };
    case 'id':
      return ofTypes(plan.types, { i: { $in: plan.ids } });
    case 'entry':
      return ofTypes(plan.types, plan.param === '_lastUpdated' ? lastUpdated(plan.test) : entry(plan.param, plan.test));
    case 'owned':
      return plan.opened === undefined
        ? { o: { $in: plan.by } }
        : { $or: [{ o: { $in: plan.by } }, openTo(plan.opened)] };
    case 'points':
      return text(plan.param, { v: { $in: await joins.targets(plan.types, plan.where) } });
    case 'pointed':
      return { key: { $in: await joins.referred(plan.by, plan.param, plan.where) } };
    default:
      return unreachable(plan);
  }
}

/** One after the other: inside a transaction nothing may run side by side. */
async function compileEach(plans: Plan[], joins: Joins): Promise<VersionFilter[]> {
  const filters: VersionFilter[] = [];
  for (const plan of plans) filters.push(await compile(plan, joins));
  return filters;
}

const ofTypes = (types: string[] | undefined, filter: VersionFilter): VersionFilter =>
  types === undefined ? filter : { $and: [{ live: { $in: types } }, filter] };

const none: VersionFilter = { key: { $in: [] } };

function entry(param: string, test: Test): VersionFilter {
  switch (test.kind) {
    case 'any':
      return { $or: [text(param, {}), range(param, {})] };
    case 'text':
      return text(param, textBounds(test));
    case 'range':
      return range(param, rangeBounds(test));
    default:
      return unreachable(test);
  }
}

const text = (param: string, bounds: Document): VersionFilter => ({
  s: { $elemMatch: { p: { $eq: param }, ...bounds } },
});

const range = (param: string, bounds: Document): VersionFilter => ({
  r: { $elemMatch: { p: { $eq: param }, ...bounds } },
});

function textBounds({ value, detail }: TextTest): Document {
  return {
    ...(value === undefined ? {} : { v: valueBounds(value) }),
    ...(detail === undefined ? {} : { d: { $eq: detail } }),
  };
}

function valueBounds(value: NonNullable<TextTest['value']>): Document {
  if ('is' in value) return { $in: value.is };
  if ('startsWith' in value) {
    const end = endOfPrefix(value.startsWith);
    return { $gte: value.startsWith, ...(end === undefined ? {} : { $lt: end }) };
  }
  return { $regex: literal(value.contains) };
}

const rangeBounds = ({ value, low, high }: RangeTest): Document => ({
  v: { $eq: value },
  ...(bounded(low) ? { l: bounds(low) } : {}),
  ...(bounded(high) ? { h: bounds(high) } : {}),
});

/** The store makes this entry itself: a version covers the one instant in which it was written. */
function lastUpdated(test: Test): VersionFilter {
  if (test.kind === 'any') return {};
  if (test.kind === 'text' || test.value !== '') return none;
  const ends = [test.low, test.high].filter(bounded).map((end): VersionFilter => ({ u: bounds(end) }));
  return ends.length === 0 ? {} : { $and: ends };
}

const bounded = (asked: Bounds | undefined): asked is Bounds =>
  asked !== undefined && Object.values(asked).some((bound) => bound !== undefined);

const bounds = ({ gt, gte, lt, lte }: Bounds): Document => ({
  ...(gt === undefined ? {} : { $gt: gt }),
  ...(gte === undefined ? {} : { $gte: gte }),
  ...(lt === undefined ? {} : { $lt: lt }),
  ...(lte === undefined ? {} : { $lte: lte }),
});

/** Matches the text itself: every sign that means something to PCRE is escaped, so that the expression is linear. */
const literal = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|/#\s-]/g, (sign) => `\\${sign}`);

/** The least text that is greater than all that start with `prefix`; undefined when there is none. */
export function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (sign) => sign.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // Between these two lie the surrogates, which are no characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
