/** Which search parameters are served: found in the definitions, compiled when a type is first asked for. */
import type { Definitions, SearchParameterDefinition } from '../fhir/definitions.js';
import type { ResourceType } from '../fhir/types.js';
import { compileExpression } from './expression/index.js';
import type { Step } from './expression/walk.js';
import { searchTypeOf } from './types/index.js';
import type { ParameterFacts, Reader, SearchType } from './types/type.js';

export interface Parameter extends ParameterFacts {
  /** The canonical of its SearchParameter. */
  url: string;
  searchType: SearchType;
  /** Where its values stand in a resource; none for `_id` and `_lastUpdated`, which the store knows. */
  paths: readonly Path[];
}

/** A way to an element, and how it becomes entries. */
export interface Path {
  steps: readonly Step[];
  read: Reader;
  /** The system that a required binding implies for a code, or ''. */
  implied: (code: string) => string;
}

export interface SearchRegistry {
  /** Undefined for what does not exist or is not served. */
  get(type: ResourceType, code: string): Parameter | undefined;
  /** The served parameters of a type, by code. */
  list(type: ResourceType): readonly Parameter[];
  /** What the definitions say, served or not. */
  defined(type: ResourceType, code: string): SearchParameterDefinition | undefined;
  /** All types that have an endpoint. */
  resourceTypes: readonly ResourceType[];
}

export function createRegistry(definitions: Definitions): SearchRegistry {
  const types = new Map<ResourceType, Served>();
  const systems = createImpliedSystems(definitions);

  const parametersOf = (type: ResourceType): Served => {
    const known = types.get(type);
    if (known !== undefined) return known;
    const list = [...definitions.searchParameters(type).values()].flatMap((one) => parameterOf(type, one) ?? []);
    const served = { list, byCode: new Map(list.map((one) => [one.code, one])) };
    types.set(type, served);
    return served;
  };

  const parameterOf = (type: ResourceType, definition: SearchParameterDefinition): Parameter | undefined => {
    const { code, url, expression, targets = definitions.resourceTypes } = definition;
    const searchType = searchTypeOf(definition.type);
    if (searchType === undefined || expression === undefined) return undefined;
    const facts = { code, url, type: definition.type, targets, searchType };
    if (STORED.has(code)) return { ...facts, paths: [] };
    const paths = compileExpression(definitions, type, expression).flatMap(({ steps, type, requiredValueSet }) => {
      const read = searchType.readers[type];
      return read === undefined ? [] : [{ steps, read, implied: systems(requiredValueSet) }];
    });
    // What ends in nothing that can be indexed, as Bundle?composition in a whole resource, would never find anything.
    return paths.length === 0 ? undefined : { ...facts, paths };
  };

  return {
    get: (type, code) => parametersOf(type).byCode.get(code),
    list: (type) => parametersOf(type).list,
    defined: (type, code) => definitions.searchParameters(type).get(code),
    resourceTypes: definitions.resourceTypes,
  };
}

interface Served {
  list: readonly Parameter[];
  byCode: ReadonlyMap<string, Parameter>;
}

/** The store answers these from its own columns. */
const STORED: ReadonlySet<string> = new Set(['_id', '_lastUpdated']);

/** Code -> system, for each value set; '' where the code is in none or in more than one of its systems. */
function createImpliedSystems(definitions: Definitions): (valueSet: string | undefined) => (code: string) => string {
  const tables = new Map<string, (code: string) => string>();
  return (valueSet) => {
    if (valueSet === undefined) return () => '';
    let lookUp = tables.get(valueSet);
    if (lookUp === undefined) {
      const table = new Map<string, string>();
      for (const [system, codes] of definitions.valueSet(valueSet)?.systems ?? []) {
        for (const code of codes) table.set(code, table.has(code) ? '' : system);
      }
      lookUp = (code) => table.get(code) ?? '';
      tables.set(valueSet, lookUp);
    }
    return lookUp;
  };
}

/** The parameter that all these types have in common: the same code, from the same definition. (R4 search.html#all) */
export function parameterOf(
  registry: SearchRegistry,
  types: readonly ResourceType[],
  code: string,
): Parameter | undefined {
  const [first = '', ...others] = types;
  const parameter = registry.get(first, code);
  const common = others.every((type) => registry.get(type, code)?.url === parameter?.url);
  return common ? parameter : undefined;
}

/** The codes of the parameters that all these types have in common. */
export function namesOf(registry: SearchRegistry, types: readonly ResourceType[]): string[] {
  const [first = ''] = types;
  const codes = registry.list(first).map(({ code }) => code);
  return codes.filter((code) => parameterOf(registry, types, code) !== undefined);
}
