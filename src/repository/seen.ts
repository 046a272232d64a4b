/**
 * The store as its callers see it: the one place where a caller's reach is added to whatever is asked. A search within a
 * reach is a narrower plan; a version within it is one that meets the plan. What is out of reach looks as if it were not
 * there. Nothing in the repository asks the store itself but erasure, which is the operator's. (docs/sharing.md)
 */
import type { Access, Purpose, Sight } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import type { Order, Plan } from '../search/plan.js';
import { isEverything, restrict, typesIn } from '../search/restrict.js';
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
  type Reach,
  type Store,
  type Vault,
  type VaultRecord,
  type Version,
} from '../store/port.js';
import { Referred, referredTo } from '../store/referred.js';
import { createMeets } from './meets.js';
import { keyOf, nameOf, shownBy } from './operations.js';
import {
  groupsOf,
  MANY_ROUNDS,
  NOTHING,
  openedTo,
  ownersOf,
  reachOf,
  READ_AT_ONCE,
  ROUNDS,
  seenOr403,
  type Asked,
  type Named,
} from './reach.js';
import type { Indexing } from './reindex.js';
import type { TermsDesk } from './terms.js';

export type { Asked } from './reach.js';

export interface SeenStore {
  /** Throws 403 for types of which the caller sees nothing; what is included or referred to is then not there. */
  read(call: Call, purpose: Purpose, keys: Key[], bare?: boolean): Promise<(Found | undefined)[]>;
  version(call: Call, key: Key, version: number): Promise<Version | undefined>;
  history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>>;
  /** Throws 403 too when a chain or `_has` leads through what the caller may not search. */
  search(call: Call, asked: Asked, order: Order[], page: PageRequest): Promise<Page<Found>>;
  count(call: Call, asked: Asked, atMost: number): Promise<number>;
  guard(call: Call, guard: Omit<Guard, 'reach'>): Promise<Guard>;
  /** Whether a version is one that the caller sees, for this purpose. */
  sees(call: Call, purpose: Purpose, version: Version): Promise<boolean>;
  /**
   * Whether the caller may write it so, though a patient may deny that they see it from then on: that discloses nothing.
   * Only of Consents that is not so, or somebody denied would change what denies them.
   */
  mayBecome(call: Call, purpose: 'create' | 'update', version: Version): Promise<boolean>;
  /** As the store's own; what is to be there must be within reach, and who refers is named only where it is. */
  write(
    call: Call,
    changes: Change[],
    guards: Guard[],
    integrity: Omit<Integrity, 'reach'> | undefined,
    record?: VaultRecord,
    along?: Along,
    named?: Partial<Named>,
  ): Promise<void>;
  vault: Vault;
}

export interface SeenParts {
  store: Store;
  access: Access;
  extract: Indexing['extract'];
  terms: Pick<TermsDesk, 'of' | 'denyVersion'>;
}

export function createSeenStore({ store, access, extract, terms }: SeenParts): SeenStore {
  const { meets, entriesOf, judgedBy } = createMeets(store, extract);
  const sightOf = async ({ principal }: Call, purpose: Purpose): Promise<Sight> =>
    access.sight(principal, purpose, await terms.of(principal));

  async function read(call: Call, purpose: Purpose, keys: Key[], bare?: boolean): Promise<(Found | undefined)[]> {
    const sight = await sightOf(call, purpose);
    const { whole } = sight;
    if (whole !== undefined) return store.read(keys, reachOf(call, whole, sight.opens('*')), bare);
    const seen = keys.map(({ type }) => seenOr403(sight, purpose, type));
    const found: (Found | undefined)[] = [];
    for (const { reach, places } of groupsOf(call, sight, keys, seen)) {
      const some = await store.read(
        places.map(({ key }) => key),
        reach,
        bare === true && places.every(({ where }) => isEverything(where)),
      );
      await Promise.all(
        places.map(async ({ at, where }, n) => {
          const one = some[n];
          if (one !== undefined && (await isSeen(where, one, reach))) found[at] = one;
        }),
      );
    }
    return keys.map((_key, at) => found[at]);
  }

  /** Of a version that is within the reach. */
  async function isSeen(where: Plan, version: Version, reach: Reach): Promise<boolean> {
    if (isEverything(where)) return true;
    const last = await judgedBy(version, reach);
    const entries = last === undefined ? undefined : entriesOf(last);
    return entries !== undefined && meets(where, { ...version, entries }, reach);
  }

  async function version(call: Call, key: Key, number: number): Promise<Version | undefined> {
    const sight = await sightOf(call, 'read');
    const opens = sight.opens(key.type);
    if (sight.whole !== undefined) return store.version(key, number, reachOf(call, sight.whole, opens));
    const rule = sight.of(key.type);
    if (rule === undefined) throw sight.refusal(key.type);
    const reach = reachOf(call, rule.owners, opens);
    const found = await store.version(key, number, reach);
    if (found === undefined) return undefined;
    return (await areSeenNow(call, 'read', [found])).has(nameOf(key)) && (await wasSeen(call, rule.where, found, reach))
      ? found
      : undefined;
  }

  /** What others have opened may have been about somebody else in an older version, or have had other labels. */
  async function wasSeen(call: Call, where: Plan, version: Version, reach: Reach): Promise<boolean> {
    if (!(await isSeen(where, version, reach))) return false;
    const { principal } = call;
    if (principal.owners.includes(version.owner)) return true;
    const said = await judgedBy(version, reach);
    return said === undefined || !(await terms.denyVersion(principal, said, entriesOf(said) ?? []));
  }

  /** An old version is seen by who sees what became of it: who may no longer see a resource does not see its past. */
  async function areSeenNow(call: Call, purpose: Purpose, versions: Version[]): Promise<Set<string>> {
    const sight = await sightOf(call, purpose);
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
    const sight = await sightOf(call, purpose);
    const opens = sight.opens(scope.type ?? '*');
    if (sight.whole !== undefined) return store.history(scope, page, reachOf(call, sight.whole, opens));
    const open = scope.type === undefined ? sight.some() : sight.of(scope.type) !== undefined;
    if (!open) throw sight.refusal(scope.type ?? '*');
    const owners = scope.type === undefined ? sight.owners : ownersOf([sight.of(scope.type)]);
    const reach = reachOf(call, owners, opens);
    const items: Version[] = [];
    let { after } = page;
    for (let round = 0; ; round += 1) {
      const request = { ...page, size: page.size - items.length, ...(after === undefined ? {} : { after }) };
      const found = await store.history(scope, request, reach);
      const now = await areSeenNow(call, purpose, found.items);
      for (const one of found.items) {
        const rule = sight.of(one.type);
        if (rule !== undefined && now.has(nameOf(one)) && (await wasSeen(call, rule.where, one, reach)))
          items.push(one);
      }
      after = found.next;
      if (after === undefined) return { items };
      // A page may then have fewer than it could: whoever follows it goes on where this one ended.
      if (items.length >= page.size || round >= (items.length > 0 ? ROUNDS : MANY_ROUNDS))
        return { items, next: after };
    }
  }

  const search: SeenStore['search'] = async (call, asked, order, page) => {
    const within = await withinReach(call, asked);
    return within === undefined ? { items: [] } : store.search(within.types, within.plan, order, page, within.reach);
  };

  const count: SeenStore['count'] = async (call, asked, atMost) => {
    const within = await withinReach(call, asked);
    return within === undefined ? 0 : store.count(within.types, within.plan, within.reach, atMost);
  };

  /** Undefined when it can find nothing. */
  async function withinReach(call: Call, { purpose, types, plan, named = false }: Asked) {
    const sight = await sightOf(call, purpose);
    const opens = sight.opens('*');
    if (sight.whole !== undefined) return { types: [...types], plan, reach: reachOf(call, sight.whole, opens) };
    const searched = types.filter((type) => sight.of(type) !== undefined);
    if (searched.length === 0 && purpose === 'include') return undefined;
    const refused = types.find((type) => sight.of(type) === undefined);
    if (refused !== undefined && (named || types.length === 1)) throw sight.refusal(refused);
    if (searched.length === 0) throw sight.refusal('*');
    const joined = typesIn(plan).find((type) => sight.of(type) === undefined);
    if (joined !== undefined) throw sight.refusal(joined);
    const opened = openedTo(call, opens);
    const { plan: within, ...reach } = restrict(plan, searched, (type) => {
      const rule = sight.of(type) ?? NOTHING;
      return opened === undefined ? rule : { ...rule, opened };
    });
    return { types: searched, plan: within, reach };
  }

  async function guard(call: Call, { type, plan, ...rest }: Omit<Guard, 'reach'>): Promise<Guard> {
    const within = await withinReach(call, { purpose: 'search', types: [type], plan });
    return { ...rest, type, plan: within?.plan ?? plan, reach: within?.reach ?? { owners: [] } };
  }

  const sees: SeenStore['sees'] = async (call, purpose, one) => isWithin(call, await sightOf(call, purpose), one);

  const mayBecome: SeenStore['mayBecome'] = async (call, purpose, one) =>
    isWithin(call, one.type === 'Consent' ? await sightOf(call, purpose) : access.sight(call.principal, purpose), one);

  async function isWithin(call: Call, sight: Sight, one: Version): Promise<boolean> {
    if (sight.whole !== undefined) return true;
    const rule = sight.of(one.type);
    if (rule === undefined) return false;
    const reach = reachOf(call, rule.owners, sight.opens(one.type));
    if (!rule.owners.includes(one.owner) && !(await isOpenNow(one, reach))) return false;
    return isSeen(rule.where, one, reach);
  }

  /** What is about to be written is somebody else's, and open as it stands now. */
  async function isOpenNow({ type, id }: Key, reach: Reach): Promise<boolean> {
    if (reach.opened === undefined) return false;
    const [found] = await store.read([{ type, id }], reach, true);
    return isThere(found);
  }

  const write: SeenStore['write'] = async (call, changes, guards, integrity, record, along, named = {}) => {
    const { kept = new Set(), opening = [] } = named;
    const sight = await sightOf(call, 'refer');
    const demanded = integrity && { ...integrity, present: integrity.present.filter((key) => !kept.has(nameOf(key))) };
    if (sight.whole !== undefined) {
      const reach = { owners: sight.whole };
      await store.write(changes, guards, demanded && { ...demanded, reach }, record, along);
      return;
    }
    const written = new Set(changes.map(nameOf));
    const shown = [...changes.flatMap(shownBy), ...opening].filter((name) => !written.has(name) && !kept.has(name));
    await refuseUnseen(call, sight, demanded?.present ?? [], shown.map(keyOf));
    const owners = ownersOf((demanded?.present ?? []).map(({ type }) => sight.of(type)));
    const reach = reachOf(call, owners, sight.opens('*'));
    try {
      await store.write(changes, guards, demanded && { ...demanded, reach }, record, along);
    } catch (error) {
      throw error instanceof Referred ? await retold(call, error) : error;
    }
  };

  /** Where types have no condition the store asks itself, in the write, for what is to be present. */
  async function refuseUnseen(call: Call, sight: Sight, present: readonly Key[], shown: readonly Key[]): Promise<void> {
    const open = present.filter(({ type }) => {
      const rule = sight.of(type);
      return rule === undefined || !isEverything(rule.where);
    });
    const keys = [...open, ...shown];
    for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
      const some = keys.slice(at, at + READ_AT_ONCE);
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

  return { read, version, history, search, count, guard, sees, mayBecome, write, vault: store.vault };
}
