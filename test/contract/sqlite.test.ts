import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { storeContract } from './store.js';

storeContract('SQLite', async (clock) => {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-sqlite-'));
  const options = { file: join(folder, 'store.db'), clock };
  let store = openSqliteStore(options);
  return {
    store,
    async reopen() {
      await store.close();
      store = openSqliteStore(options);
      return store;
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
