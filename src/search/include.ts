/** What `_include` and `_revinclude` follow, from the search values of what was found. (R4 search.html#revinclude) */
import { parseReference } from '../fhir/reference.js';
import type { ResourceType } from '../fhir/types.js';
import type { Include } from './ast.js';
import { isRange, type Entry, type Plan, type Test } from './plan.js';

export interface Referrer {
  type: ResourceType;
  id: string;
  entries: readonly Entry[];
}

export interface Referred {
  /** Resources of this server, each once. */
  keys: { type: ResourceType; id: string }[];
  /** Canonical resources of the types in `targets`, as a plan; undefined when there are none. */
  canonical?: Plan;
}

/** What these resources refer to by the include's parameter. */
export function referencesOf(found: readonly Referrer[], include: Include): Referred {
  const keys = new Map<string, { type: ResourceType; id: string }>();
  const canonicals = new Map<string, Plan>();
  for (const { type, entries } of found) {
    if (type !== include.source) continue;
    for (const entry of entries) {
      if (entry.param !== include.param || isRange(entry)) continue;
      const parsed = parseReference(entry.value);
      if (parsed?.kind === 'resource' && parsed.base === undefined) {
        if (include.targets.includes(parsed.type)) keys.set(entry.value, { type: parsed.type, id: parsed.id });
      } else canonicals.set(`${entry.value}|${entry.detail}`, canonicalPlan(entry.value, entry.detail));
    }
  }
  const plan: Plan = { node: 'any', of: [...canonicals.values()] };
  return { keys: [...keys.values()], ...(canonicals.size === 0 ? {} : { canonical: plan }) };
}

/** Resources of the type `include.source` that refer to one of these; undefined when none can. */
export function referrersOf(found: readonly Referrer[], include: Include): Plan | undefined {
  const local = new Set<string>();
  const tests: Test[] = [];
  for (const { type, id, entries } of found) {
    if (!include.targets.includes(type)) continue;
    local.add(`${type}/${id}`);
    const version = valueOf(entries, 'version');
    const url = valueOf(entries, 'url');
    if (url === undefined) continue;
    // A canonical without a version means any; one with a version, that one. (R4 references.html#canonical)
    tests.push({ kind: 'text', value: { is: [url] }, detail: '' });
    if (version !== undefined) tests.push({ kind: 'text', value: { is: [url] }, detail: version });
  }
  if (local.size === 0) return undefined;
  tests.unshift({ kind: 'text', value: { is: [...local] } });
  return { node: 'any', of: tests.map((test) => ({ node: 'entry', param: include.param, test })) };
}

function canonicalPlan(url: string, version: string): Plan {
  const equals = (param: string, value: string): Plan => ({
    node: 'entry',
    param,
    test: { kind: 'text', value: { is: [value] } },
  });
  return version === '' ? equals('url', url) : { node: 'all', of: [equals('url', url), equals('version', version)] };
}

function valueOf(entries: readonly Entry[], param: string): string | undefined {
  const entry = entries.find((one) => one.param === param);
  return entry === undefined || isRange(entry) ? undefined : entry.value;
}
