/**
 * Reading by key. A question to MongoDB costs about 100 µs however little it asks, so the reads that come in one turn of
 * the event loop share one.
 */
import type { Store } from '../port.js';
import { documentId, foundFields, keyOf, toFound, toVersion, versionFields } from './documents.js';
import { answered } from './errors.js';
import type { Parts } from './parts.js';
import { rawFields } from './raw.js';

export function createRead({
  collections: { versions },
  operationMs,
}: Parts): Pick<Store, 'read' | 'version' | 'blobsInUse'> {
  const options = { maxTimeMS: operationMs, raw: true };
  let waiting: Batch | undefined;

  /** The current documents of these keys and of those that others ask for just now. */
  function heads(keys: string[]): Promise<Heads> {
    if (waiting === undefined || waiting.keys.size + keys.length > BATCH) {
      const batch: Batch = {
        keys: new Set(),
        answer: new Promise((resolve) => setImmediate(resolve)).then(() => load(batch)),
      };
      waiting = batch;
    }
    for (const key of keys) waiting.keys.add(key);
    return waiting.answer;
  }

  async function load(batch: Batch): Promise<Heads> {
    if (waiting === batch) waiting = undefined;
    const filter = { key: { $in: [...batch.keys] }, head: true } as const;
    const cursor = versions.find(filter, { ...options, projection: foundFields, batchSize: batch.keys.size + 1 });
    const documents = (await cursor.toArray()) as unknown as Uint8Array[];
    return new Map(documents.map(rawFields).map((fields) => [fields.key as string, fields]));
  }

  return {
    async read(keys, reach) {
      if (keys.length === 0) return [];
      const names = keys.map(keyOf);
      const found: Heads = new Map();
      for (let at = 0; at < names.length; at += BATCH)
        for (const [key, fields] of await answered(heads(names.slice(at, at + BATCH)))) found.set(key, fields);
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
    async blobsInUse(hashes) {
      const named = { 'blob.hash': { $in: hashes, $exists: true } };
      return new Set(await answered(versions.distinct('blob.hash', named, { maxTimeMS: operationMs })));
    },
  };
}

/** Keys in one question. */
const BATCH = 1000;

type Heads = Map<string, ReturnType<typeof rawFields>>;

interface Batch {
  keys: Set<string>;
  answer: Promise<Heads>;
}
