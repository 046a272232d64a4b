/**
 * Reads a query's text as a Search. Whatever is not understood is refused, all of it at once and by name; lenient
 * handling leaves out what is unknown or not yet served, with a warning, but never what is wrong in itself. What was
 * left out is not in the self link. (R4 search.html#errors, http.html#prefer)
 */
import { FhirError, failure, type Issue, type Kind } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import type { Instant } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { Condition, Search } from './ast.js';
import { conditionOf } from './condition.js';
import { controls, isControl } from './control.js';
import { shown } from './names.js';
import type { SearchRegistry } from './registry.js';
import type { Test } from './plan.js';
import { parseQuery, printParameter, type QueryParameter } from './url.js';

export interface SearchOptions {
  /** `Prefer: handling=lenient`. */
  lenient: boolean;
  /** This server's base URL, without a slash at its end. */
  base: string;
  /** What `ap` measures from. */
  now: Instant;
}

/** @param types the one type of a type-level search, or all that a system-level search may find */
export function parseSearch(
  query: string,
  types: readonly ResourceType[],
  registry: SearchRegistry,
  options: SearchOptions,
): Search {
  const search: Search = {
    types,
    named: types.length === 1,
    conditions: [],
    sort: [],
    count: limits.pageSizeDefault,
    includes: [],
    revincludes: [],
    total: undefined,
    cursor: undefined,
    subset: undefined,
    applied: '',
    dropped: [],
  };
  const refused: { kind: Kind; issues: Issue[] }[] = [];
  const applied = new Map<QueryParameter, string>();
  const parameters = parseQuery(query);
  refuseRepeated(parameters);

  // What may be asked depends on the types, so `_type` is read before all others.
  for (const parameter of [...parameters.filter(isType), ...parameters.filter((one) => !isType(one))]) {
    try {
      apply(parameter, search, registry, options);
      applied.set(parameter, printParameter(parameter));
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      const droppable = options.lenient && error.kind === 'not-supported';
      if (droppable) search.dropped.push(...error.issues.map(warning));
      else refused.push(error);
    }
  }
  const [first] = refused;
  if (first !== undefined) {
    const issues = refused.flatMap((one) => one.issues).slice(0, limits.issues);
    throw new FhirError(first.kind, issues);
  }
  settle(search);
  const linked = parameters.filter((parameter) => !UNLINKED.has(parameter.key));
  search.applied = linked.flatMap((parameter) => applied.get(parameter) ?? []).join('&');
  return search;
}

/** What depends on all parameters together. */
function settle(search: Search): void {
  if (search.subset?.kind === 'count') search.count = 0;
  const includes = search.includes.length + search.revincludes.length > 0;
  if (search.subset?.kind === 'text' && includes) {
    const why =
      '_summary=text shows no references, so _include and _revinclude cannot go with it (R4 search.html#summary).';
    throw failure('invalid', why, 'http._summary');
  }
}

/** `_cursor` is a link's own; the format is negotiated beside the search. */
const UNLINKED: ReadonlySet<string> = new Set(['_cursor', '_format', '_pretty']);

const isType = ({ name }: QueryParameter): boolean => name === '_type';

function apply(parameter: QueryParameter, search: Search, registry: SearchRegistry, options: SearchOptions): void {
  const { key, name, raw } = parameter;
  if (raw === '') throw failure('value', `${shown(key)} has no value; leave it out or give it one.`, at(key));
  if (isControl(name)) {
    controls[name].read(parameter, search, registry);
    return;
  }
  search.conditions.push(conditionOf(parameter, search.types, { registry, ...options }));
  if (search.conditions.reduce((count, condition) => count + stepsOf(condition), 0) > limits.joins) {
    throw failure('too-costly', `The chains of a query have at most ${limits.joins} steps (limits.joins).`, at(key));
  }
  if (alternatives(search) > limits.alternatives) {
    const most = `at most ${limits.alternatives} values (limits.alternatives)`;
    const why = 'an id without a type counts once for each type it may mean, so write Type/id';
    throw failure('too-costly', `A query may stand for ${most}; ${why}.`, at(key));
  }
}

/** How many values the store has to look for. */
function alternatives(search: Search): number {
  let count = 0;
  for (const outer of search.conditions) {
    const condition = innermost(outer);
    if (condition.kind === 'id') count += condition.ids.length;
    if (condition.kind !== 'tests') continue;
    for (const test of condition.tests) {
      count += weightOf(test);
    }
  }
  return count;
}

/** Part of a text is looked for in every value of the parameter, so it weighs more than what an index finds. */
function weightOf(test: Test): number {
  if (test.kind !== 'text' || test.value === undefined) return 1;
  if ('contains' in test.value) return limits.alternatives / limits.containsValues;
  return 'is' in test.value ? test.value.is.length : 1;
}

const stepsOf = (condition: Condition): number =>
  condition.kind === 'points' || condition.kind === 'pointed' ? 1 + stepsOf(condition.where) : 0;

/** What is asked at the end of a chain. */
function innermost(condition: Condition): Condition {
  return condition.kind === 'points' || condition.kind === 'pointed' ? innermost(condition.where) : condition;
}

/** A client that says two things about the page cannot have meant both. */
function refuseRepeated(parameters: QueryParameter[]): void {
  const seen = new Set<string>();
  for (const { name } of parameters) {
    if (!isControl(name) || controls[name].repeats) continue;
    if (seen.has(name)) throw failure('invalid', `${name} may be given once.`, at(name));
    seen.add(name);
  }
}

const at = (key: string): string => `http.${shown(key)}`;

const warning = (issue: Issue): Issue => ({
  ...issue,
  severity: 'warning',
  diagnostics: `Left out of the search: ${issue.diagnostics}`,
});
