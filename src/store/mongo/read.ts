/** Reading by key. */
import type { Store, Version } from '../port.js';
import type { VersionFilter } from './compile.js';
import { documentId, foundFields, keyOf, openOf, toFound, toVersion, versionFields } from './documents.js';
import { answered } from './errors.js';
import { isSeen, openTo } from './openings.js';
import type { Parts } from './parts.js';
import { rawFields, type RawFields } from './raw.js';
import { together } from './together.js';

export function createRead({
  collections: { versions },
  operationMs,
}: Parts): Pick<Store, 'read' | 'version' | 'ownersOf' | 'blobsInUse'> {
  const options = { maxTimeMS: operationMs, raw: true };

  /** The current documents of these keys. */
  const headsOf = (bare: boolean) =>
    together(async (keys): Promise<Map<string, RawFields>> => {
      const filter = { key: { $in: keys }, head: true } as const;
      const projection = { ...foundFields(bare), open: 1 };
      const cursor = versions.find(filter, { ...options, projection, batchSize: keys.length + 1 });
      const documents = (await cursor.toArray()) as unknown as Uint8Array[];
      return new Map(documents.map(rawFields).map((fields) => [fields.key as string, fields]));
    });
  const [whole, bareHeads] = [headsOf(false), headsOf(true)];

  async function versionOf(filter: VersionFilter): Promise<Version | undefined> {
    const cursor = versions.find(filter, { ...options, projection: versionFields, limit: 1 });
    const [document] = (await answered(cursor.toArray())) as unknown as Uint8Array[];
    return document === undefined ? undefined : toVersion(rawFields(document));
  }

  return {
    async read(keys, reach, bare = false) {
      if (keys.length === 0) return [];
      const names = keys.map(keyOf);
      const found = await answered((bare ? bareHeads : whole)(names));
      return names.map((name) => {
        const fields = found.get(name);
        // Whoever shares the question may see other owners: what this reach does not see is not there.
        return fields !== undefined && isSeen({ o: fields.o as string, open: openOf(fields) }, reach)
          ? toFound(fields)
          : undefined;
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
      const found = await answered(bareHeads(keys.map(keyOf)));
      return keys.map((key) => found.get(keyOf(key))?.o as string | undefined);
    },
    async blobsInUse(hashes) {
      const named = { 'blob.hash': { $in: hashes, $exists: true } };
      return new Set(await answered(versions.distinct('blob.hash', named, { maxTimeMS: operationMs })));
    },
  };
}
