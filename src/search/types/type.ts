/** What a type of search parameter must know: a row of the table in `index.ts`. */
import type { SearchParamType } from '../../fhir/definitions.js';
import { failure, type FhirError } from '../../fhir/outcome.js';
import type { Resource, ResourceType } from '../../fhir/types.js';
import type { Instant } from '../../kit/clock.js';
import type { Step } from '../expression/walk.js';
import type { Test } from '../plan.js';

export interface SearchType {
  /** How an element becomes entries, by the element's FHIR type. What is not here is not indexed. */
  readers: Readonly<Record<string, Reader>>;
  /** The modifiers that may follow the name of a parameter, beside `:missing`, which all have. */
  modifiers(parameter: ParameterFacts): readonly string[];
  /** Those among the modifiers whose values are entries of their own, under `code:modifier`. */
  asides?: readonly string[];
  /** Whether values of elements of these types have a system beside their code. */
  mayHaveSystem?(elements: readonly string[]): boolean;
  /** One value of the query as tests of which an entry must meet one. Throws a FhirError when it is none. */
  parse(raw: string, asked: Asked): Test[];
}

/** `system` is the one that a required binding implies for this code. */
export type Reader = (value: unknown, into: Sink, implied: (code: string) => string) => void;

/** Takes the search values of one parameter of one resource. */
export interface Sink {
  /** The base URL of this server, so that an absolute reference to it becomes a relative one. */
  readonly base: string;
  /** What the values are of. */
  readonly resource: Resource;
  /** Whether it takes what modifiers find; otherwise nothing need be made ready for `aside`. */
  readonly takesAsides: boolean;
  text(value: string, detail?: string): void;
  range(low: number, high: number, value?: string): void;
  /** A text entry that only this modifier of the parameter finds. */
  aside(modifier: string, value: string, detail?: string): void;
}

/** A way to an element, and how it becomes entries. */
export interface Path {
  steps: readonly Step[];
  read: Reader;
  /** The system that a required binding implies for a code, or ''. */
  implied: (code: string) => string;
}

export interface ParameterFacts {
  code: string;
  type: SearchParamType;
  /** The types that a reference may point at; all of them where the definition does not say. */
  targets: readonly ResourceType[];
  /** The FHIR types of the elements that its values stand in. */
  elements: readonly string[];
  /** What a composite is made of, in the order of its values. */
  components?: readonly Component[];
}

export interface Component {
  facts: ParameterFacts;
  searchType: SearchType;
}

/** All that the meaning of a value depends on beside its text. */
export interface Asked {
  /** Name and modifier, as the client wrote them. */
  key: string;
  modifier?: string;
  parameter: ParameterFacts;
  base: string;
  now: Instant;
}

export function badValue(asked: Asked, raw: string, why: string): FhirError {
  const shown = raw.length > 80 ? `${raw.slice(0, 80)}…` : raw;
  return failure('value', `The value '${shown}' of ${asked.key} ${why}`, `http.${asked.key}`);
}

export const BAD_ESCAPE = 'has a backslash before a character that needs none; write \\\\ for a backslash itself.';
