/** What structural validation can find, as the keywords report it; `issues.ts` has the sentences. */
import type { CodeSet } from './bindings.js';

export type Problem =
  | { kind: 'type'; expected: 'object' | 'array'; value: unknown }
  | { kind: 'unknown'; name: string; allowed: string[] }
  | { kind: 'missing'; names: string[] }
  | { kind: 'choices'; element: string; names: string[] }
  | { kind: 'empty'; what: 'array' | 'object' }
  | { kind: 'only-id' }
  | { kind: 'null'; list: boolean }
  | { kind: 'beside'; name: string; says: string }
  | { kind: 'extension'; found: 'both' | 'neither' }
  | { kind: 'format'; type: string; expects: string; value: unknown; digits?: string }
  | { kind: 'code'; valueSet: string; set: CodeSet; value: unknown }
  | { kind: 'resource-type'; value: unknown };

/** A problem and where it is: a JSON pointer into the resource. */
export interface Found {
  at: string;
  problem: Problem;
}
