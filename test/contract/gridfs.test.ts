import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { MongoClient, ObjectId, type Db } from 'mongodb';
import { createGridFsBlobs } from '../../src/blob/gridfs.js';
import { createFakeClock } from './store.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { blobsContract } from './blobs.js';

describeMongo('blobs', (url) => {
  const ids = async (db: Db) => {
    const of = (name: string, field: string) => db.collection(`blobs.${name}`).distinct(field);
    const halves = await db.collection('blobs.incoming').distinct('_id', { hash: { $exists: false } });
    const all = [await of('files', '_id'), await of('chunks', 'files_id'), halves];
    return new Set(all.flat().map(String));
  };

  async function open(clock = createFakeClock(), database = freshDatabase()) {
    const client = await MongoClient.connect(url);
    const db = client.db(database);
    const blobs = await createGridFsBlobs({ url, database, clock });
    const close = async () => {
      await blobs.close();
      await db.dropDatabase();
      await client.close();
    };
    const another = () => createGridFsBlobs({ url, database, clock });
    return { blobs, db, clock, another, stored: async () => (await ids(db)).size, close };
  }

  blobsContract('GridFS', () => open());

  test('what a process left half-written is removed when the next one starts, but not what is still coming', async () => {
    const clock = createFakeClock();
    const { db, blobs, close } = await open(clock);
    const kept = await blobs.put(Readable.from([randomBytes(1000)]), 1000);
    await blobs.settled(kept);
    const published = await db.collection('blobs.files').findOne({});
    const [old, young] = [new ObjectId(), new ObjectId()];
    const day = 24 * 3600 * 1000;
    await db.collection<{ since: number }>('blobs.incoming').insertMany([
      { _id: old, since: clock.now() - day - 1 },
      { _id: published!._id, since: clock.now() - day - 1 },
      { _id: young, since: clock.now() - day },
    ]);
    for (const id of [old, young])
      await db.collection('blobs.chunks').insertOne({ files_id: id, n: 0, data: randomBytes(10) });
    const next = await createGridFsBlobs({ url, database: db.databaseName, clock });
    expect(await ids(db)).toEqual(new Set([String(young), String(published?._id)]));
    const got = await next.get(kept);
    expect(got && (await buffer(got))).toHaveLength(1000);
    expect(await db.collection('blobs.incoming').countDocuments()).toBe(1);
    await next.close();
    await close();
  });

  test('the tools of GridFS can read a blob', async () => {
    const { db, blobs, close } = await open();
    const bytes = randomBytes(2_500_000);
    const { hash } = await blobs.put(Readable.from([bytes]), 3_000_000);
    const { GridFSBucket } = await import('mongodb');
    const read = await buffer(new GridFSBucket(db, { bucketName: 'blobs' }).openDownloadStreamByName(hash));
    expect(read.equals(bytes)).toBe(true);
    await close();
  });
});
