/** Reading by key. */
import type { Store } from '../port.js';
import { documentId, foundFields, keyOf, toFound, toVersion, versionFields } from './documents.js';
import { answered } from './errors.js';
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
      const cursor = versions.find(filter, { ...options, projection: foundFields(bare), batchSize: keys.length + 1 });
      const documents = (await cursor.toArray()) as unknown as Uint8Array[];
      return new Map(documents.map(rawFields).map((fields) => [fields.key as string, fields]));
    });
  const [whole, bareHeads] = [headsOf(false), headsOf(true)];

  return {
    async read(keys, reach, bare = false) {
      if (keys.length === 0) return [];
      const names = keys.map(keyOf);
      const found = await answered((bare ? bareHeads : whole)(names));
      return names.map((name) => {
        const fields = found.get(name);
        // Whoever shares the question may see other owners: what this reach does not see is not there.
        return fields !== undefined && reach.owners.includes(fields.o as string) ? toFound(fields) : undefined;
      });
    },
    async version(key, version, reach) {
      const filter = { _id: { $eq: documentId(keyOf(key), version) }, o: { $in: reach.owners } };
      const cursor = versions.find(filter, { ...options, projection: versionFields, limit: 1 });
      const [document] = (await answered(cursor.toArray())) as unknown as Uint8Array[];
      return document === undefined ? undefined : toVersion(rawFields(document));
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
