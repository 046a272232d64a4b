/**
 * What a write opens to whom: computed anew for each referral that it touches, from the state that it leaves, and kept by
 * the same write of the store. So a case opens and closes together with what says so, for every token and every page that
 * is under way, and a read costs one look. Two writes that touch the same referral cannot both be made from the same state:
 * the generation lets one of them begin again.
 */
import { patientsIn } from '../../access/compartment.js';
import type { Principal } from '../../access/principal.js';
import { failure } from '../../fhir/outcome.js';
import type { Clock } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import { Turns } from '../../kit/turns.js';
import type { SearchRegistry } from '../../search/registry.js';
import { SHOWS } from '../../search/shown.js';
import { isThere, REFERS, StoreError, type Change, type Opened, type Store, type Version } from '../../store/port.js';

import { createAgreements } from '../consents/agreements.js';
import { createConsents, type Consents } from '../consents/index.js';
import { keyOf, nameOf } from '../operations.js';
import { contentsOf } from './contents.js';
import { inDirectory } from './directory.js';
import { Lines } from './lines.js';
import { referralOf } from './referral.js';
import { demandTaskStep } from './steps.js';
import { touchedBy, type Touched, type Turn } from './touched.js';
import { World, type Shelf } from './world.js';

export interface Sharing {
  /** What goes with these changes into the same write. Throws 422 for what is more than a referral may be. */
  with(turns: readonly Turn[]): Promise<Shared>;
  /** Throws 403 where a write changes a Task by a step that is not this caller's; `all` is what is written with it. */
  demandStep(principal: Principal, turn: Turn, all: readonly Turn[]): Promise<void>;
  /** What these resources named before, and still do, and what is there: by `Type/id`. */
  keptBy(turns: readonly Turn[]): Promise<Set<string>>;
  /** Computes these anew from what is stored. */
  anew(vias: Iterable<string>): Promise<void>;
  /** What Consents among these stored resources say of whom. */
  consentsAnew(versions: readonly Version[]): Promise<void>;
}

export interface Shared {
  opened: Opened[];
  /** To be called when the write is over, made or not: others wait for it. */
  leave(): void;
  /**
   * To be called when the write is made. What was listed may have changed between the look and the write, and a listing
   * may have come between: each of two such writers looks again when it is done, so that the later one sees both.
   */
  settle(): Promise<void>;
}

export interface SharingParts {
  store: Store;
  base: string;
  registry: SearchRegistry;
  clock: Clock;
  /** Milliseconds that a completed referral stays open. */
  endMs: number;
  /** `REFERENTIAL_INTEGRITY=enforce` */
  enforced: boolean;
}

interface Computed {
  opened: Opened[];
  world: World;
}

interface Made extends Computed {
  touched: Touched;
  /** The generations of requests that open nothing. */
  idle: Map<string, number>;
  /** What is written anew and may lead to more. */
  leading: Turn[];
  /** Patients of whom a Consent says something else now. */
  judged: ReturnType<Consents['judged']>;
}

export function createSharing({ store, base, clock, endMs, enforced, registry }: SharingParts): Sharing {
  const { agreements, understand } = createAgreements({ store, registry, base });
  const consents = createConsents({ store, registry, base, understand });
  const shelf: Shelf = {
    ...store,
    agreements,
    patientsIn: (type, id, entries) => patientsIn(type, id, entries, registry),
  };
  const lines = new Lines();
  const worldOf = (changes: readonly Change[]): World => new World(shelf, base, changes);
  const via: Store['sharing']['via'] = async (keys) => (keys.length === 0 ? new Map() : store.sharing.via(keys));
  const of: Store['sharing']['of'] = async (vias) => (vias.length === 0 ? new Map() : store.sharing.of(vias));

  async function together(turns: readonly Turn[]): Promise<Shared> {
    const changes = turns.map(({ change }) => change);
    const touched = await touchedBy(turns, { world: worldOf(changes), before: worldOf([]), via, enforced });
    const { known, fresh, quiet, later } = touched;
    const judged = consents.judged(turns);
    for (const one of await openingOf(judged)) known.add(one);
    const beside = [...(await inDirectory(turns, of)), ...(await consents.concerning(turns))];
    const leading = turns.filter(({ change, was }) => isThere(was) && LEADING.has(change.type));
    const idle = await idleOf(quiet);
    for (const name of quiet) if (!idle.has(name)) known.add(name);
    if (known.size + fresh.size + quiet.size + later.size + leading.length + judged.length === 0)
      return { opened: beside, leave: nothing, settle: () => Promise.resolve() };
    const leave = await lines.join(known);
    try {
      const { opened, world } = await compute(known, fresh, changes);
      const settle = async () => settled({ opened, world, leading, judged, idle, touched });
      return { opened: [...beside, ...opened], leave, settle };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Those that open nothing now, and their generations: what is added to them opens nothing either. */
  async function idleOf(names: Set<string>): Promise<Map<string, number>> {
    const found = [...(await of([...names]))];
    return new Map(
      found.flatMap(([via, { generation, openings }]) => (openings.length === 0 ? [[via, generation]] : [])),
    );
  }

  /** The referrals that open something of one of these patients. */
  async function openingOf(judged: ReturnType<Consents['judged']>): Promise<string[]> {
    const found = await Promise.all(judged.map(({ owner, patient }) => consents.opening(owner, patient)));
    return found.flatMap((vias) => [...vias]).filter((one) => REFERRAL.test(one));
  }

  async function compute(known: Set<string>, fresh: Set<string>, changes: readonly Change[]): Promise<Computed> {
    if (known.size > limits.referralsTouched) throw tooMany(known.size);
    // Before anything is read: what others change from here on is a conflict.
    const before = await of([...known]);
    const world = worldOf(changes);
    const [opened, turns] = [[] as Opened[], new Turns()];
    let rows = 0;
    for (const name of [...known, ...fresh]) {
      if (turns.over) await turns.next();
      const was = before.get(name)?.generation ?? 0;
      const referral = await referralOf(name, world, endMs);
      const openings = referral === undefined ? [] : await contentsOf(referral, world, clock.now());
      rows += openings.length;
      if (rows > limits.openingsWritten) throw tooManyRows();
      // What begins empty needs no row; what others know of does, so that they meet.
      if (openings.length > 0 || (known.has(name) && (was > 0 || referral !== undefined)))
        opened.push({ via: name, was, openings });
    }
    return { opened, world };
  }

  /** The write is made, so whatever fails here must not refuse it: the next start then computes everything anew. */
  async function settled({ opened, world, leading, judged, idle, touched }: Made): Promise<void> {
    try {
      const { known, fresh, later } = touched;
      const by = await via(leading.map(({ change: { type, id } }) => ({ type, id })));
      const late = [...referralsAmong(by), ...(await openingOf(judged))];
      const again = new Set(late.filter((one) => !known.has(one) && !fresh.has(one) && !later.has(one)));
      const looked = [...opened.map((one) => one.via), ...idle.keys()];
      const now = await of(looked);
      const generationOf = (one: string): number => now.get(one)?.generation ?? 0;
      // What was added to a request that opened nothing: somebody has changed that meanwhile.
      for (const [one, was] of idle) if (generationOf(one) !== was) again.add(one);
      // Where others have computed a referral since, from what this write left, it is theirs to look once more.
      const last = opened.filter((one) => fresh.has(one.via) || generationOf(one.via) === one.was + 1);
      if (last.length > 0 && (await isMoved(world))) for (const one of last) again.add(one.via);
      if (again.size > 0) await anew(again);
      if (later.size > 0) await anew(later);
    } catch {
      await store.keeping.setNote('opened', undefined).catch(() => undefined);
    }
  }

  async function isMoved(world: World): Promise<boolean> {
    const { looked } = world;
    for (let at = 0; at < looked.length; at += AT_ONCE) {
      const some = looked.slice(at, at + AT_ONCE);
      const keys = some.map(({ name }) => keyOf(name));
      const owners = [...new Set((await store.ownersOf(keys)).filter((owner) => owner !== undefined))];
      const found = await store.read(keys, { owners }, true);
      if (some.some(({ version }, n) => (found[n]?.version ?? 0) !== version)) return true;
    }
    return (await world.isFoundOtherwise()) || world.agreedOtherwise();
  }

  async function anew(vias: Iterable<string>): Promise<void> {
    const all = [...new Set(vias)];
    for (let at = 0; at < all.length; at += AT_ONCE) await someAnew(new Set(all.slice(at, at + AT_ONCE)));
  }

  async function someAnew(some: Set<string>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const leave = await lines.join(some);
      try {
        const { opened, world } = await compute(some, new Set(), []);
        const changed = opened.filter(({ was, openings }) => was > 0 || openings.length > 0);
        if (changed.length > 0) await store.write([], [], undefined, undefined, { opened: changed });
        if (!(await isMoved(world))) return;
      } catch (error) {
        if (!(error instanceof StoreError && error.reason === 'conflict') || attempt >= limits.writeAttempts)
          throw error;
      } finally {
        leave();
      }
      if (attempt >= limits.writeAttempts) return;
    }
  }

  async function keptBy(turns: readonly Turn[]): Promise<Set<string>> {
    const before = worldOf([]);
    await before.load(turns.map(({ change }) => nameOf(change)));
    const [kept, added] = [new Set<string>(), new Set<string>()];
    for (const { change } of turns) {
      const was = before.at(nameOf(change));
      const named = new Set(was === undefined ? [] : linksOf(was.found));
      for (const name of linksOf(change)) (named.has(name) ? kept : added).add(name);
    }
    const both = [...kept].filter((name) => !added.has(name));
    return new Set((await before.all(both)).map(({ name }) => name));
  }

  return {
    with: together,
    demandStep: (principal, { was, change }, all) =>
      demandTaskStep(principal, was, change, worldOf(all.map((one) => one.change))),
    keptBy,
    anew,
    async consentsAnew(versions) {
      const turns = versions.filter(isThere).map((version) => ({ change: { ...version, entries: [] }, was: version }));
      const opened = await consents.concerning(turns);
      // Whoever writes one meanwhile does so by the same rules.
      if (opened.length > 0) await store.write([], [], undefined, undefined, { opened }).catch(unlessOvertaken);
    },
  };
}

const linksOf = ({ entries }: Pick<Change, 'entries'>): string[] =>
  entries.flatMap((entry) => (LINKS.has(entry.param) ? [entry.value] : []));

const LINKS: ReadonlySet<string> = new Set([REFERS, SHOWS]);

function unlessOvertaken(error: unknown): void {
  if (!(error instanceof StoreError && error.reason === 'conflict')) throw error;
}

const nothing = (): void => undefined;

/** What leads from a listed resource to more: a change of it is looked at once more. */
const LEADING: ReadonlySet<string> = new Set([
  'Communication',
  'DiagnosticReport',
  'DocumentReference',
  'Media',
  'Observation',
  'Patient',
  'QuestionnaireResponse',
]);

const referralsAmong = (by: Map<string, string[]>): string[] =>
  [...by.values()].flat().filter((via) => REFERRAL.test(via));

const REFERRAL = /^(?:ServiceRequest|Task)\//;

/** Resources that are looked at once more together, and referrals that are computed together. */
const AT_ONCE = 100;

const tooMany = (count: number) =>
  failure(
    'unprocessable',
    `This write would change ${count} referrals at once; it may change ${limits.referralsTouched} (limit referralsTouched). Send it in parts.`,
  );

const tooManyRows = () =>
  failure(
    'unprocessable',
    `This write would open more than ${limits.openingsWritten} resources (limit openingsWritten). Send it in parts.`,
    'ServiceRequest.supportingInfo',
  );
