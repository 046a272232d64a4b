/** The codes of a ValueSet, where all of them are known: system -> codes, or undefined where they are not. */
import type { CodeSystem, CodeSystemConcept, ValueSet, ValueSetComposeInclude } from 'fhir/r4.js';

export type Codes = Record<string, string[]>;

export interface Terminology {
  valueSets: Map<string, ValueSet>;
  codeSystems: Map<string, CodeSystem>;
}

export function codesOf(canonical: string, terminology: Terminology): Codes | undefined {
  const set = setOf(canonical, terminology, []);
  if (!set) return undefined;
  return Object.fromEntries([...set].map(([system, codes]) => [system, [...codes]]));
}

type Sets = Map<string, Set<string>>;

function setOf(canonical: string, terminology: Terminology, path: string[]): Sets | undefined {
  const url = canonical.split('|')[0] ?? canonical;
  const compose = terminology.valueSets.get(url)?.compose;
  if (!compose || path.includes(url)) return undefined;
  const result: Sets = new Map();
  for (const include of compose.include) {
    const part = partOf(include, terminology, [...path, url]);
    if (!part) return undefined;
    for (const [system, codes] of part) {
      result.set(system, new Set([...(result.get(system) ?? []), ...codes]));
    }
  }
  for (const exclude of compose.exclude ?? []) {
    const part = partOf(exclude, terminology, [...path, url]);
    if (!part) return undefined;
    for (const [system, codes] of part) for (const code of codes) result.get(system)?.delete(code);
  }
  return result;
}

/** All conditions of one include hold together: its system's codes, cut by filters, and being in each value set. */
function partOf(include: ValueSetComposeInclude, terminology: Terminology, path: string[]): Sets | undefined {
  const parts: (Sets | undefined)[] = (include.valueSet ?? []).map((url) => setOf(url, terminology, path));
  if (include.system !== undefined) parts.push(systemPart(include.system, include, terminology));
  if (parts.length === 0) return undefined;
  return parts.reduce((left, right) => {
    if (!left || !right) return undefined;
    return new Map(
      [...left].map(([system, codes]) => [system, new Set([...codes].filter((code) => right.get(system)?.has(code)))]),
    );
  });
}

function systemPart(system: string, include: ValueSetComposeInclude, terminology: Terminology): Sets | undefined {
  if (include.concept) return new Map([[system, new Set(include.concept.map(({ code }) => code))]]);
  const codeSystem = terminology.codeSystems.get(system);
  if (codeSystem?.content !== 'complete') return undefined;
  const ancestors = ancestorsOf(codeSystem.concept ?? []);
  const codes = [...ancestors.keys()];
  const chosen = (include.filter ?? []).reduce<string[] | undefined>((left, { property, op, value }) => {
    if (property !== 'concept' || !['is-a', 'descendent-of', 'is-not-a'].includes(op)) return undefined;
    return left?.filter((code) => {
      const below = ancestors.get(code)?.has(value) ?? false;
      if (op === 'descendent-of') return below;
      return (below || code === value) === (op === 'is-a');
    });
  }, codes);
  return chosen && new Map([[system, new Set(chosen.filter((code) => !isAbstract(codeSystem, code)))]]);
}

function ancestorsOf(concepts: CodeSystemConcept[]): Map<string, Set<string>> {
  const result = new Map<string, Set<string>>();
  const visit = (concept: CodeSystemConcept, above: string[]): void => {
    // v3 tables name further parents in the property subsumedBy; the nesting alone is a tree.
    const also = (concept.property ?? []).filter(({ code }) => code === 'subsumedBy').map(({ valueCode }) => valueCode);
    const parents = [...above, ...also.filter((code) => code !== undefined)];
    result.set(concept.code, new Set([...(result.get(concept.code) ?? []), ...parents]));
    for (const child of concept.concept ?? []) visit(child, [...above, concept.code]);
  };
  for (const concept of concepts) visit(concept, []);
  for (let round = 0, grew = true; grew && round < 20; round += 1) {
    grew = false;
    for (const [code, above] of result) {
      const further = [...above].flatMap((parent) => [...(result.get(parent) ?? [])]);
      if (further.every((parent) => above.has(parent))) continue;
      result.set(code, new Set([...above, ...further]));
      grew = true;
    }
  }
  return result;
}

/** Concepts that only group others cannot be used (R4 codesystem-concept-properties.html#notSelectable). */
function isAbstract(codeSystem: CodeSystem, code: string): boolean {
  const find = (concepts: CodeSystemConcept[]): CodeSystemConcept | undefined => {
    for (const concept of concepts) {
      const found = concept.code === code ? concept : find(concept.concept ?? []);
      if (found) return found;
    }
    return undefined;
  };
  return (find(codeSystem.concept ?? [])?.property ?? []).some(
    (property) => property.code === 'notSelectable' && property.valueBoolean === true,
  );
}
