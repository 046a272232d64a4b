/** A repository over a store of its own, of either kind, for tests of what no request can make happen. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccess } from '../../src/access/constraint.js';
import { operator } from '../../src/access/principal.js';
import { createFileBlobs } from '../../src/blob/files.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { createIndexing } from '../../src/repository/reindex.js';
import { createRepository } from '../../src/repository/repository.js';
import { createRegistry } from '../../src/search/registry.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import type { Store } from '../../src/store/port.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { createResponseCheck } from '../../src/validate/response.js';
import { createValidator } from '../../src/validate/validator.js';
import { createFakeClock, type FakeClock } from '../contract/store.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

const base = 'http://localhost/fhir';
const definitions = loadDefinitions();
const validator = createValidator(definitions);
const registry = createRegistry(definitions);
const { extract } = createIndexing(registry, base);

export interface Doors {
  store: Store;
  clock: FakeClock;
  call: { id: string; at: number; principal: typeof operator };
  /** A repository over this store, or over one that stands before it. */
  over(store?: Store): ReturnType<typeof createRepository>;
  /** The same data, opened once more, as another process has it. */
  another(): Promise<Store>;
}

/** Runs the suite on both stores; each test has data of its own. */
export function describeDoors(name: string, suite: (doors: Doors) => void): void {
  describe(`SQLite: ${name}`, () =>
    suite(doors((folder, clock) => Promise.resolve(openSqliteStore({ file: join(folder, 'store.db'), clock })))));
  describeMongo(name, (url) => {
    const databases = new Map<string, string>();
    suite(
      doors((folder, clock) => {
        const database = databases.get(folder) ?? freshDatabase();
        databases.set(folder, database);
        return openMongoStore({ url, database, clock });
      }),
    );
  });
}

function doors(open: (folder: string, clock: FakeClock) => Promise<Store>): Doors {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const here = { clock, call: { id: 'test', at: clock.now(), principal: operator } } as Doors;
  let [folder, opened] = ['', [] as { close(): Promise<void> }[]];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-door-'));
    const blobs = await createFileBlobs({ folder: join(folder, 'blobs'), clock });
    const store = await open(folder, clock);
    opened = [store];
    Object.assign(here, {
      store,
      over: (before = store) =>
        createRepository({
          store: before,
          access: createAccess(registry, base),
          blobs,
          clock,
          validator,
          extract,
          prepare: () => Promise.reject(new Error('Nothing is large here.')),
          registry,
          base,
          responses: createResponseCheck({ definitions, base, required: false }),
          integrity: 'off',
          deletesMultiple: false,
          emergencyMs: 3_600_000,
          requiresIfMatch: false,
        }),
      async another() {
        const other = await open(folder, clock);
        opened.push(other);
        return other;
      },
    });
  });
  afterEach(async () => {
    for (const one of opened) await one.close();
    await rm(folder, { recursive: true, force: true });
  });
  return here;
}
