/** TABLE: the operators of FHIRPath. Its logic has three values (FHIRPath N1, section 6.5). */
import type { BinaryOperator } from '../../../fhir/path/syntax.js';
import { ofList, ofTruth, type Operator, type Truth } from '../../../fhir/path/compiler/compiled.js';
import { distinct, equal, keysOf, keyOf, order } from './equality.js';
import { valueOf, type Item } from '../../../fhir/path/compiler/node.js';

export const operators: Readonly<Partial<Record<BinaryOperator, Operator>>> = {
  and: logic((left, right) => {
    const one = left();
    if (one === false) return false;
    const other = right();
    return other === false ? false : one === true && other === true ? true : undefined;
  }),
  or: logic(or),
  implies: logic((left, right) => or(() => not(left()), right)),
  xor: logic((left, right) => {
    const [one, other] = [left(), right()];
    return one === undefined || other === undefined ? undefined : one !== other;
  }),
  '=': lists(equal),
  '!=': lists((left, right) => not(equal(left, right))),
  '<': lists(compared((found) => found < 0)),
  '<=': lists(compared((found) => found <= 0)),
  '>': lists(compared((found) => found > 0)),
  '>=': lists(compared((found) => found >= 0)),
  in: lists(isIn),
  contains: lists((left, right) => isIn(right, left)),
  '|': (left, right) => ofList((item, env) => distinct([...left.list(item, env), ...right.list(item, env)])),
  '&': (left, right) => ofList((item, env) => [text(left.list(item, env)) + text(right.list(item, env))]),
  '+': arithmetic((left, right) => left + right),
  '-': arithmetic((left, right) => left - right),
};

export const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);

function or(left: () => Truth, right: () => Truth): Truth {
  const one = left();
  if (one === true) return true;
  const other = right();
  return other === true ? true : one === false && other === false ? false : undefined;
}

/** The right side is asked only where the left one does not decide. */
function logic(decide: (left: () => Truth, right: () => Truth) => Truth): Operator {
  return (left, right) =>
    ofTruth((item, env) =>
      decide(
        () => left.truth(item, env),
        () => right.truth(item, env),
      ),
    );
}

function lists(decide: (left: Item[], right: Item[]) => Truth): Operator {
  return (left, right) => ofTruth((item, env) => decide(left.list(item, env), right.list(item, env)));
}

function compared(decide: (order: number) => boolean): (left: Item[], right: Item[]) => Truth {
  return ([left], [right]) => {
    const found = left === undefined || right === undefined ? undefined : order(left, right);
    return found === undefined ? undefined : decide(found);
  };
}

function isIn(one: Item[], list: Item[]): Truth {
  const [only] = one;
  return only === undefined ? undefined : keysOf(list).has(keyOf(only));
}

const text = ([only]: Item[]): string => String(valueOf(only) ?? '');

function arithmetic(apply: (left: number, right: number) => number): Operator {
  return (left, right) =>
    ofList((item, env) => {
      const [one, other] = [valueOf(left.list(item, env)[0]), valueOf(right.list(item, env)[0])];
      return typeof one === 'number' && typeof other === 'number' ? [apply(one, other)] : [];
    });
}
