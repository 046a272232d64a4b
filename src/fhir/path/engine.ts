/** fhirpath.js itself. It is loaded when first asked for, because that takes a fifth of a second; in turns, if one can. */
import { createRequire } from 'node:module';
import { Turns } from '../../kit/turns.js';
import { PathError } from './error.js';

/** A node of the tree that fhirpath.js parses an expression to. */
export interface Syntax {
  type: string;
  text?: string;
  children?: Syntax[];
}

/** The part of the package that is used. */
interface Engine {
  parse: (text: string) => unknown;
  compile: (
    path: string | { base: string; expression: string },
    model: unknown,
    options: Record<string, unknown>,
  ) => (focus: object, variables?: Record<string, unknown>) => unknown[];
  r4: unknown;
}

let engine: Engine | undefined;

export function openEngine(): Engine {
  if (engine !== undefined) return engine;
  const { parse, compile } = createRequire(import.meta.url)('fhirpath') as Engine;
  engine = { parse, compile, r4: createRequire(import.meta.url)('fhirpath/fhir-context/r4') };
  return engine;
}

/** Its larger files, each of which takes a part of that time; those that it loads besides take the rest. */
const PIECES = [
  './parser/antlr4-index',
  './parser/generated/FHIRPathLexer',
  './parser/generated/FHIRPathParser',
  '@lhncbc/ucum-lhc',
  './types',
  '../fhir-context/r4/path2Type.json',
  '../fhir-context/r4',
  './fhirpath',
] as const;

let opening: Promise<void> | undefined;

/** Others have their turns between. */
export const openEngineInTurns = (): Promise<void> => (opening ??= open());

async function open(): Promise<void> {
  const turns = new Turns();
  const load = createRequire(createRequire(import.meta.url).resolve('fhirpath'));
  for (const piece of PIECES) {
    load(piece);
    await turns.next();
  }
  openEngine();
}

export const isEngineOpen = (): boolean => engine !== undefined;

/** As fhirpath.js reads it, whatever functions it calls; who uses this bounds it. Throws what the parser throws. */
export function parsePath(text: string): Syntax {
  try {
    return openEngine().parse(text) as Syntax;
  } catch (error) {
    if (error instanceof RangeError) throw new PathError('costly', 'it goes too deep');
    const message = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
    throw new PathError('syntax', message.slice(0, 200));
  }
}
