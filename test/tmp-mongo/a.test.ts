import { MongoClient } from 'mongodb';
import { describeMongo } from '../support/mongo.js';
describeMongo('try', (url) => {
  it('connects', async () => {
    const client = await MongoClient.connect(url);
    expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
    await client.close();
  });
});
