/** What a caller may do with each operation: by its type before any store is asked, by what was found once that is known. */
import type { Access, Purpose } from '../access/constraint.js';
import { IMPORTS } from '../access/policy.js';
import type { Call } from '../access/principal.js';
import { failure } from '../fhir/outcome.js';
import type { Operation } from '../fhir/transaction/operation.js';
import type { Found, Key } from '../store/port.js';
import { asked } from './failures.js';
import { nameOf, type Work } from './operations.js';
import type { Told } from './resolve.js';
import type { SeenStore } from './seen.js';

interface Place {
  key?: Key;
  found?: Found[];
  unchanged?: true;
}

export function createPermit(store: SeenStore, access: Access) {
  /** Before any store is asked: what the caller may do with none of its type. A condition is a search. */
  function demandEach({ principal }: Call, works: readonly Work[], told: Told): void {
    for (const work of works) {
      const { interaction, type = '', id, method, ifNoneExist } = work.operation;
      try {
        access.demand(principal, interaction, type);
        if (ifNoneExist !== undefined || (id === undefined && method !== 'POST'))
          access.demand(principal, 'search-type', type);
      } catch (error) {
        throw told(error, work);
      }
    }
  }

  /** With authorization on, ids are the server's to choose: to choose one's own would tell what there is. */
  function demandNew({ principal }: Call, key: Key): void {
    if (!IMPORTS.has(principal.role)) {
      const say = `There is no ${nameOf(key)}. A new one is created by POST, and the server chooses its id.`;
      throw failure('not-found', say);
    }
    access.demand(principal, 'create', key.type);
  }

  /** A conditional update that finds nothing creates. */
  function demandFresh({ principal }: Call, type: string, own: unknown, at: string): void {
    access.demand(principal, 'create', type);
    if (own === undefined || IMPORTS.has(principal.role)) return;
    const say = 'Nothing matches the condition, and the server chooses the id of what is new. Leave the id out.';
    throw failure('invalid', say, at);
  }

  /** Of what the caller may not write, what it may see: that is told, where the rest is not there. */
  async function readOnly(call: Call, keys: readonly Key[]): Promise<Set<string>> {
    const found = new Set<string>();
    if (call.principal.grant === undefined) return found;
    for (let at = 0; at < keys.length; at += READ_AT_ONCE)
      for (const one of await asked(store.read(call, 'include', keys.slice(at, at + READ_AT_ONCE))))
        if (one?.text !== undefined) found.add(nameOf(one));
    return found;
  }

  /** What a condition found may be searched; it is another thing to change it. */
  async function refuseFound(call: Call, works: readonly Work[], places: readonly Place[], told: Told): Promise<void> {
    for (const [at, { found = [], unchanged }] of places.entries()) {
      const work = works[at];
      if (work === undefined || unchanged === true) continue;
      for (const one of found) {
        if (await store.sees(call, purposeOf(work.operation), one)) continue;
        throw told(failure('forbidden', `This token may find ${nameOf(one)}, but not change it.`), work);
      }
    }
  }

  return { demandEach, demandNew, demandFresh, readOnly, refuseFound };
}

/** The resources that clients named to change or delete. */
export const namedKeys = (works: readonly Work[], places: readonly Place[]) =>
  places.flatMap(({ key }, at) => {
    const operation = works[at]?.operation;
    return key === undefined || operation === undefined || operation.method === 'POST'
      ? []
      : [{ key, purpose: purposeOf(operation) }];
  });

const purposeOf = ({ method }: Operation): Purpose & ('update' | 'delete') =>
  method === 'DELETE' ? 'delete' : 'update';

const READ_AT_ONCE = 50;
