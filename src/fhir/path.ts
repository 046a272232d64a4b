/**
 * FHIRPath that others wrote, bounded: how long and how deep an expression is, and how much one run of it touches, whatever
 * it meets. Closures answer what they are sure of (`path/exact.ts`), fhirpath.js the rest. It looks nothing up
 * (`resolve`, `memberOf`), runs patterns by a linear engine, and calls only functions that it knows.
 */
import { limits } from '../kit/limits.js';
import type { Definitions } from './definitions.js';
import { boundedFunctions, REPEAT, type PathFunctions } from './path/bounded.js';
import { costOf, readBy, readByLibrary, type PathReading } from './path/bounds.js';
import type { Env } from './path/compiler/compiled.js';
import { Node } from './path/compiler/node.js';
import { createShapes, type Shapes } from './path/compiler/shapes.js';
import { isEngineOpen, openEngine } from './path/engine.js';
import { EngineWanted, PathError } from './path/error.js';
import { compileExactly } from './path/exact.js';
import { checkSyntax } from './path/grammar.js';
import { createMeter, type PathWork } from './path/meter.js';
import type { Element, Resource } from './types.js';

export type { PathFunction, PathFunctions } from './path/bounded.js';
export type { PathReading } from './path/bounds.js';
export { parsePath, type Syntax } from './path/engine.js';
export { PathError } from './path/error.js';
export { inTurns } from './path/turns.js';
export type { PathWork } from './path/meter.js';

/** Variables by their names without `%`: resources, elements, or what `find` has found. */
type Variables = Readonly<Record<string, unknown>>;

export interface Expression {
  /**
   * The values that the expression finds, as JSON holds them.
   * @param focus what it begins from, `%context`: a resource, or an element whose type the expression was compiled for
   * @param work what several runs may touch together; they also share what they have found, so nothing changes between
   * @throws PathError
   */
  evaluate: (focus: Element, variables?: Variables, work?: PathWork) => unknown[];
  /** The same, with their types: good for a variable of another expression. */
  find: (focus: Element, variables?: Variables, work?: PathWork) => unknown[];
}

/**
 * @param at the type, or the path of the element, that it will begin from: `QuestionnaireResponse.item`
 * @param reading what several expressions may take to be read together
 * @throws PathError for what is no expression, or none that is run here
 */
export type CompilePath = (text: string, at: string, functions?: PathFunctions, reading?: PathReading) => Expression;

/** What one step of a run had before it and found. */
export type Meter = (focus: unknown, result: unknown) => void;

export function createCompilePath(definitions: Definitions): CompilePath {
  const shapes = createShapes(definitions);
  return (text, at, functions = {}, reading = aLot()) => {
    const tokens = costOf(text, reading);
    const exact = compileExactly(text, functions);
    if (exact === undefined) return compilePath(text, at, functions, reading);
    readBy(reading, tokens);
    let library: Expression | undefined;
    return expressionOf((focus, variables, work) => {
      const { found, nodes } = sharedBy(work);
      const node = (value: object, type: string): Node | undefined => nodeOf(nodes, value, type, shapes);
      const from = node(focus, at);
      const resource = node((variables.resource as object | undefined) ?? focus, '');
      const known =
        from && resource && exact({ shapes, focus: from, resource, variables: typed(variables, node), found, work });
      if (known !== undefined) return known;
      library ??= compilePath(text, at, functions, reading);
      return library.find(focus, variables, work);
    });
  };
}

/** Throws a PathError for what would be refused when it is compiled. */
export function checkPath(text: string, functions: PathFunctions, reading: PathReading): void {
  const tokens = costOf(text, reading);
  if (compileExactly(text, functions) !== undefined) readBy(reading, tokens);
  else checkByLibrary(text, tokens, functions, reading);
}

function checkByLibrary(text: string, tokens: number, functions: PathFunctions, reading: PathReading): void {
  if (reading.now !== undefined && !isEngineOpen()) throw new EngineWanted();
  readByLibrary(reading, tokens);
  checkSyntax(text, Object.keys(functions));
}

const aLot = (): PathReading => ({ left: limits.formExpressionTokens });

/** TABLE: variables that are elements -> where those stand. (SDC 4.0, expressions) */
const PLACES: Readonly<Record<string, string>> = { qitem: 'Questionnaire.item' };

function typed(variables: Variables, node: (value: object, type: string) => Node | undefined): Variables {
  const made: Record<string, unknown> = {};
  for (const name in variables) {
    const value = variables[name];
    made[name] =
      typeof value === 'object' && value !== null && !Array.isArray(value) ? node(value, PLACES[name] ?? '') : value;
  }
  return made;
}

/** Elements are nodes, the same ones for all expressions that share their work: what was found is known by them. */
function nodeOf(nodes: Map<object, Node>, value: object, type: string, shapes: Shapes): Node | undefined {
  const known = nodes.get(value);
  if (known !== undefined) return known;
  const shape = shapes((value as Partial<Resource>).resourceType ?? type);
  if (shape === undefined) return undefined;
  const made = new Node(value, undefined, shape);
  nodes.set(value, made);
  return made;
}

interface Shared {
  found: Env['found'];
  nodes: Map<object, Node>;
}

const shared = new WeakMap<PathWork, Shared>();

function sharedBy(work: PathWork): Shared {
  const known = shared.get(work) ?? { found: new Map(), nodes: new Map() };
  shared.set(work, known);
  return known;
}

const expressionOf = (run: (focus: Element, variables: Variables, work: PathWork) => unknown[]): Expression => ({
  evaluate: (focus, variables = {}, work = { left: limits.pathWork }) => run(focus, variables, work).map(plain),
  find: (focus, variables = {}, work = { left: limits.pathWork }) => run(focus, variables, work),
});

/** By fhirpath.js alone. */
export const compilePath: CompilePath = (text, at, functions = {}, reading = aLot()) => {
  checkByLibrary(text, costOf(text, reading), functions, reading);
  const meter = createMeter(text.includes('|'));
  const run = openEngine().compile({ base: at, expression: text }, openEngine().r4, {
    async: false,
    resolveInternalTypes: false,
    debugger: meter.step,
    userInvocationTable: { ...tableOf({ ...boundedFunctions(meter.spend), ...functions }), repeat: REPEAT },
  });
  return expressionOf((focus, variables, work) => {
    meter.begin(work);
    try {
      return run(focus, { resource: focus, rootResource: focus, ...libraryOf(variables, text) });
    } catch (error) {
      if (error instanceof PathError) throw error;
      const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
      if (error instanceof RangeError) throw new PathError('costly', 'it goes too deep');
      throw new PathError('failed', message.slice(0, 200));
    }
  });
};

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

/** Elements as fhirpath.js knows them with their types: else `%item.answer.value` would find nothing. */
function libraryOf(variables: Variables, text: string): Variables {
  const made: Record<string, unknown> = {};
  for (const name in variables) {
    if (!text.includes(name)) continue;
    const value = variables[name];
    const place = PLACES[name];
    if (Array.isArray(value))
      made[name] = value.flatMap((one: unknown) =>
        one instanceof Node ? libraryNode(one.value, one.shape.name) : [one],
      );
    else made[name] = place === undefined ? value : libraryNode(value, place);
  }
  return made;
}

function libraryNode(value: unknown, type: string): unknown[] {
  const known = selves.get(type);
  const run =
    known ??
    openEngine().compile({ base: type, expression: '$this' }, openEngine().r4, {
      async: false,
      resolveInternalTypes: false,
    });
  selves.set(type, run);
  return run(value as object);
}

/** As many as there are types. */
const selves = new Map<string, (value: object) => unknown[]>();

/** fhirpath.js wraps elements, dates and decimals. */
function plain(found: unknown): unknown {
  if (found instanceof Node) return found.value;
  const value = typeof found === 'object' && found !== null && 'data' in found ? found.data : found;
  const own = typeof value === 'object' && value !== null && 'toJSON' in value ? value.toJSON : undefined;
  return typeof own === 'function' ? (own.call(value) as unknown) : value;
}
