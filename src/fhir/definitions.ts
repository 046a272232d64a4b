/**
 * R4's own definitions, in the compact form that `conformance/r4/generate.ts` makes of them, and the project's own
 * SearchParameters and StructureDefinitions beside them. Loaded once at start, checked, frozen. Every table of the
 * server begins here: what is routed, validated, indexed and declared.
 */
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
