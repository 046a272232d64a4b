/**
 * Expressions of others as closures: FHIRPath that forms are written in, some hundred times quicker than the library, and
 * in a browser too. What is not known here, and what one cannot be sure of, is left to `path.ts`, which asks the library.
 */
import type { PathFunctions } from './bounded.js';
import { argumentsOf } from './bounds.js';
import { compile } from './compiler/compile.js';
import type { Compiled, Dialect, Env } from './compiler/compiled.js';
import { Node, type Item } from './compiler/node.js';
import type { Shapes } from './compiler/shapes.js';
import { exactFunctions } from './exact/functions.js';
import { rewritten } from './exact/items.js';
import { exactOperators } from './exact/operators.js';
import { children, doubt, exactly, isA, unsure } from './exact/sure.js';
import type { PathWork } from './meter.js';
import { parseExpression, type Expression } from './syntax.js';

export interface Scope {
  shapes: Shapes;
  focus: Node;
  resource: Node;
  /** By their names without `%`: collections, or a single item. */
  variables: Readonly<Record<string, unknown>>;
  found: Env['found'];
  work: PathWork;
}

/** Undefined where it is not sure. */
export type Exact = (scope: Scope) => Item[] | undefined;

/** Undefined for what is not in its language; the text is bounded before. */
export function compileExactly(text: string, functions: PathFunctions): Exact | undefined {
  const compiled = attempt(text, dialectWith(functions));
  if (compiled === undefined) return undefined;
  return ({ shapes, focus, resource, variables, found, work }) => {
    const env: Env = { shapes, resource, root: resource, context: focus, found, variables, total: [], work };
    try {
      return compiled.list(focus, env).map(whole);
    } catch (error) {
      if (error === unsure) return undefined;
      throw error;
    }
  };
}

function attempt(text: string, dialect: Dialect): Compiled | undefined {
  if (text.includes('\\')) return undefined;
  try {
    const expression = parseExpression(text);
    check(expression, dialect);
    return compile(rewritten(expression), dialect);
  } catch {
    return undefined;
  }
}

/** fhirpath.js would say what is wrong with a number of arguments. */
function check(expression: Expression, dialect: Dialect): void {
  if (expression.kind === 'type') throw new Error('The library knows when the one value is of a type.');
  if (expression.kind === 'call') {
    if (expression.name === 'as' || expression.name === 'is') throw new Error('See above.');
    const count = expression.arguments.length;
    const [least, most] = argumentsOf(expression.name) ?? NONE;
    if (count < least || count > most) throw new Error('The number of arguments is wrong.');
    for (const one of expression.arguments) check(one, dialect);
  }
  if (expression.kind === 'binary') for (const one of [expression.left, expression.right]) check(one, dialect);
  else if ('of' in expression && expression.of !== undefined) check(expression.of, dialect);
}

const NONE = [0, 0] as const;

/** What stands for the same in one response, whoever asks. */
const STEADY = new Set(['%resource', '%rootResource', '%questionnaire']);

function dialectWith(functions: PathFunctions): Dialect {
  const known = dialects.get(functions) ?? newDialect(functions);
  dialects.set(functions, known);
  return known;
}

const dialects = new WeakMap<PathFunctions, Dialect>();

function newDialect(functions: PathFunctions): Dialect {
  const own = Object.entries(functions).map(([name, { run }]): [string, Dialect['functions'][string]] => [
    name,
    (of) => exactly((item, env) => run(of.list(item, env).map(held)).map(itemOf)),
  ]);
  return {
    functions: { ...exactFunctions, ...Object.fromEntries(own) },
    operators: exactOperators,
    variable: (name) => VARIABLES[name] ?? (name.startsWith('%') ? variable(name.slice(1)) : undefined),
    isSteady: (name) => STEADY.has(name),
    children,
    isA,
    of: exactly,
  };
}

/** TABLE: variables that are no form's. */
const VARIABLES: Readonly<Record<string, Compiled['list']>> = {
  $this: (item) => [item],
  $total: (_, { total }) => total,
  '%resource': (_, { resource }) => [resource],
  '%rootResource': (_, { root }) => [root],
  '%context': (_, { context }) => [context],
};

const variable =
  (name: string): Compiled['list'] =>
  (_, { variables }) => {
    if (!Object.hasOwn(variables, name)) doubt();
    const value = variables[name];
    return Array.isArray(value) ? value.map(itemOf) : [itemOf(value)];
  };

/** Anything else was made by the library. */
function itemOf(value: unknown): Item {
  if (value instanceof Node) return value;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : doubt();
}

/** What has no value, but an id or extensions in its place. */
const whole = (item: Item): Item => (item instanceof Node && item.value === undefined ? doubt() : item);

/** As JSON holds it. */
export const held = (item: Item): unknown => (item instanceof Node ? item.value : item);
