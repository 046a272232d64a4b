/** Which resource each operation is about: the one it names, a new one, or what its condition finds (R4 http.html). */
import type { Access } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import { failure, type FhirError } from '../fhir/outcome.js';
import { isId } from '../fhir/reference.js';
import type { Operation } from '../fhir/transaction/operation.js';
import { assert } from '../kit/assert.js';
import type { Clock } from '../kit/clock.js';
import { timeOrderedId } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import { Turns } from '../kit/turns.js';
import { isThere, type Found, type Guard, type Key } from '../store/port.js';
import { demand } from './conditions.js';
import type { Criteria, Finder } from './criteria.js';
import { asked } from './failures.js';
import { idBrought, nameOf, type Asked, type Resolved, type Step, type Work } from './operations.js';
import { createPermit, namedKeys } from './permit.js';
import type { SeenStore } from './seen.js';

export interface ResolveParts {
  store: SeenStore;
  access: Access;
  clock: Clock;
  finder: Finder;
  /** `CONDITIONAL_DELETE=multiple`: a condition may delete all that it finds. */
  deletesMultiple: boolean;
  /** `REQUIRE_IF_MATCH`: who changes what is there must say which version they saw. */
  requiresIfMatch: boolean;
}

/** @param where where an operation stands in its request, for what it is refused for */
export type Where = (operation: Operation, element: string) => string;

/** Says of an error which operation it is about. */
export type Told = (error: unknown, work: Work) => unknown;

interface Place {
  key?: Key;
  found?: Found[];
  guard?: Guard;
  unchanged?: true;
  /** A condition found nothing, so nothing may be there under the key either. */
  fresh?: true;
}

export function createResolve({ store, access, clock, finder, deletesMultiple, requiresIfMatch }: ResolveParts) {
  const permit = createPermit(store, access);
  const newKey = (type: string): Key => ({ type, id: timeOrderedId(clock.now()) });

  return async function resolve(call: Call, works: Work[], where: Where, told: Told): Promise<Resolved> {
    permit.demandEach(call, works, told);
    const places: Place[] = [];
    const turns = new Turns();
    const deletes = works.findLastIndex(({ operation }) => operation.method === 'DELETE') + 1;
    const deleted = new Set<string>();
    while (places.length < works.length) {
      if (turns.over) await turns.next();
      const end = Math.min(places.length + AT_ONCE, places.length < deletes ? deletes : works.length);
      const some = works.slice(places.length, end).map((work) =>
        placeOf(call, work.operation, where, deleted).catch((error: unknown) => {
          throw told(error, work);
        }),
      );
      places.push(...(await Promise.all(some)));
      if (places.length === deletes)
        for (const { key, found = [] } of places) for (const one of key ? [key] : found) deleted.add(nameOf(one));
    }
    const current = await currentOf(call, works, places);
    const targets = namedKeys(works, places);
    const readOnly = await permit.readOnly(
      call,
      targets.map(({ key }) => key).filter((key) => !current.has(nameOf(key))),
    );
    await permit.refuseFound(call, works, places, told);
    const [steps, guards]: [Step[], Guard[]] = [[], []];
    refuseTwins(works, places, where);
    for (const [at, work] of works.entries()) {
      if (turns.over) await turns.next();
      const { key, found = [], guard, unchanged, fresh } = places[at] ?? {};
      if (guard !== undefined) guards.push(guard);
      if (key !== undefined) {
        const was = current.get(nameOf(key));
        if (fresh === true && isThere(was)) {
          const say = `Nothing matches the condition, but ${nameOf(key)} exists, and would be overwritten.`;
          throw failure('conflict', `${say} Leave the id out, or update it by its id.`, where(work.operation, 'id'));
        }
        steps.push(step(work, key, was));
      }
      for (const was of found) steps.push(step(work, { type: was.type, id: was.id }, was, unchanged));
    }
    refuseOverlaps(steps, where);
    return { steps, guards };

    function step(work: Work, key: Key, was: Found | undefined, same?: true): Step {
      if (same !== undefined) return { work, key, was, unchanged: same };
      try {
        return allowed(work, key, was);
      } catch (error) {
        throw told(error, work);
      }
    }

    function allowed(work: Work, key: Key, was: Found | undefined): Step {
      const { operation } = work;
      if (readOnly.has(nameOf(key))) {
        throw failure('forbidden', `This token may read ${nameOf(key)}, but not change it. Nothing was written.`);
      }
      if (operation.method === 'PUT' && was === undefined && operation.id !== undefined) permit.demandNew(call, key);
      demand(operation.conditions, was, nameOf(key));
      const there = isThere(was) ? was : undefined;
      if (requiresIfMatch && there !== undefined && operation.conditions.ifMatch === undefined) {
        const say = `${nameOf(key)} exists: say which version you change, such as If-Match: W/"${there.version}".`;
        throw failure('precondition-required', say, where(operation, 'If-Match'));
      }
      if (operation.method === 'PATCH' && there === undefined) {
        const gone = was === undefined ? 'There is no' : 'Deleted is';
        throw failure(
          was === undefined ? 'not-found' : 'deleted',
          `${gone} ${nameOf(key)}, so nothing can be patched.`,
        );
      }
      return { work, key, was };
    }
  };

  async function placeOf(call: Call, operation: Asked, where: Where, deleted: Set<string>): Promise<Place> {
    const { method, type = '', id } = operation;
    if (method === 'POST') return placeOfCreate(call, operation, where, deleted);
    if (id !== undefined) return { key: { type, id } };
    const criteria = finder.read(call, type, operation.query, where(operation, 'url'));
    if (method === 'DELETE' && deletesMultiple) {
      const found = await finder.find(call, criteria, limits.conditionalDeletes + 1);
      if (found.length <= limits.conditionalDeletes)
        return { found, guard: await finder.guard(call, criteria, found.length) };
      const say = `More than ${limits.conditionalDeletes} ${type} resources match (limit conditionalDeletes).`;
      throw failure('too-costly', say, where(operation, 'url'));
    }
    const found = await one(call, operation, criteria);
    const guard = await finder.guard(call, criteria, found.length);
    const [match] = found;
    const own = idBrought(operation);
    if (own !== undefined && !(typeof own === 'string' && isId(own))) {
      const say = 'An id has 1 to 64 letters, digits, hyphens and dots; or leave it out.';
      throw failure('value', say, `${type}.id`);
    }
    if (match === undefined) return none(call, operation, guard, where);
    if (method === 'PUT' && own !== undefined && own !== match.id) {
      const say = `The resource has the id ${own.slice(0, 64)}, but what matches is ${nameOf(match)}.`;
      throw failure('invalid', `${say} Leave the id out, or change what matches.`, where(operation, 'id'));
    }
    return { found, guard };
  }

  /** What the transaction itself deletes is gone by then (R4 http.html#trules); the guard is about what is there before. */
  async function placeOfCreate(call: Call, operation: Asked, where: Where, deleted: Set<string>): Promise<Place> {
    const { type = '', ifNoneExist } = operation;
    if (ifNoneExist === undefined) return { key: newKey(type) };
    const criteria = finder.read(call, type, ifNoneExist, where(operation, 'If-None-Exist'));
    const there = await finder.find(call, criteria, 2 + deleted.size);
    const guard = await finder.guard(call, criteria, there.length);
    const found = there.filter((one) => !deleted.has(nameOf(one)));
    if (found.length > 1) throw several(type);
    return found.length === 1 ? { found, guard, unchanged: true } : { key: newKey(type), guard };
  }

  /** R4 http.html#cond-update: nothing matches. */
  function none(call: Call, operation: Asked, guard: Guard, where: Where): Place {
    const { method, type = '', query } = operation;
    const own = idBrought(operation);
    if (method === 'DELETE') return { guard };
    if (method === 'PUT') {
      permit.demandFresh(call, type, own, where(operation, 'id'));
    }
    if (method === 'PUT') return { key: own === undefined ? newKey(type) : { type, id: own }, guard, fresh: true };
    throw failure('not-found', `No ${type} matches ${query.slice(0, 200)}, so nothing can be patched.`);
  }

  async function one(call: Call, { type = '' }: Operation, criteria: Criteria) {
    const found = await finder.find(call, criteria, 2);
    if (found.length < 2) return found;
    throw several(type);
  }

  /** What is there under the keys that clients named; what conditions found was read with them. */
  async function currentOf(call: Call, works: Work[], places: Place[]): Promise<Map<string, Found>> {
    const named = namedKeys(works, places);
    const current = new Map<string, Found>();
    for (const purpose of ['update', 'delete'] as const) {
      const keys = named.filter((one) => one.purpose === purpose).map(({ key }) => key);
      for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
        for (const found of await asked(store.read(call, purpose, keys.slice(at, at + READ_AT_ONCE), true)))
          if (found !== undefined) current.set(nameOf(found), found);
      }
    }
    return current;
  }
}

const several = (type: string): FhirError =>
  failure('precondition', `Several ${type} resources match the condition; it must mean one.`);

/** Conditions that are looked for at once, and keys that are read at once, so that their texts do not fill the memory. */
const AT_ONCE = 16;
const READ_AT_ONCE = 50;

/** Two entries that would each make what the same condition does not find: there would be two of it. */
function refuseTwins(works: Work[], places: Place[], where: Where): void {
  const seen = new Map<string, Operation>();
  works.forEach(({ operation }, at) => {
    const { guard, key } = places[at] ?? {};
    if (guard === undefined || key === undefined) return;
    const other = seen.get(guard.name);
    if (other !== undefined) {
      const say = `${where(other, 'url')} has the same condition, which finds nothing: both would create it.`;
      throw failure('invalid', `${say} Create it once, and refer to that.`, where(operation, 'If-None-Exist'));
    }
    seen.set(guard.name, operation);
  });
}

/** Conditions may find the same resource that another entry names (R4 http.html#trules). */
function refuseOverlaps(steps: Step[], where: Where): void {
  const seen = new Map<string, Step>();
  for (const step of steps) {
    if (step.unchanged === true) continue;
    const other = seen.get(nameOf(step.key));
    if (other === undefined) seen.set(nameOf(step.key), step);
    else {
      assert(other.work !== step.work, 'A condition found one resource twice.');
      const say = `${nameOf(step.key)} is changed by another entry too (${where(other.work.operation, 'url')}).`;
      throw failure('invalid', `${say} Change it once.`, where(step.work.operation, 'url'));
    }
  }
}
