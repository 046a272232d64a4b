/** TABLE: functions, as far as one can be sure of them (FHIRPath N1, section 5, and R4 fhirpath.html#functions). */
import { isObject } from '../../../kit/json.js';
import type { Env, Make, Truth } from '../compiler/compiled.js';
import { collect, Node, type Item } from '../compiler/node.js';
import type { Expression } from '../syntax.js';
import { linkIdAsked, ofLinkId, within } from './items.js';
import { not } from './operators.js';
import { doubt, exactly, exactTruth, integer, plainOf, singleInteger, singleText } from './sure.js';

const listed =
  (make: (found: Item[], env: Env) => Item[]): Make =>
  (of) =>
    exactly((item, env) => make(of.list(item, env), env));

const asked =
  (answer: (found: Item[]) => Truth): Make =>
  (of) =>
    exactTruth((item, env) => answer(of.list(item, env)));

/** For functions whose argument is asked of each item of the collection. */
const each =
  (answer: (found: Item[], holds: (item: Item) => boolean) => boolean): Make =>
  (of, [criteria]) =>
    exactTruth((item, env) => answer(of.list(item, env), (one) => criteria?.truth(one, env) === true));

/** About a single text and another; nothing about none. */
const ofText =
  (apply: (text: string, argument: string) => boolean): Make =>
  (of, [argument]) =>
    exactTruth((item, env) => {
      const [value, other] = [singleText(of.list(item, env)), singleText(argument?.list(item, env) ?? [])];
      return value === undefined || other === undefined ? doubt() : apply(value, other);
    });

const some = asked((found) => found.length > 0);
const someThat = each((found, holds) => found.filter(holds).length > 0);

const truths = (found: Item[]): boolean[] =>
  found.map((one) => {
    const value = plainOf(one);
    return typeof value === 'boolean' ? value : doubt();
  });

/** The items of a collection by their numbers, as a literal says it. */
const cut =
  (part: (found: Item[], count: number) => Item[]): Make =>
  (of, [count]) =>
    exactly((item, env) =>
      part(of.list(item, env), Math.max(0, singleInteger(count?.list(item, env) ?? []) ?? doubt())),
    );

export const exactFunctions: Readonly<Record<string, Make>> = {
  exists: (of, list, ...rest) => (list.length === 0 ? some : someThat)(of, list, ...rest),
  empty: asked((found) => found.length === 0),
  not: (of) => exactTruth((item, env) => not(of.truth(item, env))),
  all: each((found, holds) => found.every(holds)),
  allTrue: asked((found) => truths(found).every(Boolean)),
  anyTrue: asked((found) => truths(found).some(Boolean)),
  allFalse: asked((found) => !truths(found).some(Boolean)),
  anyFalse: asked((found) => !truths(found).every(Boolean)),
  where: (of, [criteria], _, [written]) => {
    const linkId = linkIdAsked(written);
    if (linkId !== undefined) return exactly((item, env) => ofLinkId(of.list(item, env), linkId));
    return exactly((item, env) => of.list(item, env).filter((one) => criteria?.truth(one, env) === true));
  },
  select: (of, [projection]) =>
    exactly((item, env) => of.list(item, env).flatMap((one) => projection?.list(one, env) ?? [])),
  repeat: (of, [projection]) =>
    exactly((item, env) => {
      const found = of.list(item, env).flatMap((one) => projection?.list(one, env) ?? []);
      // An element stands in one place only, so this ends with the resource.
      for (const one of found) {
        if (!(one instanceof Node) || one.shape.primitive) doubt();
        for (const below of projection?.list(one, env) ?? []) found.push(below);
      }
      return found;
    }),
  [within.name]: listed((found, env) => within.items(found, env)),
  extension: (of, [url]) =>
    exactly((item, env) => {
      const wanted = singleText(url?.list(item, env) ?? []);
      const found: Item[] = [];
      for (const one of of.list(item, env)) {
        if (!(one instanceof Node)) doubt();
        collect(one, 'extension', env.shapes, found);
      }
      return found.filter((one) => one instanceof Node && isObject(one.value) && one.value.url === wanted);
    }),
  first: listed((found) => found.slice(0, 1)),
  last: listed((found) => found.slice(-1)),
  tail: listed((found) => found.slice(1)),
  take: cut((found, count) => found.slice(0, count)),
  skip: cut((found, count) => found.slice(count)),
  count: listed((found) => [found.length]),
  sum: listed((found) =>
    found.length === 0 ? [] : [integer(found.reduce((sum: number, one) => sum + integer(plainOf(one)), 0))],
  ),
  min: least((one, other) => one < other),
  max: least((one, other) => one > other),
  combine: (of, [other]) => exactly((item, env) => [...of.list(item, env), ...(other?.list(item, env) ?? [])]),
  distinct: listed((found) => [...new Map(found.map((one) => [plainOf(one), one])).values()]),
  isDistinct: asked((found) => new Set(found.map(plainOf)).size === found.length),
  hasValue: asked((found) => found.map(plainOf).length === 1),
  iif: (of, [condition, then, otherwise]) =>
    exactly((item, env) => {
      const [focus, second] = of.list(item, env);
      if (focus === undefined || second !== undefined) doubt();
      return (condition?.truth(focus, env) === true ? then : otherwise)?.list(focus, env) ?? [];
    }),
  aggregate: (of, [step, start], _, written) => {
    if (start === undefined || written.some(aggregates)) throw new Error('aggregate() is asked of the library.');
    return exactly((item, env) => {
      const before = env.total;
      let total = start.list(item, env);
      for (const one of of.list(item, env)) {
        env.total = total;
        total = step?.list(one, env) ?? [];
      }
      env.total = before;
      return total;
    });
  },
  startsWith: ofText((text, start) => text.startsWith(start)),
  endsWith: ofText((text, end) => text.endsWith(end)),
  contains: ofText((text, part) => text.includes(part)),
};

function least(isBetter: (one: number, other: number) => boolean): Make {
  return listed((found) => {
    const numbers = found.map((one) => integer(plainOf(one)));
    return numbers.length === 0 ? [] : [numbers.reduce((best, one) => (isBetter(one, best) ? one : best))];
  });
}

/** Whether there is an aggregate() in it: the inner `$total` is the outer one then, in one library and not in another. */
function aggregates(expression: Expression): boolean {
  if (expression.kind === 'call') {
    return (
      expression.name === 'aggregate' || [expression.of, ...expression.arguments].some((one) => one && aggregates(one))
    );
  }
  if (expression.kind === 'binary') return aggregates(expression.left) || aggregates(expression.right);
  return 'of' in expression && expression.of !== undefined && aggregates(expression.of);
}
