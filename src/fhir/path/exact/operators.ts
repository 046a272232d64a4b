/** TABLE: operators, as far as one can be sure of them (FHIRPath N1, section 6). */
import type { BinaryOperator } from '../syntax.js';
import type { Env, Operator, Truth } from '../compiler/compiled.js';
import { Node, type Item } from '../compiler/node.js';
import { doubt, exactly, exactTruth, integer, plainOf, single, singleText, text } from './sure.js';

export const exactOperators: Readonly<Partial<Record<BinaryOperator, Operator>>> = {
  and: logic((left, right) => {
    if (left === false || right === false) return false;
    return left === true && right === true ? true : undefined;
  }),
  or: logic(or),
  implies: logic((left, right) => or(not(left), right)),
  xor: logic((left, right) => (left === undefined || right === undefined ? undefined : left !== right)),
  '=': asked(equal),
  '!=': asked((left, right) => not(equal(left, right))),
  '<': ordered((left, right) => left < right),
  '<=': ordered((left, right) => left <= right),
  '>': ordered((left, right) => left > right),
  '>=': ordered((left, right) => left >= right),
  in: asked(isIn),
  contains: asked((left, right) => isIn(right, left)),
  '&': (left, right) =>
    exactly((item, env) => {
      const [one, other] = [singleText(left.list(item, env)), singleText(right.list(item, env))];
      return [text((one ?? '') + (other ?? ''), env)];
    }),
  '+': computed((left, right, env) =>
    typeof left === 'string' && typeof right === 'string' ? text(left + right, env) : integer(left) + integer(right),
  ),
  '-': computed((left, right) => integer(left) - integer(right)),
  '*': computed((left, right) => integer(left) * integer(right)),
  '/': computed((left, right) => {
    const [dividend, divisor] = [integer(left), integer(right)];
    return divisor === 0 ? doubt() : dividend / divisor;
  }),
  '|': (left, right) =>
    exactly((item, env) => {
      const all = [...left.list(item, env), ...right.list(item, env)];
      return all.length < 2 ? all : [...new Map(all.map((one) => [plainOf(one), one])).values()];
    }),
};

export const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);

function or(left: Truth, right: Truth): Truth {
  if (left === true || right === true) return true;
  return left === false && right === false ? false : undefined;
}

/** Both sides are asked, as there: an error of either is one of the whole. */
function logic(decide: (left: Truth, right: Truth) => Truth): Operator {
  return (left, right) => exactTruth((item, env) => decide(left.truth(item, env), right.truth(item, env)));
}

function asked(decide: (left: Item[], right: Item[]) => Truth): Operator {
  return (left, right) => exactTruth((item, env) => decide(left.list(item, env), right.list(item, env)));
}

function equal(left: Item[], right: Item[]): Truth {
  const [one, other] = [left[0], right[0]];
  if (one === undefined || other === undefined) return undefined;
  if (left.length !== right.length) return false;
  if (left.length > 1) doubt();
  if (hasParts(one) && !hasParts(other)) return unlike(plainOf(other));
  if (hasParts(other) && !hasParts(one)) return unlike(plainOf(one));
  const [value, same] = [plainOf(one), plainOf(other)];
  if (typeof value === typeof same) return value === same;
  return typeof value === 'number' || typeof same === 'number' ? doubt() : false;
}

/** A number may be the same as a quantity; a text or a truth is nothing that has parts. */
const unlike = (value: string | number | boolean): false => (typeof value === 'number' ? doubt() : false);

const hasParts = (item: Item): boolean =>
  item instanceof Node && !item.shape.primitive && !item.shape.lineage.has('Quantity');

function ordered(decide: (left: string | number, right: string | number) => boolean): Operator {
  return (left, right) =>
    exactTruth((item, env) => {
      const [one, other] = [single(left.list(item, env)), single(right.list(item, env))];
      if (one === undefined || other === undefined) return undefined;
      if (typeof one === 'boolean' || typeof other === 'boolean' || typeof one !== typeof other) return doubt();
      return decide(one, other);
    });
}

function isIn(one: Item[], list: Item[]): Truth {
  const value = single(one);
  if (value === undefined) return undefined;
  return list.map(plainOf).some((other) => (typeof other === typeof value ? other === value : doubt()));
}

function computed(
  apply: (left: string | number | boolean, right: string | number | boolean, env: Env) => string | number,
): Operator {
  return (left, right) =>
    exactly((item, env) => {
      const [one, other] = [single(left.list(item, env)), single(right.list(item, env))];
      if (one === undefined || other === undefined) return [];
      const made = apply(one, other, env);
      return [typeof made === 'number' ? integer(made) : made];
    });
}
