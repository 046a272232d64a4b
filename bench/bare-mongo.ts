/** MongoDB without a server: the driver, one collection, text and search values in one document, majority with journal. */
import { MongoClient } from 'mongodb';
import type { BareStore } from './bare.js';

interface Stored {
  _id: string;
  t: string;
  s: string[];
  u: number;
}

export async function openBareMongo(url: string, database: string): Promise<BareStore> {
  const client = await MongoClient.connect(url, { maxPoolSize: 100, writeConcern: { w: 'majority', journal: true } });
  const collection = client.db(database).collection<Stored>('documents');
  await collection.createIndex({ s: 1, u: -1 });
  let written = 0;
  return {
    overlaps: true,
    async insert(documents) {
      const stored = documents.map(({ id, text, values }) => ({ _id: id, t: text, s: values, u: (written += 1) }));
      if (stored.length === 1 && stored[0] !== undefined) await collection.insertOne(stored[0]);
      else await collection.insertMany(stored, { ordered: false });
    },
    async read(id) {
      const found = await collection.findOne({ _id: id }, { projection: { t: 1 }, raw: true });
      return (found as unknown as Buffer | null)?.length ?? 0;
    },
    async search(value) {
      const options = { projection: { _id: 0, t: 1 }, sort: { u: -1 as const }, limit: 50, raw: true };
      const found = (await collection.find({ s: value }, options).toArray()) as unknown as Buffer[];
      return found.reduce((sum, bytes) => sum + bytes.length, 0);
    },
  };
}
