/**
 * FHIRPath that others wrote, by fhirpath.js, bounded: how long and how deep an expression is, and how much one run of
 * it touches, whatever it meets. It looks nothing up (`resolve`, `memberOf`), runs patterns by a linear engine, and
 * calls only functions that it knows.
 */
import { limits } from '../kit/limits.js';
import { BOUNDED, REPEAT, type PathFunctions } from './path/bounded.js';
import { openEngine, PathError } from './path/engine.js';
import { checkPath } from './path/grammar.js';
import { createMeter, type PathWork } from './path/meter.js';
import type { Element } from './types.js';

export type { PathFunction, PathFunctions } from './path/bounded.js';
export { parsePath, PathError, type Syntax } from './path/engine.js';
export { checkPath } from './path/grammar.js';
export type { PathWork } from './path/meter.js';

export interface Expression {
  /**
   * The values that the expression finds, as JSON holds them.
   * @param focus what it begins from, `%context`: a resource, or an element whose type the expression was compiled for
   * @param work what several runs may touch together
   * @throws PathError
   */
  evaluate(focus: Element, variables?: Readonly<Record<string, unknown>>, work?: PathWork): unknown[];
}

/** What one step of a run had before it and found. */
export type Meter = (focus: unknown, result: unknown) => void;

/**
 * @param at the type, or the path of the element, that it will begin from: `QuestionnaireResponse.item`
 * @throws PathError for what is no expression, or none that is run here
 */
export function compilePath(text: string, at: string, functions: PathFunctions = {}): Expression {
  checkPath(text, Object.keys(functions));
  const meter = createMeter(text.includes('|'));
  const run = openEngine().compile({ base: at, expression: text }, openEngine().r4, {
    async: false,
    resolveInternalTypes: false,
    debugger: meter.step,
    userInvocationTable: { ...tableOf({ ...BOUNDED, ...functions }), repeat: REPEAT },
  });
  return {
    evaluate(focus, variables = {}, work = { left: limits.pathWork }) {
      meter.begin(work);
      try {
        return run(focus, { resource: focus, rootResource: focus, ...variables }).map(plain);
      } catch (error) {
        if (error instanceof PathError) throw error;
        const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
        if (error instanceof RangeError) throw new PathError('costly', 'it goes too deep');
        throw new PathError('failed', message.slice(0, 200));
      }
    },
  };
}

/** Finds the nodes of fhirpath.js instead of values; `meter` is told of every step and may throw. */
export function compileFinder(text: string, meter: Meter): (resource: object) => unknown[] {
  const options = {
    async: false as const,
    resolveInternalTypes: false,
    debugger: (_: unknown, focus: unknown, result: unknown) => {
      meter(focus, result);
    },
  };
  return openEngine().compile(text, openEngine().r4, options);
}

const tableOf = (functions: PathFunctions) =>
  Object.fromEntries(
    Object.entries(functions).map(([name, { arity, run }]) => [name, { fn: run, ...(arity && { arity }) }]),
  );

/** fhirpath.js wraps elements, dates and decimals. */
function plain(found: unknown): unknown {
  const value = typeof found === 'object' && found !== null && 'data' in found ? found.data : found;
  const own = typeof value === 'object' && value !== null && 'toJSON' in value ? value.toJSON : undefined;
  return typeof own === 'function' ? (own.call(value) as unknown) : value;
}
