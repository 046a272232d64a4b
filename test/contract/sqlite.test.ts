import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { storeContract, type Open } from './store.js';

const open = async (clock: Parameters<Open>[0], parts: { few?: number; joinTargets?: number } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-sqlite-'));
  const options = { file: join(folder, 'store.db'), clock, ...parts };
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
};

storeContract('SQLite', open);
// With larger data it walks where it would sort; so it does here, when nothing counts as few.
storeContract('SQLite with much data', (clock, parts) => open(clock, { ...parts, few: 0 }), {
  only: ['search', 'sort', 'page', 'openings'],
});
