/** Search behind the one door: matches, what they include, the total, all within the caller's reach. */
import type { Call } from '../access/principal.js';
import { failure } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import { limits, type LimitName } from '../kit/limits.js';
import { lengthOf } from '../kit/pieces.js';
import type { Include, Search } from '../search/ast.js';
import { referencesOf, referrersOf } from '../search/include.js';
import { lower } from '../search/lower.js';
import type { Plan } from '../search/plan.js';
import { isThere, jsonOf, type Found, type Key, type Position } from '../store/port.js';
import { apartFromTrail, AUDIT_EVENT } from './events/apart.js';
import type { Events } from './events/index.js';
import { asked } from './failures.js';
import type { Asked, SeenStore } from './seen.js';

export interface SearchResult {
  matches: Found[];
  included: Found[];
  /** Undefined when it was not asked for and is not known for nothing. */
  total: number | undefined;
  next: Position | undefined;
}

/** Where a page begins, and who stops waiting for it. */
export interface Paging {
  after?: Position;
  gone?: () => AbortSignal;
}

export interface SearchDoor {
  search(call: Call, search: Search, paging?: Paging): Promise<SearchResult>;
  /** The resource of this canonical URL and version; undefined when there is none. */
  byCanonical(call: Call, type: ResourceType, url: string, version: string): Promise<Found | undefined>;
  /** Is, or was, there a resource of this key? */
  isTaken(call: Call, key: Key): Promise<boolean>;
}

/** @param events answers for AuditEvents, where there is a trail */
export function createSearch(store: SeenStore, events?: Events): SearchDoor {
  async function search(call: Call, search: Search, paging: Paging = {}): Promise<SearchResult> {
    if (events !== undefined) {
      apartFromTrail(search);
      if (search.types.length === 1 && search.types[0] === AUDIT_EVENT) {
        const found = await events.search(call, search, paging);
        return { ...found, included: await includesOf(call, search, found.matches) };
      }
    }
    const sought: Asked = { purpose: 'search', types: search.types, plan: lower(search), named: search.named };
    const request = {
      ...paging,
      size: search.count,
      bytes: limits.bundleBytes,
      bare: search.includes.length + search.revincludes.length === 0,
    };
    const page = search.count === 0 ? { items: [] } : await asked(store.search(call, sought, search.sort, request));
    const whole = paging.after === undefined && page.next === undefined;
    return {
      matches: page.items,
      included: await includesOf(call, search, page.items),
      total: await totalOf(call, search, sought, page.items.length, whole),
      next: page.next,
    };
  }

  /** A total that the page itself shows costs nothing; any other is counted only when it is asked for. */
  async function totalOf(call: Call, search: Search, sought: Asked, matches: number, whole: boolean) {
    if (search.total === 'none' && search.count > 0) return undefined;
    if (whole && search.count > 0) return matches;
    if (search.total === undefined && search.count > 0) return undefined;
    const total = await asked(store.count(call, sought, limits.total));
    if (total < limits.total || search.total === 'estimate') return total;
    throw failure(
      'too-costly',
      `There are ${limits.total} matches or more (limit total). Ask for _total=estimate, or narrow the search.`,
      'http._total',
    );
  }

  /** Follows includes round by round: what was found in one is where the `:iterate` ones of the next begin. */
  async function includesOf(call: Call, search: Search, matches: Found[]): Promise<Found[]> {
    if (search.includes.length + search.revincludes.length === 0) return [];
    const shown = new Set(matches.map(nameOf));
    const included: Found[] = [];
    let bytes = 0;
    let fresh = matches;
    for (let round = 0; fresh.length > 0; round += 1) {
      const follows = (include: Include) => round === 0 || include.iterate;
      const [includes, revincludes] = [search.includes.filter(follows), search.revincludes.filter(follows)];
      if (includes.length + revincludes.length === 0) break;
      if (round > limits.includeDepth) throw tooMany('includeDepth', `:iterate leads further than ${round - 1} rounds`);
      const found: Found[] = [];
      for (const include of includes) found.push(...(await referred(call, fresh, include)));
      for (const include of revincludes) found.push(...(await referring(call, fresh, include)));
      fresh = [];
      for (const resource of found) {
        if (shown.has(nameOf(resource))) continue;
        shown.add(nameOf(resource));
        included.push(resource);
        fresh.push(resource);
        bytes += lengthOf([jsonOf(resource)]);
        if (included.length > limits.includes)
          throw tooMany('includes', `More than ${limits.includes} resources would be included`);
        if (bytes > limits.bundleBytes)
          throw tooMany('bundleBytes', `More than ${limits.bundleBytes} bytes would be included`);
      }
    }
    return included;
  }

  async function referred(call: Call, from: Found[], include: Include): Promise<Found[]> {
    const { keys, canonical } = referencesOf(from, include);
    const found: Found[] = [];
    for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
      const read = await asked(store.read(call, 'include', keys.slice(at, at + READ_AT_ONCE)));
      found.push(...read.filter(isThere));
      // More than may be shown is enough to know that they are too many.
      if (found.length > limits.includes + from.length) break;
    }
    return canonical === undefined ? found : [...found, ...(await some(call, [...include.targets], canonical, from))];
  }

  async function referring(call: Call, to: Found[], include: Include): Promise<Found[]> {
    const plan = referrersOf(to, include);
    return plan === undefined ? [] : some(call, [include.source], plan, to);
  }

  /** As many as could be shown, beside those that are shown already, and one more to know that they are too many. */
  async function some(call: Call, types: ResourceType[], plan: Plan, shown: Found[]): Promise<Found[]> {
    const size = limits.includes + shown.length + 1;
    const request = { size, bytes: limits.bundleBytes };
    const page = await asked(store.search(call, { purpose: 'include', types, plan }, [], request));
    if (page.next !== undefined && page.items.length < size) {
      throw tooMany('bundleBytes', `More than ${limits.bundleBytes} bytes would be included`);
    }
    return page.items;
  }

  async function byCanonical(call: Call, type: ResourceType, url: string, version: string) {
    const is = (param: string, value: string): Plan => ({
      node: 'entry',
      param,
      test: { kind: 'text', value: { is: [value] } },
    });
    const plan: Plan = { node: 'all', of: [is('url', url), is('version', version)] };
    const page = await asked(store.search(call, { purpose: 'search', types: [type], plan }, [], { size: 1 }));
    return page.items[0];
  }

  async function isTaken(call: Call, key: Key): Promise<boolean> {
    const [found] = await asked(store.read(call, 'read', [key]));
    return found !== undefined;
  }

  return { search, byCanonical, isTaken };
}

const nameOf = (key: Key): string => `${key.type}/${key.id}`;

/** Keys that are read at once, so that their texts do not fill the memory. */
const READ_AT_ONCE = 50;

/** Never an incomplete answer: what is missing from a case is not seen to be missing. */
const tooMany = (limit: LimitName, what: string) =>
  failure(
    'too-costly',
    `${what} (limit ${limit}). Ask for fewer matches a page (_count), or search what refers to them by itself.`,
    'http._include',
  );
