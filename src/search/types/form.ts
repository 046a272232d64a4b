/** How the values of a composite's components stand together in one entry, or in what one entry is asked for. */
import { BETWEEN_COMPONENTS } from '../plan.js';
import type { Component } from './type.js';

export interface Form<End> {
  key: string;
  /** The system of the code that comes last. */
  detail: string | undefined;
  /** Of the ranges among the components, in order. */
  ends: readonly { low: End; high: End }[];
  /** The text goes on behind the key. */
  starts: boolean;
}

/** It stands in no FHIR string. (R4 datatypes.html#string) */
const BEHIND_SYSTEM = '\u001f';

export const withSystem = (system: string, code: string): string => `${system}${BEHIND_SYSTEM}${code}`;

/** One of each component, in all ways, up to a number of them. */
export function combinations<End>(components: readonly (readonly Form<End>[])[], most: number): readonly Form<End>[] {
  const [first = [], ...others] = components;
  return others.reduce((combined, forms) => crossed(combined, forms, most), first);
}

/** One of each side, in all ways. */
export function crossed<End>(
  left: readonly Form<End>[],
  right: readonly Form<End>[],
  most: number,
): readonly Form<End>[] {
  const both: Form<End>[] = [];
  for (const one of left) for (const other of right) if (both.length < most) both.push(joined(one, other));
  return both;
}

const joined = <End>(left: Form<End>, right: Form<End>): Form<End> => ({
  key: `${left.key}${BETWEEN_COMPONENTS}${right.key}`,
  detail: right.detail,
  ends: left.ends.length === 0 ? right.ends : right.ends.length === 0 ? left.ends : [...left.ends, ...right.ends],
  starts: right.starts,
});

/**
 * Where the system of a code goes. Into the entry's detail, where the code comes last and the entry is a text; in front
 * of the code elsewhere, in an entry beside the one without system; nowhere for what has no system, as a linkId.
 */
export type Systems = 'detail' | 'before' | 'none';

export function systemsOf(components: readonly Component[]): Systems[] {
  const isText = !components.some(({ facts }) => RANGES.has(facts.type));
  return components.map(({ facts, searchType }, at) => {
    if (facts.type !== 'token' || !(searchType.mayHaveSystem?.(facts.elements) ?? false)) return 'none';
    return isText && at === components.length - 1 ? 'detail' : 'before';
  });
}

const RANGES: ReadonlySet<string> = new Set(['date', 'number', 'quantity']);
