/** A search as it was understood: what `parse` makes of a query's text, and what `lower` turns into a plan. */
import type { Issue } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import type { Order, Test } from './plan.js';

export interface Search {
  /** The types that are searched, narrowed by `_type`. */
  types: readonly ResourceType[];
  /** All of them must hold. */
  conditions: Condition[];
  sort: Order[];
  /** Resources on a page; 0 asks for the total alone. (R4 search.html#count) */
  count: number;
  includes: Include[];
  revincludes: Include[];
  /** Undefined when the client does not say. */
  total: Total | undefined;
  /** The opaque text of `_cursor`; whoever sealed it opens it. */
  cursor: string | undefined;
  /** The query without `_cursor`, `_format` and `_pretty`, and without what was dropped: what the self link says. */
  applied: string;
  /** Warnings about the parameters that lenient handling left out. */
  dropped: Issue[];
}

export type Condition =
  | { kind: 'id'; ids: string[]; negated: boolean }
  | { kind: 'missing'; param: string; missing: boolean }
  /** Some entry meets one of the tests; negated: none does, which holds for resources without any entry too. */
  | { kind: 'tests'; param: string; tests: Test[]; negated: boolean };

/** `_include=source:param[:target]`, or `_revinclude` with the same parts. */
export interface Include {
  source: ResourceType;
  param: string;
  /** The types that are followed: the one that is named, or all that the parameter may point at. */
  targets: readonly ResourceType[];
  /** Followed again from what was included. */
  iterate: boolean;
}

export type Total = 'none' | 'estimate' | 'accurate';
