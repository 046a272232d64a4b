/** A search as it was understood: what `parse` makes of a query's text, and what `lower` turns into a plan. */
import type { Issue } from '../fhir/outcome.js';
import type { Subset } from '../fhir/subset.js';
import type { ResourceType } from '../fhir/types.js';
import type { Order, Plan, Test } from './plan.js';

export interface Search {
  /** The types that are searched, narrowed by `_type`. */
  types: readonly ResourceType[];
  /** `_type` named them, or there is only one: whoever may not search one of them is told so. */
  named: boolean;
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
  /** `_summary` and `_elements`; undefined for whole resources. */
  subset: Subset | undefined;
  /** The query without `_cursor`, `_format` and `_pretty`, and without what was dropped: what the self link says. */
  applied: string;
  /** Warnings about the parameters that lenient handling left out. */
  dropped: Issue[];
}

export type Condition =
  | { kind: 'id'; ids: string[]; negated: boolean }
  /** None of these has an entry, or one of them has. */
  | { kind: 'missing'; params: string[]; missing: boolean }
  /** Some entry meets one of the tests; negated: none does, which holds for resources without any entry too. */
  | { kind: 'tests'; param: string; tests: Test[]; negated: boolean }
  /** A step of a chain: `param` refers to a resource of one of the types for which the rest holds. */
  | { kind: 'points'; param: string; types: ResourceType[]; where: Condition }
  /** `_has`: a resource of the type `by`, for which the rest holds, refers here by its `param`. */
  | { kind: 'pointed'; by: ResourceType; param: string; where: Condition }
  /** What no parameter says: the compartment that is searched. */
  | { kind: 'within'; plan: Plan };

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
