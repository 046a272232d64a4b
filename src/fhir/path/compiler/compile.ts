/**
 * Expressions as closures. An interpreter takes milliseconds for what these do in microseconds, and every element of
 * every write is asked; tests prove that both say the same (test/validate/fhirpath.test.ts, test/fhir/exact.test.ts).
 */
import { typeName, type Expression } from '../syntax.js';
import { ofTruth, type Compiled, type Dialect, type Env } from './compiled.js';
import type { Item } from './node.js';

/** Throws for what is no part of the dialect. */
export function compile(expression: Expression, dialect: Dialect): Compiled {
  const compiled = compileKind(expression, dialect);
  if (isConstant(expression)) return constant(compiled, dialect);
  return isSteady(expression, dialect) ? remembered(expression, compiled, dialect) : compiled;
}

function compileKind(expression: Expression, dialect: Dialect): Compiled {
  switch (expression.kind) {
    case 'literal':
      return dialect.of(() => [expression.value]);
    case 'nothing':
      return dialect.of(() => []);
    case 'variable':
      return dialect.of(variable(expression.name, dialect));
    case 'member':
      return member(expression, dialect);
    case 'index': {
      const of = compile(expression.of, dialect);
      return dialect.of((item, env) => of.list(item, env).slice(expression.index, expression.index + 1));
    }
    case 'type':
      return typed(compile(expression.of, dialect), expression.operator, expression.type, dialect);
    case 'call':
      return call(expression, dialect);
    case 'binary': {
      const apply = dialect.operators[expression.operator];
      if (apply === undefined) throw new Error(`The FHIRPath operator ${expression.operator} is not understood.`);
      return apply(compile(expression.left, dialect), compile(expression.right, dialect));
    }
  }
}

function member({ of, name }: Extract<Expression, { kind: 'member' }>, dialect: Dialect): Compiled {
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
  const before = compile(of, dialect);
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

function call({ of = here, name, arguments: list }: Extract<Expression, { kind: 'call' }>, dialect: Dialect): Compiled {
  if (name === 'is') return typed(compile(of, dialect), 'is', typeName(list[0]), dialect);
  if (name === 'as' || name === 'ofType') return typed(compile(of, dialect), 'as', typeName(list[0]), dialect);
  const make = Object.hasOwn(dialect.functions, name) ? dialect.functions[name] : undefined;
  if (make === undefined) throw new Error(`The FHIRPath function ${name}() is not understood.`);
  return make(
    compile(of, dialect),
    list.map((one) => compile(one, dialect)),
    of,
    list,
  );
}

/** Made of literals alone, as in `type in ('a' | 'b')`. */
function isConstant(expression: Expression): boolean {
  if (expression.kind === 'literal') return true;
  return expression.kind === 'binary' && isConstant(expression.left) && isConstant(expression.right);
}

function constant(compiled: Compiled, dialect: Dialect): Compiled {
  // No variable and no element is asked for, so there need not be any.
  const list = compiled.list('', { work: { left: Infinity } } as Env);
  return dialect.of(() => list);
}

/** A path from a variable on, the same for all elements that ask: found once, or a large resource takes its square. */
function isSteady(expression: Expression, dialect: Dialect): boolean {
  if (expression.kind === 'variable') return false;
  const origin = originOf(expression);
  return origin !== undefined && dialect.isSteady(origin);
}

function originOf(expression: Expression): string | undefined {
  if (expression.kind === 'variable') return expression.name.startsWith('%') ? expression.name : undefined;
  if (expression.kind === 'member' || expression.kind === 'index') return expression.of && originOf(expression.of);
  if (expression.kind !== 'call' || !expression.arguments.every(isInside)) return undefined;
  return expression.of && originOf(expression.of);
}

/** About nothing but the item that it is asked of. */
function isInside(expression: Expression): boolean {
  if (expression.kind === 'variable') return expression.name === '$this';
  if (expression.kind === 'binary') return isInside(expression.left) && isInside(expression.right);
  if (expression.kind === 'call')
    return (expression.of === undefined || isInside(expression.of)) && expression.arguments.every(isInside);
  if (expression.kind === 'literal' || expression.kind === 'nothing') return true;
  return expression.of === undefined || isInside(expression.of);
}

function remembered(expression: Expression, { list }: Compiled, dialect: Dialect): Compiled {
  const origin = variable(originOf(expression) ?? '', dialect);
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
