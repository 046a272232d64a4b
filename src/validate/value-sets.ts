/**
 * The codes of a value set that can be enumerated here: listed one by one, or all of a code system that is stored
 * completely. What needs filters, or a terminology that is not here, is said to be unknown, and never guessed.
 */
import type { Element, Resource } from '../fhir/types.js';
import { limits } from '../kit/limits.js';

/** Plain data, so that it can go to another thread. */
export type Enumerated = Listed | { why: string };

export interface Listed {
  /** `system|code` */
  codes: ReadonlySet<string>;
}

export const hasCode = ({ codes }: Listed, system: string | undefined, code: string): boolean =>
  system !== undefined && codes.has(key(system, code));

/** @param systems system -> its codes */
export const listedOf = (systems: ReadonlyMap<string, ReadonlySet<string>>): Listed => ({
  codes: new Set([...systems].flatMap(([system, codes]) => [...codes].map((code) => key(system, code)))),
});

/** A definition by its canonical. */
export type Resolve = (type: 'ValueSet' | 'CodeSystem', canonical: string) => Promise<Resource | undefined>;

interface Include extends Element {
  system?: string;
  version?: string;
  concept?: Concept[];
  filter?: unknown[];
  valueSet?: string[];
}

interface Concept extends Element {
  system?: string;
  code?: string;
  abstract?: boolean;
  concept?: Concept[];
  contains?: Concept[];
}

interface ValueSet extends Resource {
  compose?: { include?: Include[]; exclude?: Include[] };
  expansion?: { total?: number; offset?: number; contains?: Concept[] };
}

export async function enumerate(valueSet: Resource, resolve: Resolve): Promise<Enumerated> {
  try {
    return { codes: await codesOf(valueSet, resolve, 0) };
  } catch (error) {
    if (error instanceof Unknown) return { why: error.message };
    throw error;
  }
}

/** Why the codes are not known, as the end of a sentence. */
class Unknown extends Error {}

const key = (system: string, code: string): string => `${system}|${code}`;

async function codesOf({ compose, expansion }: ValueSet, resolve: Resolve, depth: number): Promise<Set<string>> {
  if (depth > limits.valueSetDepth) throw new Unknown(`its value sets include each other more than ${depth - 1} deep`);
  if (compose === undefined) return expanded(expansion);
  try {
    const codes = new Set<string>();
    for (const include of compose.include ?? []) {
      for (const code of await included(include, resolve, depth)) codes.add(code);
      if (codes.size > limits.valueSetCodes) throw new Unknown(`it has more than ${limits.valueSetCodes} codes`);
    }
    for (const exclude of compose.exclude ?? []) {
      for (const code of await included(exclude, resolve, depth)) codes.delete(code);
    }
    return codes;
  } catch (error) {
    if (error instanceof Unknown && expansion !== undefined) return expanded(expansion);
    throw error;
  }
}

/** All of several parts of one `include` must hold (R4 valueset.html#compositions). */
async function included(include: Include, resolve: Resolve, depth: number): Promise<Set<string>> {
  const { system, concept, filter, valueSet = [] } = include;
  if (filter !== undefined && filter.length > 0) throw new Unknown('it has filters, which are not evaluated here');
  const sets: Set<string>[] = [];
  if (system !== undefined) {
    const version = include.version === undefined ? '' : `|${include.version}`;
    const listed = concept?.flatMap(({ code }) => (code === undefined ? [] : [key(system, code)]));
    sets.push(new Set(listed ?? (await all(system, version, resolve))));
  }
  for (const canonical of valueSet) {
    const other = await resolve('ValueSet', canonical);
    if (other === undefined) throw new Unknown(`it includes ${canonical.slice(0, 120)}, which is not stored here`);
    sets.push(await codesOf(other, resolve, depth + 1));
  }
  const [first = new Set<string>(), ...others] = sets;
  return others.length === 0 ? first : new Set([...first].filter((code) => others.every((set) => set.has(code))));
}

async function all(system: string, version: string, resolve: Resolve): Promise<string[]> {
  const codeSystem = await resolve('CodeSystem', `${system}${version}`);
  if (codeSystem === undefined) throw new Unknown(`the code system ${system.slice(0, 120)} is not stored here`);
  if (codeSystem.content !== 'complete') {
    throw new Unknown(`the code system ${system.slice(0, 120)} is stored here only in part`);
  }
  return gathered((codeSystem.concept ?? []) as Concept[], 'concept').flatMap(({ code }) =>
    code === undefined ? [] : [key(system, code)],
  );
}

function expanded(expansion: ValueSet['expansion']): Set<string> {
  if (expansion === undefined) throw new Unknown('it lists no codes');
  const found = gathered(expansion.contains ?? [], 'contains');
  if ((expansion.offset ?? 0) > 0 || (expansion.total ?? 0) > found.length) {
    throw new Unknown('its expansion is stored here only in part');
  }
  return new Set(
    found.flatMap(({ system, code, abstract }) =>
      system === undefined || code === undefined || abstract === true ? [] : [key(system, code)],
    ),
  );
}

function gathered(concepts: readonly Concept[], below: 'concept' | 'contains'): Concept[] {
  const found: Concept[] = [];
  const open = [...concepts].reverse();
  for (let concept = open.pop(); concept !== undefined; concept = open.pop()) {
    found.push(concept);
    if (found.length > limits.valueSetCodes) throw new Unknown(`it has more than ${limits.valueSetCodes} codes`);
    open.push(...(concept[below] ?? []));
  }
  return found;
}
