/**
 * The resources as one write will leave them, read with the server's own eyes: its changes, laid over what is stored.
 * What a referral opens does not depend on who happens to write. Each resource is read once for one attempt.
 */
import type { Agreement } from '../../access/consent/consent.js';
import { parseReference } from '../../fhir/reference.js';
import type { Element, ResourceType } from '../../fhir/types.js';
import type { Instant } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import { isRange, type Entry, type Plan } from '../../search/plan.js';
import { SECURITY } from '../../search/shown.js';
import {
  isThere,
  REFERS,
  type Change,
  type Found,
  type Key,
  type Owner,
  type Position,
  type Store,
} from '../../store/port.js';
import type { Agreements } from '../consents/agreements.js';
import { keyOf, nameOf } from '../operations.js';

/** What is asked of a store. */
export type Shelf = Pick<Store, 'ownersOf' | 'read' | 'search' | 'history'> & {
  erasing: Pick<Store['erasing'], 'referrers'>;
  agreements: Agreements;
  /** The ids of the patients whom a resource says it is about. */
  patientsIn: (type: ResourceType, id: string, entries: readonly Entry[]) => string[];
};

/** A resource that is there. */
export interface Known {
  name: string;
  key: Key;
  owner: Owner;
  found: Found;
  /** What it says; read when it is asked for. */
  readonly says: Element;
}

export class World {
  readonly #shelf: Shelf;
  readonly #base: string;
  readonly #changes: ReadonlyMap<string, Change>;
  readonly #owners = new Map<string, Owner | undefined>();
  readonly #found = new Map<string, Found | undefined>();
  readonly #known = new Map<string, Known>();
  readonly #agreed = new Map<string, Promise<Agreement[]>>();
  /** What was looked for, and what was there; what the write itself changes is not among it. */
  readonly #asked = new Map<string, { were: string; again: () => Promise<Key[]> }>();

  /** @param base this server's, whose absolute references are local ones */
  constructor(shelf: Shelf, base: string, changes: readonly Change[]) {
    this.#shelf = shelf;
    this.#base = base;
    this.#changes = new Map(changes.map((change) => [nameOf(change), change]));
  }

  /** Whatever was looked at, and in which version; what the write itself changes is not among it. */
  get looked(): { name: string; version: number }[] {
    return [...this.#found].flatMap(([name, found]) =>
      this.#changes.has(name) ? [] : [{ name, version: found?.version ?? 0 }],
    );
  }

  /** Asks whose these are, so that `ownerOf` knows. */
  async loadOwners(names: Iterable<string>): Promise<void> {
    const asked = [...new Set(names)].filter((name) => !this.#owners.has(name));
    if (asked.length === 0) return;
    const owners = await this.#shelf.ownersOf(asked.map(keyOf));
    asked.forEach((name, at) => this.#owners.set(name, this.#changes.get(name)?.owner ?? owners[at]));
  }

  /** Who owns the current version, a deletion too; undefined for what never was. */
  ownerOf(name: string): Owner | undefined {
    return this.#owners.get(name);
  }

  /** Reads these, so that `at` knows them. */
  async load(names: Iterable<string>): Promise<void> {
    const unread = [...new Set(names)].filter((name) => !this.#found.has(name));
    await this.loadOwners(unread);
    const asked: string[] = [];
    for (const name of unread) {
      const change = this.#changes.get(name);
      if (change === undefined && this.ownerOf(name) !== undefined) asked.push(name);
      else this.#found.set(name, change);
    }
    for (let at = 0; at < asked.length; at += READ_AT_ONCE) {
      const some = asked.slice(at, at + READ_AT_ONCE);
      const owners = [...new Set(some.flatMap((name) => this.ownerOf(name) ?? []))];
      const found = await this.#shelf.read(some.map(keyOf), { owners });
      some.forEach((name, n) => this.#found.set(name, found[n]));
    }
  }

  /** Undefined for what is not there, or deleted. Loaded before. */
  at(name: string): Known | undefined {
    const known = this.#known.get(name);
    const found = this.#found.get(name);
    if (known !== undefined || !isThere(found)) return known;
    const made = knownOf(name, found);
    this.#known.set(name, made);
    return made;
  }

  async all(names: Iterable<string>): Promise<Known[]> {
    const list = [...new Set(names)];
    await this.load(list);
    return list.flatMap((name) => this.at(name) ?? []);
  }

  /** What refers to one of these, by whatever element; of all owners, or of all but one. */
  async referrers(names: readonly string[], atMost: number, without?: Owner): Promise<Known[]> {
    const ask = (): Promise<Key[]> => this.#shelf.erasing.referrers(names.map(keyOf), atMost, undefined, without);
    const found = await this.#looked(JSON.stringify([names, without]), ask, (change) => change.owner !== without);
    return found.filter(({ found: one }) => refersTo(one, names));
  }

  /** The owner's resources of a type with this text among the values of a search parameter; beyond `atMost` not all. */
  async valued(type: ResourceType, owner: Owner, param: string, value: string, atMost: number): Promise<Known[]> {
    const ask = async (): Promise<Key[]> => {
      const keys: Key[] = [];
      for await (const some of this.keysValued(type, owner, param, value)) {
        keys.push(...some);
        if (keys.length > atMost) break;
      }
      return keys;
    };
    const isOne = (change: Change): boolean => change.type === type && change.owner === owner;
    const found = await this.#looked(JSON.stringify([type, owner, param, value]), ask, isOne);
    return found.filter(({ found: { entries } }) =>
      entries.some((entry) => entry.param === param && entry.value === value),
    );
  }

  /** The same as keys, page by page, as they are stored. */
  async *keysValued(type: ResourceType, owner: Owner, param: string, value: string): AsyncGenerator<Key[]> {
    const plan: Plan = { node: 'entry', param, test: { kind: 'text', value: { is: [value] } } };
    let after: { after?: Position } = {};
    for (;;) {
      const request = { size: READ_AT_ONCE, bytes: limits.bundleBytes, bare: true, ...after };
      const page = await this.#shelf.search([type], plan, [], request, { owners: [owner] });
      yield page.items.map(({ type, id }) => ({ type, id }));
      if (page.next === undefined) return;
      after = { after: page.next };
    }
  }

  /** What is stored, and what the write changes that may be among it, whether it was before or not. */
  async #looked(name: string, again: () => Promise<Key[]>, isOne: (change: Change) => boolean): Promise<Known[]> {
    const stored = await again();
    this.#asked.set(name, { were: this.#othersIn(stored), again });
    const written = [...this.#changes.values()].filter(isOne);
    return this.all([...stored, ...written].map(nameOf));
  }

  /** Whether others have come since to what was looked for, or have gone. */
  async isFoundOtherwise(): Promise<boolean> {
    for (const { were, again } of this.#asked.values()) if (this.#othersIn(await again()) !== were) return true;
    return false;
  }

  #othersIn(keys: readonly Key[]): string {
    const others = keys.map(nameOf).filter((name) => !this.#changes.has(name));
    return [...new Set(others)].sort().join(' ');
  }

  /** Since when, without a break, a resource has had the status that it has; 0 when that cannot be told. */
  async since({ key, owner, found, says: { status } }: Known): Promise<Instant> {
    let [since, next] = [found.updated, found.version];
    let after: { after?: Position } = {};
    for (let looked = 0; looked < limits.statusVersions; looked += PAGE) {
      const page = await this.#shelf.history(key, { size: PAGE, ...after }, { owners: [owner] });
      for (const version of page.items) {
        if (version.version >= next) continue;
        if (!isThere(version) || (JSON.parse(version.text ?? '{}') as Element).status !== status) return since;
        [since, next] = [version.updated, version.version];
      }
      if (page.next === undefined) return since;
      after = { after: page.next };
    }
    return 0;
  }

  /** What a patient of an organization has agreed to. */
  agreements(owner: Owner, patient: string): Promise<Agreement[]> {
    const key = JSON.stringify([owner, patient]);
    const known = this.#agreed.get(key) ?? this.#shelf.agreements(owner, [patient], [...this.#changes.values()]);
    this.#agreed.set(key, known);
    return known;
  }

  /** Whether, by what is stored now, somebody has agreed to something else than was looked at. */
  async agreedOtherwise(): Promise<boolean> {
    for (const [key, agreed] of this.#agreed) {
      const [owner, patient] = JSON.parse(key) as [Owner, string];
      if (signOf(await this.#shelf.agreements(owner, [patient])) !== signOf(await agreed)) return true;
    }
    return false;
  }

  /** The patients whom a resource is about; of bytes, those of what their security context names. */
  async patientsOf(one: Known): Promise<string[]> {
    const contexts = (await this.all(contextsOf(one))).map((context) => this.#patientsIn(context));
    return [...new Set([...this.#patientsIn(one), ...contexts.flat()])];
  }

  /** All by which it is told whom a resource is about. */
  aboutWhom(one: Known): string[] {
    return [...this.#patientsIn(one), ...contextsOf(one)];
  }

  #patientsIn({ found: { entries, id, type } }: Known): string[] {
    return this.#shelf.patientsIn(type, id, entries);
  }

  /** The resources of this server that the References at a place name: `restriction.recipient`, through all lists. */
  named(says: unknown, place: string): string[] {
    return namedAt(says, place, this.#base);
  }

  local(value: unknown): string | undefined {
    return localOf(value, this.#base);
  }
}

/** The resources of this server that the References at a place name, as `Type/id`. */
export const namedAt = (says: unknown, place: string, base: string): string[] =>
  valuesAt(says, place.split('.')).flatMap((value) => localOf(value, base) ?? []);

function localOf(value: unknown, base: string): string | undefined {
  const reference = (value as { reference?: unknown } | null)?.reference;
  const parsed = typeof reference === 'string' ? parseReference(reference, base) : undefined;
  return parsed?.kind === 'resource' && parsed.base === undefined ? nameOf(parsed) : undefined;
}

/** The values at a place, where each step may lead through a list. */
export function valuesAt(value: unknown, steps: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, steps));
  const [step, ...more] = steps;
  if (step === undefined) return value === undefined ? [] : [value];
  return typeof value === 'object' && value !== null ? valuesAt((value as Element)[step], more) : [];
}

const contextsOf = ({ found: { entries } }: Known): string[] =>
  entries.flatMap((entry) => (entry.param === SECURITY && !isRange(entry) ? [entry.value] : []));

/** In an order of its own: a store gives them in another one after each write. */
const signOf = (agreements: readonly Agreement[]): string =>
  agreements
    .map((one) => JSON.stringify(one))
    .sort()
    .join('\n');

const refersTo = ({ entries }: Pick<Found, 'entries'>, names: readonly string[]): boolean =>
  entries.some((entry) => entry.param === REFERS && names.includes(entry.value));

export function knownOf(name: string, found: Found): Known {
  let says: Element | undefined;
  return {
    name,
    key: { type: found.type, id: found.id },
    owner: found.owner,
    found,
    get says() {
      says ??= JSON.parse(found.text ?? '{}') as Element;
      return says;
    },
  };
}

/** Keys that are read at once, so that their texts do not fill the memory. */
const READ_AT_ONCE = 100;
/** Versions that are looked at at once for when a status began. */
const PAGE = 50;
