/**
 * The searches that conditional interactions stand on: `Type?query` finds none, one or several. What was found is held
 * by a guard until the write is made, so that nobody comes between. (R4 http.html#ccreate, #cond-update)
 */
import type { Call } from '../access/principal.js';
import { failure } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import { lower } from '../search/lower.js';
import { parseSearch } from '../search/parse.js';
import type { Plan } from '../search/plan.js';
import type { SearchRegistry } from '../search/registry.js';
import type { Found, Guard } from '../store/port.js';
import { asked } from './failures.js';
import type { SeenStore } from './seen.js';

export interface Criteria {
  type: ResourceType;
  plan: Plan;
  /** The same for the same conditions, in whatever order they were written. */
  name: string;
}

export interface CriteriaParts {
  store: SeenStore;
  registry: SearchRegistry;
  base: string;
}

export interface Finder {
  /** Throws 400 for what is no search, 412 for one that asks nothing: it would mean every resource of the type. */
  read(call: Call, type: ResourceType, query: string, at: string): Criteria;
  /** As many as `atMost`. */
  find(call: Call, criteria: Criteria, atMost: number): Promise<Found[]>;
  /** "There are so many, still." */
  guard(call: Call, criteria: Criteria, matches: number): Promise<Guard>;
}

export function createFinder({ store, registry, base }: CriteriaParts): Finder {
  return {
    read(call, type, query, at) {
      const search = parseSearch(query, [type], registry, { lenient: false, base, now: call.at });
      const shaping =
        search.sort.length + search.includes.length + search.revincludes.length > 0 ||
        search.cursor !== undefined ||
        search.subset !== undefined ||
        search.total !== undefined;
      if (shaping)
        throw failure('invalid', 'A condition only says what is looked for; leave out what shapes pages.', at);
      if (search.conditions.length === 0) {
        throw failure('precondition', `A condition names what is looked for, such as identifier=system|value.`, at);
      }
      const sorted = search.applied.split('&').sort().join('&');
      return { type, plan: lower(search), name: `${type}?${sorted}` };
    },
    async find(call, { type, plan }, atMost) {
      const page = await asked(store.search(call, { purpose: 'search', types: [type], plan }, [], { size: atMost }));
      return page.items;
    },
    guard: (call, { type, plan, name }, matches) => store.guard(call, { name, type, plan, matches }),
  };
}
