/** fhirpath.js itself. It is loaded when first asked for, because that takes a fifth of a second. */
import { createRequire } from 'node:module';
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
