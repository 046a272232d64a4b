import { ClientSession, MongoClient } from 'mongodb';
import { openMongoStore } from '../../src/store/mongo/index.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { storeContract } from './store.js';

describeMongo('the store', (url) => {
  storeContract('MongoDB', async (clock, parts = {}) => {
    const options = { url, database: freshDatabase(), clock, ...parts };
    let store = await openMongoStore(options);
    const commit = Object.getOwnPropertyDescriptor(ClientSession.prototype, 'commitTransaction');
    return {
      store,
      async reopen() {
        await store.close();
        store = await openMongoStore(options);
        return store;
      },
      delayCommits(milliseconds) {
        ClientSession.prototype.commitTransaction = async function (...given) {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * milliseconds));
          await (commit?.value as ClientSession['commitTransaction']).apply(this, given);
        };
      },
      async close() {
        Object.defineProperty(ClientSession.prototype, 'commitTransaction', commit ?? {});
        await store.close();
        const client = await MongoClient.connect(url);
        await client.db(options.database).dropDatabase();
        await client.close();
      },
    };
  });
});
