/** How much one run of an expression may do. */
import { limits } from '../../kit/limits.js';
import type { Syntax } from './engine.js';
import { PathError } from './error.js';

/** How many steps are left. */
export interface PathWork {
  left: number;
}

/**
 * Counts what a run touches: elements, and the characters of strings that it makes. What compares each with each is
 * counted before it begins, as far as the engine tells then: a union is told of only afterwards, so where there is one,
 * no collection may be long.
 */
export function createMeter(hasUnion: boolean) {
  let work: PathWork = { left: 0 };
  const spend = (steps: number): void => {
    work.left -= steps;
    if (work.left < 0) throw new PathError('costly', 'it takes too many steps on these values');
  };
  return {
    spend,
    begin: (next: PathWork) => {
      work = next;
      spend(1);
    },
    step: (_: unknown, focus: unknown, result: unknown, { type }: Syntax) => {
      const size = sizeOf(result);
      spend(1 + size);
      if (hasUnion && size > limits.pathUnion) throw new PathError('costly', 'it joins long collections');
      if (type === 'UnionExpression') spend((size * size) / COMPARISONS_A_STEP);
      else if (type === 'Functn' && Array.isArray(result) && QUADRATIC.has(String(result[0]))) {
        spend(sizeOf(focus) ** 2 / COMPARISONS_A_STEP);
      }
    },
  };
}

const QUADRATIC = new Set(['distinct', 'isDistinct', 'union', 'intersect', 'exclude', 'subsetOf', 'supersetOf']);
const COMPARISONS_A_STEP = 16;

function sizeOf(collection: unknown): number {
  if (!Array.isArray(collection)) return 0;
  const [first] = collection as unknown[];
  return collection.length + (typeof first === 'string' ? first.length / CHARACTERS_A_STEP : 0);
}

const CHARACTERS_A_STEP = 32;
