/**
 * A place is an owner and ids that no other test has, so that tests share one store and do not meet. Inside a test
 * ids are short (`Patient/a`); the place makes them unique on the way in and short again on the way out.
 */
import assert from 'node:assert/strict';
import type { BlobRef } from '../../../src/blob/port.js';
import type { Entry, Order, Plan } from '../../../src/search/plan.js';
import type { Change, Found, Key, Method, Reach, Store, Version } from '../../../src/store/port.js';

export interface Parts {
  entries?: Entry[];
  text?: string;
  owner?: string;
  updated?: number;
  method?: Method;
  blob?: BlobRef;
  document?: object;
}

export type Place = ReturnType<ReturnType<typeof createPlaces>>;

let places = 0;
let instant = Date.UTC(2023, 0, 1);

export function createPlaces(store: () => Store) {
  return function createPlace() {
    places += 1;
    const name = `p${places.toString(36)}`;
    const owner = `org-${name}`;
    const reach: Reach = { owners: [owner] };

    function key(reference: string): Key {
      const [type = '', id = ''] = reference.split('/');
      return { type, id: `${name}-${id}` };
    }

    function reference(short: string): string {
      return `${key(short).type}/${key(short).id}`;
    }

    function short(version: Key): string {
      return version.id.slice(name.length + 1);
    }

    function change(at: string, version: number, parts: Parts = {}): Change {
      instant += 1000;
      const { type, id } = key(at);
      return {
        type,
        id,
        version,
        updated: parts.updated ?? instant,
        owner: parts.owner ?? owner,
        method: parts.method ?? 'PUT',
        text: parts.text ?? JSON.stringify({ resourceType: type, id, meta: { versionId: String(version) } }),
        entries: parts.entries ?? [],
        ...(parts.blob === undefined ? {} : { blob: parts.blob }),
        ...(parts.document === undefined ? {} : { document: parts.document }),
      };
    }

    function deletion(at: string, version: number, parts: Parts = {}): Change {
      return { ...change(at, version, { method: 'DELETE', ...parts }), text: undefined, entries: [] };
    }

    /** Writes the first version of each, all in one write. */
    async function create(rows: Record<string, Entry[]>, parts: Parts = {}): Promise<void> {
      await store().write(Object.entries(rows).map(([at, entries]) => change(at, 1, { ...parts, entries })));
    }

    /** The short ids that a search finds, in their order. */
    async function search(types: string[], plan: Plan, order: Order[] = [], within = reach): Promise<string[]> {
      const page = await store().search(types, plan, order, { size: 1000 }, within);
      return page.items.map(short);
    }

    async function found(types: string[], plan: Plan, within = reach): Promise<string[]> {
      return (await search(types, plan, [], within)).sort();
    }

    return { name, owner, reach, key, reference, short, change, deletion, create, search, found };
  };
}

/** What a Found has as a Version, so that the two can be compared. */
export function versionOf(change: Version): Version {
  const { type, id, version, updated, owner, method, text, blob } = change;
  return { type, id, version, updated, owner, method, text, ...(blob === undefined ? {} : { blob }) };
}

/** What was found, as the change that it was written by; a store that has bytes has the text's. */
export function changeOf(found: Found | undefined): Change | undefined {
  if (found === undefined) return undefined;
  if (found.utf8 !== undefined) assert.equal(Buffer.from(found.utf8).toString(), found.text);
  return { ...versionOf(found), entries: found.entries };
}

/** Entries are a set: their order is nobody's business. */
export function sortedEntries(entries: readonly Entry[]): string[] {
  return entries.map((entry) => Object.entries(entry).sort().join(' ')).sort();
}

export const text = (param: string, value: string, detail = ''): Entry => ({ param, value, detail });

export const range = (param: string, low: number, high = low, value = ''): Entry => ({ param, value, low, high });

export const is = (param: string, ...values: string[]): Plan => ({
  node: 'entry',
  param,
  test: { kind: 'text', value: { is: values } },
});
