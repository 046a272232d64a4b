/** Functions of our own in place of those of fhirpath.js that no bound would hold for. */
import { limits } from '../../kit/limits.js';
import { compilePattern, patternSize, type Pattern } from '../../kit/pattern.js';
import { PathError } from './error.js';

/** A function handed in: what stands before it, its arguments; a collection comes back. */
export interface PathFunction {
  /** For each number of arguments that it may have, their types. */
  arity?: Record<number, ('String' | 'Integer' | 'Number' | 'Boolean' | 'Any')[]>;
  run: (input: unknown[], ...args: unknown[]) => unknown[];
}
export type PathFunctions = Readonly<Record<string, PathFunction>>;

/** A step of a pattern takes a quarter of a step of an expression at worst; to read one, about as many as it has characters. */
const PATTERN_STEPS_A_STEP = 4;

/** @param spend is told of what the steps themselves do not show */
export const boundedFunctions = (spend: (steps: number) => void): PathFunctions => {
  const known = new Map<string, Pattern>();

  /** For the run on a text; those of one expression are few, unless it makes them. */
  function patternFor(text: string, source: unknown, flags: unknown): Pattern {
    const key = `${String(flags)} ${String(source)}`;
    let found = known.get(key);
    if (found === undefined) {
      spend(READING + patternSize(String(source)));
      found = pattern(source, flags);
      if (known.size < KEPT) known.set(key, found);
    }
    spend(found.cost(text) / PATTERN_STEPS_A_STEP);
    return found;
  }

  return {
    trace: { arity: { 1: ['String'], 2: ['String', 'Any'] }, run: (input) => input },
    matches: {
      arity: { 1: ['String'], 2: ['String', 'String'] },
      run: (input, source, flags) => ofText(input, (text) => patternFor(text, source, flags).found(text)),
    },
    matchesFull: {
      arity: { 1: ['String'], 2: ['String', 'String'] },
      run: (input, source, flags) => ofText(input, (text) => patternFor(text, source, flags).matches(text)),
    },
    replaceMatches: {
      arity: { 2: ['String', 'String'] },
      run: (input, source, by) =>
        ofText(input, (text) => short(patternFor(text, source, '').replaceAll(text, String(by)))),
    },
    replace: {
      arity: { 2: ['String', 'String'] },
      run: (input, found, by) =>
        ofText(input, (text) => {
          short('', (text.length + 1) * (String(by).length + 1));
          return text.replaceAll(String(found), () => String(by));
        }),
    },
  };
};

const READING = 100;
const KEPT = 32;

/** As FHIRPath has it (N1, 5.2.3), but what was met is known by a set, where the engine compares each with each. */
export const REPEAT = {
  arity: { 1: ['Expr'] },
  internalStructures: true,
  fn(input: unknown[], expression: (item: unknown) => unknown[]): unknown[] {
    const met = new Set<unknown>();
    const found: unknown[] = [];
    for (let open = input; open.length > 0;) {
      const next: unknown[] = [];
      for (const item of open.flatMap((one) => expression(one))) {
        const value = typeof item === 'object' && item !== null && 'data' in item ? item.data : item;
        const known = typeof value === 'object' && value !== null && 'asStr' in value ? value.asStr : value;
        if (met.has(known)) continue;
        met.add(known);
        next.push(item);
      }
      found.push(...next);
      open = next;
    }
    return found;
  },
};

function ofText(input: unknown[], run: (text: string) => unknown): unknown[] {
  const [text, second] = input;
  if (text === undefined) return [];
  if (second !== undefined || typeof text !== 'string') throw new PathError('failed', 'a single string was expected');
  return [run(text)];
}

function pattern(source: unknown, flags: unknown): Pattern {
  try {
    return compilePattern(String(source), typeof flags === 'string' ? flags : '');
  } catch (error) {
    throw new PathError('refused', `the pattern ${error instanceof Error ? error.message : ''}`);
  }
}

function short(text: string, length = text.length): string {
  if (length > limits.pathTextCharacters) {
    throw new PathError('costly', `it makes a text of more than ${limits.pathTextCharacters} characters`);
  }
  return text;
}
