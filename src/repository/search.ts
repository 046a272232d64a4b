/** Search behind the one door: matches, what they include, the total, all within the caller's reach. */
import { reachOf, type Call } from '../access/principal.js';
import { failure, issueOf, type Issue } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import type { Include, Search } from '../search/ast.js';
import { referencesOf, referrersOf } from '../search/include.js';
import { lower } from '../search/lower.js';
import type { Plan } from '../search/plan.js';
import type { Found, Key, Position, Reach, Store } from '../store/port.js';
import { asked } from './failures.js';

export interface SearchResult {
  matches: Found[];
  included: Found[];
  /** Undefined when it was not asked for and is not known for nothing. */
  total: number | undefined;
  next: Position | undefined;
  /** What the client must know about the answer, such as that not all could be included. */
  issues: Issue[];
}

export interface SearchDoor {
  search(call: Call, search: Search, after?: Position): Promise<SearchResult>;
  /** The resource of this canonical URL and version; undefined when there is none. */
  byCanonical(call: Call, type: ResourceType, url: string, version: string): Promise<Found | undefined>;
  /** Was there a resource of this key, and is it no longer? */
  wasDeleted(call: Call, key: Key): Promise<boolean>;
}

export function createSearch(store: Store): SearchDoor {
  async function search(call: Call, search: Search, after?: Position): Promise<SearchResult> {
    const reach = reachOf(call);
    const types = [...search.types];
    const plan = lower(search);
    const page =
      search.count === 0
        ? { items: [] }
        : await asked(
            store.search(
              types,
              plan,
              search.sort,
              { size: search.count, ...(after === undefined ? {} : { after }) },
              reach,
            ),
          );
    const { included, cut } = await includesOf(search, page.items, reach);
    return {
      matches: page.items,
      included,
      total: await totalOf(search, plan, page.items.length, after === undefined && page.next === undefined, reach),
      next: page.next,
      issues: cut ? [tooManyIncludes] : [],
    };
  }

  /** A total that the page itself shows costs nothing; any other is counted only when it is asked for. */
  async function totalOf(search: Search, plan: Plan, matches: number, whole: boolean, reach: Reach) {
    if (search.total === 'none' && search.count > 0) return undefined;
    if (whole && search.count > 0) return matches;
    if (search.total === undefined && search.count > 0) return undefined;
    const total = await asked(store.count([...search.types], plan, reach, limits.total));
    if (total < limits.total || search.total === 'estimate') return total;
    throw failure(
      'too-costly',
      `There are ${limits.total} matches or more (limit total). Ask for _total=estimate, or narrow the search.`,
      'http._total',
    );
  }

  /** Follows includes round by round: what was found in one is where the `:iterate` ones of the next begin. */
  async function includesOf(
    search: Search,
    matches: Found[],
    reach: Reach,
  ): Promise<{ included: Found[]; cut: boolean }> {
    const shown = new Set(matches.map(nameOf));
    const included: Found[] = [];
    let fresh = matches;
    for (let round = 0; fresh.length > 0 && round <= limits.includeDepth; round += 1) {
      const follows = (include: Include) => round === 0 || include.iterate;
      const found: Found[] = [];
      for (const include of search.includes.filter(follows)) found.push(...(await referred(fresh, include, reach)));
      for (const include of search.revincludes.filter(follows)) found.push(...(await referring(fresh, include, reach)));
      fresh = [];
      for (const resource of found) {
        if (shown.has(nameOf(resource))) continue;
        if (included.length === limits.includes) return { included, cut: true };
        shown.add(nameOf(resource));
        included.push(resource);
        fresh.push(resource);
      }
    }
    return {
      included,
      cut: fresh.length > 0 && [...search.includes, ...search.revincludes].some(({ iterate }) => iterate),
    };
  }

  async function referred(from: Found[], include: Include, reach: Reach): Promise<Found[]> {
    const { keys, canonical } = referencesOf(from, include);
    // One more than may be shown is enough to know that they are too many.
    const read = keys.length === 0 ? [] : await asked(store.read(keys.slice(0, limits.includes + 1), reach));
    const found = read.filter((one) => one?.text !== undefined) as Found[];
    return canonical === undefined ? found : [...found, ...(await some([...include.targets], canonical, reach))];
  }

  async function referring(to: Found[], include: Include, reach: Reach): Promise<Found[]> {
    const plan = referrersOf(to, include);
    return plan === undefined ? [] : some([include.source], plan, reach);
  }

  const some = async (types: ResourceType[], plan: Plan, reach: Reach): Promise<Found[]> =>
    (await asked(store.search(types, plan, [], { size: limits.includes + 1 }, reach))).items;

  async function byCanonical(call: Call, type: ResourceType, url: string, version: string) {
    const is = (param: string, value: string): Plan => ({
      node: 'entry',
      param,
      test: { kind: 'text', value: { is: [value] } },
    });
    const plan: Plan = { node: 'all', of: [is('url', url), is('version', version)] };
    const page = await asked(store.search([type], plan, [], { size: 1 }, reachOf(call)));
    return page.items[0];
  }

  async function wasDeleted(call: Call, key: Key): Promise<boolean> {
    const [found] = await asked(store.read([key], reachOf(call)));
    return found !== undefined && found.text === undefined;
  }

  return { search, byCanonical, wasDeleted };
}

const nameOf = (key: Key): string => `${key.type}/${key.id}`;

/** Never an incomplete answer without a word: whoever reads it must know that something is missing. */
const tooManyIncludes: Issue = {
  ...issueOf(
    'too-costly',
    `More than ${limits.includes} resources, or more than ${limits.includeDepth} rounds, would be included; not all are here (limits includes, includeDepth). Ask for fewer matches a page (_count).`,
  ),
  severity: 'warning',
};
