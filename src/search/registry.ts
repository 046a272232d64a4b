/** Which search parameters are served: found in the definitions, compiled when a type is first asked for. */
import type { Definitions, SearchParameterDefinition } from '../fhir/definitions.js';
import type { ResourceType } from '../fhir/types.js';
import { compileExpression, compileWithin } from './expression/index.js';
import type { Leaf } from './expression/types.js';
import type { Step } from './expression/walk.js';
import { searchTypeOf } from './types/index.js';
import { compositesReader, type ComponentPaths, type CompositeElement, type ReadComposites } from './types/together.js';
import type { Component, ParameterFacts, Path, SearchType } from './types/type.js';

export interface Parameter extends ParameterFacts {
  /** The canonical of its SearchParameter. */
  url: string;
  searchType: SearchType;
  /** Where its values stand in a resource; none for `_id` and `_lastUpdated`, which the store knows, and for composites. */
  paths: readonly Path[];
  /** Of a composite: the elements that its values stand in. */
  within?: readonly CompositeElement[];
}

export interface SearchRegistry {
  /** Undefined for what does not exist or is not served. */
  get(type: ResourceType, code: string): Parameter | undefined;
  /** The served parameters of a type, by code. */
  list(type: ResourceType): readonly Parameter[];
  /** Reads the served composites of a type; undefined where it has none. */
  composites(type: ResourceType): ReadComposites | undefined;
  /** What the definitions say, served or not. */
  defined(type: ResourceType, code: string): SearchParameterDefinition | undefined;
  /** All types that have an endpoint. */
  resourceTypes: readonly ResourceType[];
  definitions: Definitions;
}

export function createRegistry(definitions: Definitions): SearchRegistry {
  const types = new Map<ResourceType, Served>();
  const systems = createImpliedSystems(definitions);

  /** The same expression gives the same steps, so that composites of one element are known as such. */
  const expressions = new Map<string, Leaf[]>();
  const compiled = (type: ResourceType, expression: string): Leaf[] => {
    const key = `${type} ${expression}`;
    const leaves = expressions.get(key) ?? compileExpression(definitions, type, expression);
    expressions.set(key, leaves);
    return leaves;
  };

  const parametersOf = (type: ResourceType): Served => {
    const known = types.get(type);
    if (known !== undefined) return known;
    const list = [...definitions.searchParameters(type).values()].flatMap((one) => parameterOf(type, one) ?? []);
    const composites = list.flatMap(({ code, components, within: elements }) =>
      components === undefined || elements === undefined ? [] : [{ code, components, elements }],
    );
    const served = {
      list,
      byCode: new Map(list.map((one) => [one.code, one])),
      composites: composites.length === 0 ? undefined : compositesReader(composites),
    };
    types.set(type, served);
    return served;
  };

  const parameterOf = (type: ResourceType, definition: SearchParameterDefinition): Parameter | undefined => {
    const { code, url, expression, targets = definitions.resourceTypes } = definition;
    const searchType = searchTypeOf(definition.type);
    if (searchType === undefined || expression === undefined || MISLEADING.has(code)) return undefined;
    const facts = { code, url, type: definition.type, targets, searchType, elements: [] };
    if (STORED.has(code)) return { ...facts, paths: [] };
    const leaves = compiled(type, expression);
    if (definition.type === 'composite') return compositeOf(type, definition, facts, leaves);
    const paths = pathsTo(searchType, leaves);
    const elements = [...new Set(leaves.map((leaf) => leaf.type))];
    // What ends in nothing that can be indexed, as Bundle?composition in a whole resource, would never find anything.
    return paths.length === 0 ? undefined : { ...facts, paths, elements };
  };

  const pathsTo = (searchType: SearchType, leaves: readonly Leaf[]): Path[] =>
    leaves.flatMap(({ steps, type, requiredValueSet }) => {
      const read = searchType.readers[type];
      return read === undefined ? [] : [{ steps, read, implied: systems(requiredValueSet) }];
    });

  /** A composite reads the elements that its expression leads to, once for each type that they have. */
  const compositeOf = (
    type: ResourceType,
    { components = [] }: SearchParameterDefinition,
    facts: Omit<Parameter, 'paths'>,
    leaves: readonly Leaf[],
  ): Parameter | undefined => {
    const known = components.flatMap(({ definition }) => {
      const found = [...definitions.searchParameters(type).values()].find(({ url }) => url === definition);
      const searchType = found && searchTypeOf(found.type);
      if (found === undefined || searchType === undefined) return [];
      const { code, type: kind, targets = definitions.resourceTypes } = found;
      return [{ facts: { code, type: kind, targets, elements: [] }, searchType }];
    });
    const made = leaves.flatMap((leaf) => {
      const parts = components.flatMap(({ expression }, at) => partOf(type, leaf, expression, known, at) ?? []);
      return parts.length < components.length ? [] : [{ leaf, parts }];
    });
    const [first] = made;
    if (first === undefined) return undefined;
    return {
      ...facts,
      paths: [],
      within: made.map(({ leaf: { steps }, parts }) => ({
        at: [type, ...steps.filter(isName)].join('.'),
        steps,
        parts,
      })),
      components: first.parts.map(({ component }, at) => ({
        ...component,
        facts: { ...component.facts, elements: made.flatMap(({ parts }) => parts[at]?.elements ?? []) },
      })),
    };
  };

  /** In one place R4 names the components in another order than their expressions, so any that reads these will do. */
  const partOf = (
    type: ResourceType,
    leaf: Leaf,
    expression: string,
    known: readonly Component[],
    at: number,
  ): Part | undefined => {
    const atResource = expression.startsWith(AT_RESOURCE);
    const ends = atResource
      ? compileExpression(definitions, type, `${type}.${expression.slice(AT_RESOURCE.length)}`)
      : compileWithin(definitions, leaf, expression.replace('DateTime', 'dateTime'));
    for (const component of [...known.slice(at), ...known.slice(0, at)]) {
      const paths = pathsTo(component.searchType, ends);
      if (paths.length > 0) return { component, atResource, paths, elements: ends.map((end) => end.type) };
    }
    return undefined;
  };

  return {
    get: (type, code) => parametersOf(type).byCode.get(code),
    list: (type) => parametersOf(type).list,
    composites: (type) => parametersOf(type).composites,
    defined: (type, code) => definitions.searchParameters(type).get(code),
    resourceTypes: definitions.resourceTypes,
    definitions,
  };
}

interface Served {
  list: readonly Parameter[];
  byCode: ReadonlyMap<string, Parameter>;
  composites: ReadComposites | undefined;
}

interface Part extends ComponentPaths {
  component: Component;
  /** The FHIR types of its values. */
  elements: readonly string[];
}

/** What R4 writes for the resource itself, and `DateTime` above, which it misspells once, for the data type. */
const AT_RESOURCE = '%resource.';

/** R4 means by this that names sound alike; compared as text it would miss them without a word. */
const MISLEADING: ReadonlySet<string> = new Set(['phonetic']);

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

const isName = (step: Step): step is string => typeof step === 'string';
