/**
 * R4's own definitions, in the compact form that `conformance/r4/generate.ts` makes of them, and the project's own
 * SearchParameters and StructureDefinitions beside them. Loaded once at start, checked, frozen. Every table of the
 * server begins here: what is routed, validated, indexed and declared.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { assert } from '../kit/assert.js';
import { expressionFor } from './expressions.js';
import { typesOf, type WrittenType } from './r4.js';
import type { ResourceType } from './types.js';

export interface Definitions {
  /** All data types and resource types by name; primitive types too. */
  types: ReadonlyMap<string, TypeDefinition>;
  /** The concrete resource types that have an endpoint, in alphabetical order (all but Parameters). */
  resourceTypes: readonly ResourceType[];
  /** The search parameters of a type, those of Resource and DomainResource included; by code. */
  searchParameters(type: ResourceType): ReadonlyMap<string, SearchParameterDefinition>;
  /** By the code of the compartment (Patient …): resource type -> codes of the reference parameters that make a member. */
  compartments: ReadonlyMap<string, ReadonlyMap<ResourceType, readonly string[]>>;
  /** The operations that R4 defines. */
  operations: readonly OperationSummary[];
  /** The codes of a value set that a required binding names; undefined where they cannot be enumerated. */
  valueSet(canonical: string): ValueSetCodes | undefined;
  /** The rules of a type or element, by its path; those of its base type stand there. */
  invariants: ReadonlyMap<string, readonly Invariant[]>;
  /** The extensions that R4 defines, by url. */
  extensions: ReadonlyMap<string, ExtensionDefinition>;
}

/** One rule (R4 conformance-rules.html#constraints). */
export interface Invariant {
  key: string;
  severity?: 'error' | 'warning';
  human: string;
  /** FHIRPath that is true of what keeps the rule. */
  expression: string;
}

export interface ExtensionDefinition {
  /** Paths of the elements that it may stand on; `Element` is any. */
  on: readonly string[];
  modifier?: true;
  /** Of its value; undefined where it has extensions of its own. */
  types?: readonly string[];
  /** FHIRPath of what must hold of the element that it stands on; `%extension` is the extension itself. */
  when?: readonly string[];
}

export interface TypeDefinition {
  name: string;
  kind: 'resource' | 'complex-type' | 'primitive-type';
  abstract: boolean;
  base?: string;
  url: string;
  /** The children of the type itself, inherited ones included, by name; a choice without its `[x]`. */
  elements: Readonly<Record<string, ElementDefinition>>;
}

export interface ElementDefinition {
  min: number;
  /** Infinity for `*`. */
  max: number;
  /** True for `value[x]`: the JSON name is the element's name with the type's, as in `valueQuantity`. */
  choice?: boolean;
  types: readonly TypeReference[];
  /** The path of the element whose children are also this one's, as in `Questionnaire.item`. */
  contentReference?: string;
  /** The children of a BackboneElement or Element that is defined in place. */
  elements?: Readonly<Record<string, ElementDefinition>>;
  /** A required binding: the canonical of its ValueSet, without version. */
  requiredValueSet?: string;
  summary?: boolean;
  modifier?: boolean;
}

export interface TypeReference {
  /** A data type's name; `Resource` for a contained one. */
  code: string;
  /** The resource types a Reference or canonical may point at; undefined: any. */
  targets?: readonly string[];
}

export type SearchParamType =
  'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';

export interface SearchParameterDefinition {
  url: string;
  code: string;
  type: SearchParamType;
  /** The FHIRPath expression, cut down to the part that is about this type; undefined for what has none. */
  expression?: string;
  /** The types that a reference may point at. */
  targets?: readonly ResourceType[];
  components?: readonly { definition: string; expression: string }[];
}

export interface OperationSummary {
  url: string;
  code: string;
  system: boolean;
  type: boolean;
  instance: boolean;
  resources: readonly string[];
  affectsState: boolean;
}

export interface ValueSetCodes {
  /** System -> its codes in the set. */
  systems: ReadonlyMap<string, ReadonlySet<string>>;
  /** Every code of every system: what an element of type code is checked against. */
  codes: ReadonlySet<string>;
}

/** From `src/` and from `dist/` alike. */
const generated = new URL('../../conformance/r4/', import.meta.url);

let loaded: Definitions | undefined;

/** R4's definitions and the project's own SearchParameters: one for all of a process, as they are frozen. */
export function loadDefinitions(): Definitions {
  return (loaded ??= readDefinitions(generated));
}

/** @param folder that of the generated files, ending in a slash; the SearchParameters stand in the one above it */
function readDefinitions(folder: URL): Definitions {
  const types = typesOf(read(new URL('elements.json', folder)) as Record<string, WrittenType>);
  const concrete = [...types.values()].filter((type) => type.kind === 'resource' && !type.abstract);
  const resourceTypes = concrete.map(({ name }) => name).filter((name) => name !== 'Parameters');
  const parameters = byBase([
    ...Object.entries(read(new URL('search-parameters.json', folder)) as Record<string, WrittenParameter>).map(
      ([url, parameter]) => ({ ...parameter, url }),
    ),
    ...ownParameters(new URL('../', folder)),
  ]);
  const valueSets = valueSetsOf(read(new URL('value-sets.json', folder)) as Record<string, Record<string, string[]>>);
  const byType = new Map<ResourceType, ReadonlyMap<string, SearchParameterDefinition>>();
  return Object.freeze({
    types,
    resourceTypes: Object.freeze(resourceTypes.sort()),
    searchParameters: (type: ResourceType) => {
      const known = byType.get(type);
      if (known) return known;
      const found = parametersOf(lineage(type, types), parameters, resourceTypes);
      byType.set(type, found);
      return found;
    },
    compartments: compartmentsOf(
      read(new URL('compartments.json', folder)) as Record<string, Record<ResourceType, string[]>>,
    ),
    operations: operationsOf(read(new URL('operations.json', folder)) as Record<string, Omit<OperationSummary, 'url'>>),
    invariants: new Map(Object.entries(read(new URL('invariants.json', folder)) as Record<string, Invariant[]>)),
    extensions: new Map(
      Object.entries(read(new URL('extensions.json', folder)) as Record<string, ExtensionDefinition>),
    ),
    valueSet: (canonical: string) => valueSets.get(canonical.split('|')[0] ?? canonical),
  });
}

/** The files are the project's own and proved by test/definitions.test.ts, so their shape is not checked again here. */
function read(file: URL): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

interface WrittenParameter {
  url: string;
  code: string;
  type: SearchParamType;
  base: string[];
  expression?: string;
  target?: string[];
  component?: { definition: string; expression: string }[];
}

function ownParameters(folder: URL): WrittenParameter[] {
  const files = readdirSync(folder).filter((name) => name.startsWith('SearchParameter-') && name.endsWith('.json'));
  return files.sort().map((name) => {
    const parameter = read(new URL(name, folder)) as WrittenParameter;
    for (const element of ['url', 'code', 'type', 'base'] as const) {
      assert(parameter[element], `conformance/${name} has no ${element}`);
    }
    return parameter;
  });
}

function byBase(parameters: WrittenParameter[]): ReadonlyMap<string, WrittenParameter[]> {
  const result = new Map<string, WrittenParameter[]>();
  for (const parameter of parameters) {
    for (const name of parameter.base) {
      const known = result.get(name);
      if (known) known.push(parameter);
      else result.set(name, [parameter]);
    }
  }
  return result;
}

/** A type and its bases, nearest first. */
function lineage(type: string, types: Definitions['types']): string[] {
  const base = types.get(type)?.base;
  return base === undefined ? [type] : [type, ...lineage(base, types)];
}

function parametersOf(
  names: string[],
  parameters: ReadonlyMap<string, WrittenParameter[]>,
  resourceTypes: ResourceType[],
): ReadonlyMap<string, SearchParameterDefinition> {
  const known = new Set(resourceTypes);
  const own = names.flatMap((name) => parameters.get(name) ?? []);
  const rows = own.map(({ url, code, type, expression, target, component }): [string, SearchParameterDefinition] => {
    const cut = expression === undefined ? undefined : expressionFor(names, expression);
    return [
      code,
      Object.freeze({
        url,
        code,
        type,
        ...(cut === undefined ? {} : { expression: cut }),
        ...(target === undefined ? {} : { targets: target.filter((name) => known.has(name)) }),
        ...(component === undefined ? {} : { components: component }),
      }),
    ];
  });
  return new Map(rows.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function compartmentsOf(written: Record<string, Record<ResourceType, string[]>>): Definitions['compartments'] {
  return new Map(Object.entries(written).map(([code, members]) => [code, new Map(Object.entries(members))]));
}

function operationsOf(written: Record<string, Omit<OperationSummary, 'url'>>): readonly OperationSummary[] {
  return Object.entries(written).map(([url, operation]) => Object.freeze({ url, ...operation }));
}

function valueSetsOf(written: Record<string, Record<string, string[]>>): ReadonlyMap<string, ValueSetCodes> {
  const rows = Object.entries(written).map(([url, systems]): [string, ValueSetCodes] => {
    const sets = Object.entries(systems).map(([system, codes]): [string, Set<string>] => [system, new Set(codes)]);
    return [url, { systems: new Map(sets), codes: new Set(sets.flatMap(([, codes]) => [...codes])) }];
  });
  return new Map(rows);
}
