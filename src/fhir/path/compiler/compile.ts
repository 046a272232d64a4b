/**
 * Expressions as closures. An interpreter takes milliseconds for what these do in microseconds, and every element of
 * every write is asked; tests prove that both say the same (test/validate/fhirpath.test.ts, test/fhir/exact.test.ts).
 */
import { typeName, type Expression } from '../syntax.js';
import { ofTruth, type Compiled, type Dialect, type Env } from './compiled.js';
import { rememberFacts, type Facts, type FactsOf } from './facts.js';
import type { Item } from './node.js';

/** Throws for what is no part of the dialect. */
export const compile = (expression: Expression, dialect: Dialect): Compiled =>
  compilePart(expression, dialect, rememberFacts());

function compilePart(expression: Expression, dialect: Dialect, factsOf: FactsOf): Compiled {
  const compiled = compileKind(expression, dialect, factsOf);
  if (factsOf(expression).isConstant) return constant(compiled, dialect);
  const from = steadyFrom(factsOf(expression), expression, dialect);
  return from === undefined ? compiled : remembered(expression, from, compiled, dialect);
}

function compileKind(expression: Expression, dialect: Dialect, factsOf: FactsOf): Compiled {
  switch (expression.kind) {
    case 'literal':
      return dialect.of(() => [expression.value]);
    case 'nothing':
      return dialect.of(() => []);
    case 'variable':
      return dialect.of(variable(expression.name, dialect));
    case 'member':
      return member(expression, dialect, factsOf);
    case 'index': {
      const of = compilePart(expression.of, dialect, factsOf);
      return dialect.of((item, env) => of.list(item, env).slice(expression.index, expression.index + 1));
    }
    case 'type':
      return typed(compilePart(expression.of, dialect, factsOf), expression.operator, expression.type, dialect);
    case 'call':
      return call(expression, dialect, factsOf);
    case 'binary': {
      const apply = dialect.operators[expression.operator];
      if (apply === undefined) throw new Error(`The FHIRPath operator ${expression.operator} is not understood.`);
      return apply(compilePart(expression.left, dialect, factsOf), compilePart(expression.right, dialect, factsOf));
    }
  }
}

function member({ of, name }: Extract<Expression, { kind: 'member' }>, dialect: Dialect, factsOf: FactsOf): Compiled {
  const { children } = dialect;
  if (of === undefined) {
    // `Appointment.status` begins with the type of what it is asked of.
    if (/^[A-Z]/.test(name)) return dialect.of((item, env) => (dialect.isA(item, name, env) ? [item] : []));
    return dialect.of((item, env) => {
      const found: Item[] = [];
      children(item, name, env, found);
      return found;
    });
  }
  const before = compilePart(of, dialect, factsOf);
  return dialect.of((item, env) => {
    const found: Item[] = [];
    for (const one of before.list(item, env)) children(one, name, env, found);
    return found;
  });
}

function variable(name: string, dialect: Dialect): Compiled['list'] {
  const found = dialect.variable(name);
  if (found === undefined) throw new Error(`The FHIRPath variable ${name} is not understood.`);
  return found;
}

function typed(of: Compiled, operator: 'is' | 'as', type: string, dialect: Dialect): Compiled {
  if (operator === 'as') {
    return dialect.of((item, env) => of.list(item, env).filter((one) => dialect.isA(one, type, env)));
  }
  return ofTruth((item, env) => {
    const [only] = of.list(item, env);
    return only === undefined ? undefined : dialect.isA(only, type, env);
  });
}

const here: Expression = { kind: 'variable', name: '$this' };

function call(
  { of = here, name, arguments: list }: Extract<Expression, { kind: 'call' }>,
  dialect: Dialect,
  factsOf: FactsOf,
): Compiled {
  if (name === 'is') return typed(compilePart(of, dialect, factsOf), 'is', typeName(list[0]), dialect);
  if (name === 'as' || name === 'ofType')
    return typed(compilePart(of, dialect, factsOf), 'as', typeName(list[0]), dialect);
  const make = Object.hasOwn(dialect.functions, name) ? dialect.functions[name] : undefined;
  if (make === undefined) throw new Error(`The FHIRPath function ${name}() is not understood.`);
  return make(
    compilePart(of, dialect, factsOf),
    list.map((one) => compilePart(one, dialect, factsOf)),
    of,
    list,
  );
}

function constant(compiled: Compiled, dialect: Dialect): Compiled {
  // No variable and no element is asked for, so there need not be any.
  const list = compiled.list('', { work: { left: Infinity } } as Env);
  return dialect.of(() => list);
}

/**
 * A path from a variable on, the same for all elements that ask: found once, or a large resource takes its square. What
 * is longer than any path that several would ask begins with one that is remembered.
 */
function steadyFrom({ origin, size }: Facts, expression: Expression, dialect: Dialect): string | undefined {
  if (expression.kind === 'variable') return undefined;
  return origin !== undefined && size <= REMEMBERED && dialect.isSteady(origin) ? origin : undefined;
}

const REMEMBERED = 32;

function remembered(expression: Expression, from: string, { list }: Compiled, dialect: Dialect): Compiled {
  const origin = variable(from, dialect);
  const key = JSON.stringify(expression);
  return dialect.of((item, env) => {
    const [from = item] = origin(item, env);
    const known = env.found.get(key);
    if (known?.from === from) return known.list;
    const found = list(item, env);
    env.found.set(key, { from, list: found });
    return found;
  });
}
