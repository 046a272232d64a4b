/** Reading by key. */
import type { Document } from 'mongodb';
import { isOpen } from '../../search/opened.js';
import type { Key, Reach, Store, ValueOf, Version } from '../port.js';
import type { VersionFilter } from './compile.js';
import { documentId, foundFields, keyOf, opennessIn, toFound, toVersion, versionFields } from './documents.js';
import { answered } from './errors.js';
import { openTo } from './openings.js';
import type { Parts } from './parts.js';
import { rawFields, type RawFields } from './raw.js';
import { mostlyNone, together } from './together.js';

export function createRead({
  collections: { versions },
  operationMs,
}: Parts): Pick<Store, 'read' | 'version' | 'ownersOf' | 'having' | 'blobsInUse'> {
  const options = { maxTimeMS: operationMs, raw: true };

  /** The current documents of these keys that may be seen; of others not a byte comes here, so that none is waited for. */
  const headsOf = (seen: VersionFilter, projection: Document) =>
    together(async (keys): Promise<Map<string, RawFields>> => {
      const filter = { key: { $in: keys }, head: true as const, ...seen };
      const cursor = versions.find(filter, { ...options, hint: 'head', projection, batchSize: keys.length + 1 });
      const documents = (await cursor.toArray()) as unknown as Uint8Array[];
      return new Map(documents.map(rawFields).map((fields) => [fields.key as string, fields]));
    });
  const owners = headsOf({}, { key: 1, o: 1 });

  /** Those who see the same ask together. */
  const known = new Map<string, ReturnType<typeof headsOf>>();
  function headsFor({ owners, opened }: Reach, bare: boolean): ReturnType<typeof headsOf> {
    const name = JSON.stringify([bare, owners, opened?.to]);
    let heads = known.get(name);
    if (heads === undefined) {
      const own: VersionFilter = { o: { $in: owners } };
      heads =
        opened === undefined
          ? headsOf(own, foundFields(bare))
          : headsOf({ $or: [own, { 'open.to': { $in: [...opened.to] } }] }, { ...foundFields(bare), open: 1 });
      if (known.size >= KEPT) known.clear();
      known.set(name, heads);
    }
    return heads;
  }

  async function having({ type, param }: ValueOf, [values, atMost]: Having): Promise<Key[]> {
    // No owner is given: between two of them the index `value` is skipped through.
    const filter: VersionFilter = {
      live: { $eq: type },
      s: { $elemMatch: { p: { $eq: param }, v: { $in: [...values] } } },
    };
    const shown = { projection: { _id: 0, t: 1, i: 1 }, limit: atMost } as const;
    const found = await versions.find(filter, { maxTimeMS: operationMs, hint: 'value', ...shown }).toArray();
    return found.map(({ t, i }) => ({ type: t, id: i }));
  }

  /** By what they have it: mostly nobody has any of those values. */
  const havings = new Map<string, (asked: Having) => Promise<Key[] | undefined>>();
  function havingOf(by: ValueOf): (asked: Having) => Promise<Key[] | undefined> {
    const name = `${by.type}.${by.param}`;
    const ask =
      havings.get(name) ??
      mostlyNone<Having, Key[]>(
        async (all) => (await having(by, [all.flatMap(([values]) => values), 1])).length > 0,
        (one) => having(by, one),
      );
    havings.set(name, ask);
    return ask;
  }

  async function versionOf(filter: VersionFilter): Promise<Version | undefined> {
    const cursor = versions.find(filter, { ...options, projection: versionFields, limit: 1 });
    const [document] = (await answered(cursor.toArray())) as unknown as Uint8Array[];
    return document === undefined ? undefined : toVersion(rawFields(document));
  }

  return {
    async read(keys, reach, bare = false) {
      if (keys.length === 0) return [];
      const names = keys.map(keyOf);
      const found = await answered(headsFor(reach, bare)(names));
      return names.map((name) => {
        const fields = found.get(name);
        if (fields === undefined) return undefined;
        // What is open to them may be so at another time.
        const isOwn = reach.owners.includes(fields.o as string);
        return isOwn || isOpen(opennessIn(fields), reach.opened) ? toFound(fields) : undefined;
      });
    },
    async version(key, version, reach) {
      const _id = { $eq: documentId(keyOf(key), version) };
      const own = await versionOf({ _id, o: { $in: reach.owners } });
      if (own !== undefined || reach.opened === undefined) return own;
      // Whether it is open, its newest version says.
      const newest = { key: { $eq: keyOf(key) }, head: true as const, ...openTo(reach.opened) };
      const open = await answered(versions.findOne(newest, { maxTimeMS: operationMs, projection: { _id: 1 } }));
      return open === null ? undefined : versionOf({ _id });
    },
    async ownersOf(keys) {
      if (keys.length === 0) return [];
      const found = await answered(owners(keys.map(keyOf)));
      return keys.map((key) => found.get(keyOf(key))?.o as string | undefined);
    },
    having: async (by, values, atMost) => (await answered(havingOf(by)([[...values], atMost]))) ?? [],
    async blobsInUse(hashes) {
      const named = { 'blob.hash': { $in: hashes, $exists: true } };
      return new Set(await answered(versions.distinct('blob.hash', named, { maxTimeMS: operationMs })));
    },
  };
}

type Having = [values: string[], atMost: number];

/** So many different reaches are known at once. */
const KEPT = 1000;
