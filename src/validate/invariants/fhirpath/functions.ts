/** TABLE: the functions of FHIRPath that R4's invariants call (FHIRPath N1, section 5), and those that mend them. */
import { ofList, ofTruth, type Env, type Make, type Truth } from '../../../fhir/path/compiler/compiled.js';
import { amountOf, keyOf, keysOf, mayPrecede } from './equality.js';
import { collectAll, has, Node, valueOf, type Item } from '../../../fhir/path/compiler/node.js';
import { not } from './operators.js';

const asked =
  (answer: (found: Item[]) => Truth): Make =>
  (of) =>
    ofTruth((item, env) => answer(of.list(item, env)));

const listed =
  (make: (found: Item[], env: Env) => Item[]): Make =>
  (of) =>
    ofList((item, env) => make(of.list(item, env), env));

/** About the value of a single string; nothing about none. The argument is asked of what the whole expression is. */
const ofText =
  (apply: (text: string, argument: string) => boolean): Make =>
  (of, [argument]) =>
    ofList((item, env) => {
      const value = valueOf(of.list(item, env)[0]);
      const other = argument === undefined ? '' : valueOf(argument.list(item, env)[0]);
      return typeof value === 'string' && typeof other === 'string' ? [apply(value, other)] : [];
    });

/** For functions whose argument is asked of each item of the collection. */
const each =
  (answer: (found: Item[], holds: (item: Item) => boolean) => Truth): Make =>
  (of, [criteria]) =>
    ofTruth((item, env) => answer(of.list(item, env), (one) => criteria?.truth(one, env) === true));

export const functions: Readonly<Record<string, Make>> = {
  exists: existence(true),
  empty: existence(false),
  not: (of) => ofTruth((item, env) => not(of.truth(item, env))),
  all: each((found, holds) => found.every(holds)),
  allFalse: asked((found) => found.every((one) => valueOf(one) === false)),
  where: (of, [criteria]) =>
    ofList((item, env) => of.list(item, env).filter((one) => criteria?.truth(one, env) === true)),
  select: (of, [projection]) =>
    ofList((item, env) => of.list(item, env).flatMap((one) => projection?.list(one, env) ?? [])),
  repeat: (of, [projection]) =>
    ofList((item, env) => {
      const found = of.list(item, env).flatMap((one) => projection?.list(one, env) ?? []);
      // An element stands in one place only, so this ends with the resource.
      for (const one of found) for (const below of projection?.list(one, env) ?? []) found.push(below);
      return found;
    }),
  children: listed((list, { shapes }) => {
    const found: Item[] = [];
    for (const one of list) collectAll(one, shapes, found);
    return found;
  }),
  first: listed((found) => found.slice(0, 1)),
  tail: listed((found) => found.slice(1)),
  trace: (of) => of,
  count: listed((found) => [found.length]),
  combine: (of, [other]) => ofList((item, env) => [...of.list(item, env), ...(other?.list(item, env) ?? [])]),
  intersect: (of, [other]) =>
    ofList((item, env) => {
      const keys = keysOf(other?.list(item, env) ?? []);
      return of.list(item, env).filter((one) => keys.has(keyOf(one)));
    }),
  isDistinct: asked((found) => new Set(found.map(keyOf)).size === found.length),
  hasValue: asked(([only]) => valueOf(only) !== undefined),
  iif: (of, [condition, then, otherwise]) =>
    ofList((item, env) => {
      const [focus = item] = of.list(item, env);
      return (condition?.truth(focus, env) === true ? then : otherwise)?.list(focus, env) ?? [];
    }),
  startsWith: ofText((text, start) => text.startsWith(start)),
  contains: ofText((text, part) => text.includes(part)),
  matches: ofText((text, pattern) => regex(pattern).test(text)),
  /** As FHIRPath N2 has it: all of the text. */
  matchesFull: ofText((text, pattern) => regex(`^(?:${pattern})$`).test(text)),
  replaceMatches: (of, [pattern, replacement]) =>
    ofList((item, env) => {
      const [text, ...by] = [of, pattern, replacement].map((one) => valueOf(one?.list(item, env)[0]));
      return typeof text === 'string' ? [text.replace(new RegExp(String(by[0]), 'gs'), String(by[1]))] : [];
    }),
  toInteger: listed(([only]) => {
    const value = valueOf(only);
    if (typeof value === 'number') return Number.isInteger(value) ? [value] : [];
    return typeof value === 'string' && /^[+-]?\d{1,10}$/.test(value) ? [Number(value)] : [];
  }),
  toString: listed(([only]) => {
    const value = only instanceof Node && only.digits !== undefined ? only.digits : valueOf(only);
    return value === undefined ? [] : [String(value)];
  }),
  /** Ours: whether one date, however partial, may be meant to be no later than another; nothing of what is no date. */
  mayPrecede: (of, [other]) => ofTruth((item, env) => mayPrecede(of.list(item, env)[0], other?.list(item, env)[0])),
  /** As R5 has it: whether two quantities are of one kind of unit. */
  comparable: (of, [other]) =>
    ofTruth((item, env) => {
      const [left, right] = [of.list(item, env)[0], other?.list(item, env)[0]];
      const unit = left === undefined ? undefined : amountOf(left)?.unit;
      return unit !== undefined && right !== undefined && amountOf(right)?.unit === unit;
    }),
};

/** What most invariants ask, so a child's name alone makes no list. */
function existence(wanted: boolean): Make {
  return (of, [criteria], from) => {
    if (criteria !== undefined) {
      return ofTruth((item, env) => of.list(item, env).some((one) => criteria.truth(one, env) === true) === wanted);
    }
    if (from.kind !== 'member' || /^[A-Z]/.test(from.name)) {
      return ofTruth((item, env) => of.list(item, env).length > 0 === wanted);
    }
    const { name, of: before } = from;
    if (before === undefined) return ofTruth((item) => has(item, name) === wanted);
    return ofTruth((item, env) => of.list(item, env).length > 0 === wanted);
  };
}

/** The patterns are R4's own, and linear; each is made once. */
const patterns = new Map<string, RegExp>();

function regex(pattern: string): RegExp {
  const known = patterns.get(pattern) ?? new RegExp(pattern, 's');
  patterns.set(pattern, known);
  return known;
}
