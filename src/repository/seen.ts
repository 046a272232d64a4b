/**
 * The store as its callers see it: the one place where a caller's reach is added to whatever is asked. A search within a
 * reach is a narrower plan; a version within it is one that meets the plan. What is out of reach looks as if it were not
 * there. Nothing in the repository asks the store itself but erasure, which is the operator's. (docs/sharing.md)
 */
import type { Access, Purpose, Sight } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import type { ResourceType } from '../fhir/types.js';
import { isRange, type Order, type Plan } from '../search/plan.js';
import { isEverything, restrict, typesIn, type Seen } from '../search/restrict.js';
import { SHOWS } from '../search/shown.js';
import {
  isThere,
  StoreError,
  type Along,
  type Change,
  type Found,
  type Guard,
  type HistoryScope,
  type Integrity,
  type Key,
  type Page,
  type PageRequest,
  type Store,
  type Vault,
  type VaultRecord,
  type Version,
} from '../store/port.js';
import { Referred, referredTo } from '../store/referred.js';
import { createMeets } from './meets.js';
import { nameOf } from './operations.js';
import type { Indexing } from './reindex.js';

export interface SeenStore {
  /** Throws 403 for types of which the caller sees nothing; what is included or referred to is then not there. */
  read(call: Call, purpose: Purpose, keys: Key[], bare?: boolean): Promise<(Found | undefined)[]>;
  version(call: Call, key: Key, version: number): Promise<Version | undefined>;
  history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>>;
  /** Throws 403 too when a chain or `_has` leads through what the caller may not search. */
  search(call: Call, asked: Asked, order: Order[], page: PageRequest): Promise<Page<Found>>;
  count(call: Call, asked: Asked, atMost: number): Promise<number>;
  guard(call: Call, guard: Omit<Guard, 'reach'>): Guard;
  /** Whether a version is one that the caller sees, for this purpose. */
  sees(call: Call, purpose: Purpose, version: Version): Promise<boolean>;
  /** As the store's own; what is to be there must be within reach, and who refers is named only where it is. */
  write(
    call: Call,
    changes: Change[],
    guards: Guard[],
    integrity: Omit<Integrity, 'reach'> | undefined,
    record?: VaultRecord,
    along?: Along,
  ): Promise<void>;
  vault: Vault;
}

export interface Asked {
  purpose: 'search' | 'include';
  types: readonly ResourceType[];
  plan: Plan;
  /** The client named the types: one that it may not search is refused, where it would else be passed over. */
  named?: boolean;
}

export interface SeenParts {
  store: Store;
  access: Access;
  extract: Indexing['extract'];
}

export function createSeenStore({ store, access, extract }: SeenParts): SeenStore {
  const { meets, entriesOf } = createMeets(store, extract);
  const sightOf = (call: Call, purpose: Purpose): Sight => access.sight(call.principal, purpose);

  async function read(call: Call, purpose: Purpose, keys: Key[], bare?: boolean): Promise<(Found | undefined)[]> {
    const sight = sightOf(call, purpose);
    if (sight.whole !== undefined) return store.read(keys, { owners: sight.whole }, bare);
    const seen = keys.map(({ type }) => seenOr403(sight, purpose, type));
    const found = await store.read(keys, { owners: ownersOf(seen) });
    const shown = found.map(async (one, at) => {
      const rule = seen[at];
      return one !== undefined && rule !== undefined && (await isSeen(rule, one)) ? one : undefined;
    });
    return Promise.all(shown);
  }

  /** A deletion is judged by what was deleted. */
  async function isSeen({ owners, where }: Seen, version: Version): Promise<boolean> {
    if (!owners.includes(version.owner)) return false;
    if (isEverything(where)) return true;
    const { type, id, version: number } = version;
    const last = isThere(version) ? version : await store.version({ type, id }, number - 1, { owners: [...owners] });
    const entries = last === undefined ? undefined : entriesOf(last);
    return entries !== undefined && meets(where, { ...version, entries }, owners);
  }

  async function version(call: Call, key: Key, number: number): Promise<Version | undefined> {
    const sight = sightOf(call, 'read');
    if (sight.whole !== undefined) return store.version(key, number, { owners: sight.whole });
    const rule = sight.of(key.type);
    if (rule === undefined) throw sight.refusal(key.type);
    const found = await store.version(key, number, { owners: [...rule.owners] });
    if (found === undefined) return undefined;
    return (await areSeenNow(call, 'read', [found])).has(nameOf(key)) && (await isSeen(rule, found))
      ? found
      : undefined;
  }

  /** An old version is seen by who sees what became of it: who may no longer see a resource does not see its past. */
  async function areSeenNow(call: Call, purpose: Purpose, versions: Version[]): Promise<Set<string>> {
    const sight = sightOf(call, purpose);
    const bounded = [...new Map(versions.map((one) => [nameOf(one), one])).values()];
    const found = new Set<string>();
    const open: Key[] = [];
    for (const { type, id } of bounded) {
      const rule = sight.of(type);
      if (rule === undefined) continue;
      if (isEverything(rule.where)) found.add(nameOf({ type, id }));
      else open.push({ type, id });
    }
    for (let at = 0; at < open.length; at += READ_AT_ONCE)
      for (const one of await read(call, purpose, open.slice(at, at + READ_AT_ONCE)))
        if (one !== undefined) found.add(nameOf(one));
    return found;
  }

  async function history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>> {
    const purpose = scope.id === undefined ? 'search' : 'read';
    const sight = sightOf(call, purpose);
    if (sight.whole !== undefined) return store.history(scope, page, { owners: sight.whole });
    const open = scope.type === undefined ? sight.some() : sight.of(scope.type) !== undefined;
    if (!open) throw sight.refusal(scope.type ?? '*');
    const owners = scope.type === undefined ? [...call.principal.owners] : ownersOf([sight.of(scope.type)]);
    const items: Version[] = [];
    let { after } = page;
    for (let round = 0; ; round += 1) {
      const request = { ...page, size: page.size - items.length, ...(after === undefined ? {} : { after }) };
      const found = await store.history(scope, request, { owners });
      const now = await areSeenNow(call, purpose, found.items);
      for (const one of found.items) {
        const rule = sight.of(one.type);
        if (rule !== undefined && now.has(nameOf(one)) && (await isSeen(rule, one))) items.push(one);
      }
      after = found.next;
      if (after === undefined) return { items };
      // A page may then have fewer than it could: whoever follows it goes on where this one ended.
      if (items.length >= page.size || round >= (items.length > 0 ? ROUNDS : MANY_ROUNDS))
        return { items, next: after };
    }
  }

  const search: SeenStore['search'] = async (call, asked, order, page) => {
    const within = withinReach(call, asked);
    if (within === undefined) return { items: [] };
    return store.search(within.types, within.plan, order, page, { owners: within.owners });
  };

  const count: SeenStore['count'] = async (call, asked, atMost) => {
    const within = withinReach(call, asked);
    return within === undefined ? 0 : store.count(within.types, within.plan, { owners: within.owners }, atMost);
  };

  /** Undefined when it can find nothing. */
  function withinReach(call: Call, { purpose, types, plan, named = false }: Asked) {
    const sight = sightOf(call, purpose);
    if (sight.whole !== undefined) return { types: [...types], plan, owners: sight.whole };
    const searched = types.filter((type) => sight.of(type) !== undefined);
    if (searched.length === 0 && purpose === 'include') return undefined;
    const refused = types.find((type) => sight.of(type) === undefined);
    if (refused !== undefined && (named || types.length === 1)) throw sight.refusal(refused);
    if (searched.length === 0) throw sight.refusal('*');
    const joined = typesIn(plan).find((type) => sight.of(type) === undefined);
    if (joined !== undefined) throw sight.refusal(joined);
    return { types: searched, ...restrict(plan, searched, (type) => sight.of(type) ?? NOTHING) };
  }

  function guard(call: Call, { type, plan, ...rest }: Omit<Guard, 'reach'>): Guard {
    const within = withinReach(call, { purpose: 'search', types: [type], plan });
    return { ...rest, type, plan: within?.plan ?? plan, reach: { owners: within?.owners ?? [] } };
  }

  const sees: SeenStore['sees'] = async (call, purpose, one) => {
    const sight = sightOf(call, purpose);
    if (sight.whole !== undefined) return true;
    const rule = sight.of(one.type);
    return rule !== undefined && isSeen(rule, one);
  };

  const write: SeenStore['write'] = async (call, changes, guards, integrity, record, along) => {
    const sight = sightOf(call, 'refer');
    if (sight.whole !== undefined) {
      await store.write(changes, guards, integrity && { ...integrity, reach: { owners: sight.whole } }, record, along);
      return;
    }
    const written = new Set(changes.map(nameOf));
    const shown = changes.flatMap(shownBy).filter((key) => !written.has(nameOf(key)));
    await refuseUnseen(call, sight, [...(integrity?.present ?? []), ...shown]);
    const owners = ownersOf((integrity?.present ?? []).map(({ type }) => sight.of(type)));
    try {
      await store.write(changes, guards, integrity && { ...integrity, reach: { owners } }, record, along);
    } catch (error) {
      throw error instanceof Referred ? await retold(call, error) : error;
    }
  };

  /** Where types have no condition the store asks itself, in the write. */
  async function refuseUnseen(call: Call, sight: Sight, keys: Key[]): Promise<void> {
    const open = keys.filter(({ type }) => {
      const rule = sight.of(type);
      return rule === undefined || !isEverything(rule.where);
    });
    for (let at = 0; at < open.length; at += READ_AT_ONCE) {
      const some = open.slice(at, at + READ_AT_ONCE);
      const found = await read(call, 'refer', some);
      const missing = some.find((_key, n) => !isThere(found[n]));
      if (missing === undefined) continue;
      throw new StoreError('missing', `${nameOf(missing)} is not there.`, nameOf(missing));
    }
  }

  async function retold(call: Call, { at = '', referrers }: Referred): Promise<StoreError> {
    const seen = await read(call, 'include', [...referrers]);
    const names = new Set(seen.flatMap((one) => (one === undefined ? [] : [nameOf(one)])));
    return referredTo(at, referrers, (referrer) => names.has(nameOf(referrer)));
  }

  return { read, version, history, search, count, guard, sees, write, vault: store.vault };
}

const NOTHING: Seen = { owners: [], where: { node: 'any', of: [] } };

/** Keys that are read at once, so that their texts do not fill the memory. */
const READ_AT_ONCE = 50;
/** How often a history looks further for what the caller sees: when it has some, and when it has none. */
const ROUNDS = 20;
const MANY_ROUNDS = 200;

const ownersOf = (seen: readonly (Seen | undefined)[]): string[] => [
  ...new Set(seen.flatMap((rule) => rule?.owners ?? [])),
];

function seenOr403(sight: Sight, purpose: Purpose, type: ResourceType): Seen | undefined {
  const rule = sight.of(type);
  if (rule === undefined && purpose !== 'include' && purpose !== 'refer') throw sight.refusal(type);
  return rule;
}

/** Bytes become visible by what shows them, so nobody shows bytes that they do not see. */
function shownBy({ entries }: Change): Key[] {
  return entries
    .filter((entry) => entry.param === SHOWS && !isRange(entry))
    .map(({ value }) => ({ type: 'Binary', id: value.slice('Binary/'.length) }));
}
