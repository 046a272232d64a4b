/**
 * R4's invariants as closures. An interpreter takes milliseconds for what these do in microseconds, and every element of
 * every write is asked; test/validate/fhirpath.test.ts proves that both say the same.
 */
import { typeName, type Expression } from '../../../fhir/path/syntax.js';
import { ofList, ofTruth, truthOf, type Compiled, type Env } from './compiled.js';
import { functions } from './functions.js';
import { collect, isA, type Item } from './node.js';
import { operators } from './operators.js';

/** Throws for what is no part of this language; see `syntax.ts` for what is. */
export function compile(expression: Expression): Compiled {
  const compiled = compileKind(expression);
  if (isConstant(expression)) return constant(compiled);
  return isSteady(expression) ? remembered(expression, compiled) : compiled;
}

function compileKind(expression: Expression): Compiled {
  switch (expression.kind) {
    case 'literal':
      return ofList(() => [expression.value]);
    case 'variable':
      return ofList(variable(expression.name));
    case 'member':
      return member(expression);
    case 'index': {
      const of = compile(expression.of);
      return ofList((item, env) => of.list(item, env).slice(expression.index, expression.index + 1));
    }
    case 'type':
      return typed(compile(expression.of), expression.operator, expression.type);
    case 'call':
      return call(expression);
    case 'binary': {
      const apply = operators[expression.operator];
      return apply(compile(expression.left), compile(expression.right));
    }
  }
}

function member({ of, name }: Extract<Expression, { kind: 'member' }>): Compiled {
  if (of === undefined) {
    // `Appointment.status` begins with the type of what it is asked of.
    if (/^[A-Z]/.test(name)) return ofList((item) => (isA(item, name) ? [item] : []));
    return ofList((item, { shapes }) => {
      const found: Item[] = [];
      collect(item, name, shapes, found);
      return found;
    });
  }
  const before = compile(of);
  return ofList((item, env) => {
    const found: Item[] = [];
    for (const one of before.list(item, env)) collect(one, name, env.shapes, found);
    return found;
  });
}

/** TABLE: variable -> what it stands for (R4 fhirpath.html#variables). */
const variables: Readonly<Record<string, Compiled['list']>> = {
  $this: (item) => [item],
  '%resource': (_, { resource }) => [resource],
  '%rootResource': (_, { root }) => [root],
  '%context': (_, { context }) => [context],
  '%ucum': () => ['http://unitsofmeasure.org'],
};

function variable(name: string): Compiled['list'] {
  const found = variables[name];
  if (found === undefined) throw new Error(`The FHIRPath variable ${name} is not understood.`);
  return found;
}

function typed(of: Compiled, operator: 'is' | 'as', type: string): Compiled {
  if (operator === 'as') return ofList((item, env) => of.list(item, env).filter((one) => isA(one, type)));
  return ofTruth((item, env) => {
    const [only] = of.list(item, env);
    return only === undefined ? undefined : isA(only, type);
  });
}

const here: Expression = { kind: 'variable', name: '$this' };

function call({ of = here, name, arguments: list }: Extract<Expression, { kind: 'call' }>): Compiled {
  if (name === 'is') return typed(compile(of), 'is', typeName(list[0]));
  if (name === 'as' || name === 'ofType') return typed(compile(of), 'as', typeName(list[0]));
  const make = functions[name];
  if (make === undefined) throw new Error(`The FHIRPath function ${name}() is not understood.`);
  return make(compile(of), list.map(compile), of);
}

/** Made of literals alone, as in `type in ('a' | 'b')`. */
function isConstant(expression: Expression): boolean {
  if (expression.kind === 'literal') return true;
  return expression.kind === 'binary' && isConstant(expression.left) && isConstant(expression.right);
}

function constant(compiled: Compiled): Compiled {
  // No variable and no element is asked for, so there need not be any.
  const list = compiled.list('', {} as Env);
  const truth = truthOf(list);
  return { list: () => list, truth: () => truth };
}

/** A path from a variable on, the same for all elements that ask: found once, or a large resource takes its square. */
function isSteady(expression: Expression): boolean {
  if (expression.kind === 'variable') return false;
  return originOf(expression) !== undefined;
}

function originOf(expression: Expression): string | undefined {
  if (expression.kind === 'variable') return expression.name.startsWith('%') ? expression.name : undefined;
  if (expression.kind === 'member' || expression.kind === 'index') return expression.of && originOf(expression.of);
  if (expression.kind !== 'call' || !expression.arguments.every(isConstant)) return undefined;
  return expression.of && originOf(expression.of);
}

function remembered(expression: Expression, { list }: Compiled): Compiled {
  const origin = variable(originOf(expression) ?? '');
  return ofList((item, env) => {
    const [from = item] = origin(item, env);
    const known = env.found.get(expression);
    if (known?.from === from) return known.list;
    const found = list(item, env);
    env.found.set(expression, { from, list: found });
    return found;
  });
}
