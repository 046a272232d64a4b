/**
 * Compiles the FHIRPath expression of a search parameter into plain walkers. The element definitions tell statically
 * what each path ends in, so that nothing is looked up while a resource is indexed: `Observation.value` becomes
 * `valueQuantity`, `valueString` and so on, each with its own type.
 */
import type { Definitions } from '../../fhir/definitions.js';
import { compileCall } from './functions.js';
import { parseExpression, type Expression } from '../../fhir/path/syntax.js';
import { children, isA, isType, narrow, type Leaf } from './types.js';
import { collect, truth, walk, type Step } from './walk.js';

/** Throws when the expression cannot be understood; its leaves are empty when it is about other types only. */
export function compileExpression(definitions: Definitions, type: string, expression: string): Leaf[] {
  return compile(definitions, parseExpression(expression), [{ type, steps: [] }]);
}

/** The same from an element on, whose own steps are left out. */
export function compileWithin(definitions: Definitions, leaf: Leaf, expression: string): Leaf[] {
  return compile(definitions, parseExpression(expression), [{ ...leaf, steps: [] }]);
}

function compile(definitions: Definitions, expression: Expression, context: readonly Leaf[]): Leaf[] {
  const inner = (one: Expression | undefined): readonly Leaf[] =>
    one === undefined ? context : compile(definitions, one, context);
  switch (expression.kind) {
    case 'literal':
      return [{ type: typeof expression.value, steps: [(_, emit) => emit(expression.value)] }];
    case 'member':
      if (expression.of === undefined && isTypeName(expression.name)) {
        return context.filter((leaf) => isA(definitions, leaf.type, expression.name));
      }
      return children(definitions, inner(expression.of), expression.name);
    case 'index':
      return inner(expression.of).map((leaf) => ({ ...leaf, steps: [nth(leaf.steps, expression.index)] }));
    case 'type':
      return expression.operator === 'as'
        ? inner(expression.of).flatMap((leaf) => narrow(definitions, leaf, expression.type))
        : inner(expression.of).map((leaf) => isType(definitions, leaf, expression.type));
    case 'call':
      return compileCall({ definitions, compile }, expression, inner(expression.of));
    case 'nothing':
      return [];
    case 'variable':
      throw new Error(`The FHIRPath variable ${expression.name} is not understood.`);
    case 'binary':
      return binary(expression.operator, inner(expression.left), inner(expression.right));
  }
}

function binary(operator: string, left: readonly Leaf[], right: readonly Leaf[]): Leaf[] {
  if (operator === '|') return [...left, ...right];
  const apply = OPERATORS[operator];
  if (apply === undefined) throw new Error(`The FHIRPath operator ${operator} is not understood.`);
  const step: Step = (value, emit) => {
    const answer = apply(collect(left, value), collect(right, value));
    if (answer !== undefined) emit(answer);
  };
  return [{ type: 'boolean', steps: [step] }];
}

type Operator = (left: unknown[], right: unknown[]) => boolean | undefined;

/** The logic has three values: an empty side leaves the answer open. (FHIRPath N1, sections 6.1 and 6.5) */
const OPERATORS: Readonly<Record<string, Operator>> = {
  '=': (left, right) => equal(left, right),
  '!=': (left, right) => not(equal(left, right)),
  and: (left, right) => both(truth(left), truth(right)),
  or: (left, right) => not(both(not(truth(left)), not(truth(right)))),
};

function equal(left: unknown[], right: unknown[]): boolean | undefined {
  if (left.length === 0 || right.length === 0) return undefined;
  return left.length === right.length && left.every((one, index) => one === right[index]);
}

const not = (answer: boolean | undefined): boolean | undefined => (answer === undefined ? undefined : !answer);

function both(left: boolean | undefined, right: boolean | undefined): boolean | undefined {
  if (left === false || right === false) return false;
  return left === true && right === true ? true : undefined;
}

function nth(steps: readonly Step[], index: number): Step {
  return (value, emit) => {
    let at = 0;
    walk(steps, value, (one) => {
      if (at === index) emit(one);
      at += 1;
    });
  };
}

const isTypeName = (name: string): boolean => /^[A-Z]/.test(name);
