/** The collector beside the repository: a fall between blob and resource leaves an orphan for it, and nothing else. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createAccess } from '../../src/access/constraint.js';
import { operator } from '../../src/access/principal.js';
import { createFileBlobs } from '../../src/blob/files.js';
import { createGridFsBlobs } from '../../src/blob/gridfs.js';
import type { Blobs } from '../../src/blob/port.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { createCollector } from '../../src/repository/collect.js';
import { createRepository } from '../../src/repository/repository.js';
import { createRegistry } from '../../src/search/registry.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import { StoreError, type Store } from '../../src/store/port.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { createResponseCheck } from '../../src/validate/response.js';
import { createValidator } from '../../src/validate/validator.js';
import { createFakeClock } from '../contract/store.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

const definitions = loadDefinitions();
const validator = createValidator(definitions);
const registry = createRegistry(definitions);
const clock = createFakeClock();
const HOUR = 3_600_000;
const call = { id: 'test', at: 0, principal: operator };

interface Place {
  store: Store;
  blobs: Blobs;
  close(): Promise<void>;
}

function collecting(open: () => Promise<Place>): void {
  let place: Place;
  beforeEach(async () => {
    place = await open();
  });
  afterEach(() => place.close());

  const repositoryOver = (store: Store) =>
    createRepository({
      store,
      access: createAccess(registry, 'http://localhost/fhir'),
      blobs: place.blobs,
      clock,
      validator,
      extract: () => [],
      prepare: () => Promise.reject(new Error('Nothing is large here.')),
      registry,
      base: 'http://localhost/fhir',
      responses: createResponseCheck({ definitions, base: 'http://localhost/fhir', required: false }),
      emergencyMs: 0,
      integrity: 'off',
      deletesMultiple: false,
      requiresIfMatch: false,
    });
  const upload = (bytes: Buffer) => ({ contentType: 'application/octet-stream', bytes: Readable.from([bytes]) });
  const count = async () => {
    let found = 0;
    for await (const _one of place.blobs.list()) found += 1;
    return found;
  };
  const failing = (reason: 'unavailable' | 'unknown'): Store => ({
    ...place.store,
    write: () => Promise.reject(new StoreError(reason, 'The power is gone.')),
  });

  test.each(['unavailable', 'unknown'] as const)(
    'bytes whose resource was not written (%s) go when they are old, and those of a version never',
    async (reason) => {
      const [kept, lost] = [randomBytes(2000), randomBytes(3000)];
      const { version } = await repositoryOver(place.store).writeBytes(call, upload(kept));
      await expect(repositoryOver(failing(reason)).writeBytes(call, upload(lost))).rejects.toThrow();
      const collect = createCollector({ ...place, clock });
      expect(await collect()).toEqual({ looked: 2, removed: 0, bytes: 0 });
      clock.forward(HOUR + 1);
      expect(await collect()).toEqual({ looked: 2, removed: 1, bytes: 3000 });
      expect(await collect()).toEqual({ looked: 1, removed: 0, bytes: 0 });
      const bytes = await buffer(await repositoryOver(place.store).bytes(call, version));
      expect(bytes.equals(kept)).toBe(true);
    },
  );

  test('bytes that only an old version, or one of a deleted resource, refers to stay', async () => {
    const repository = repositoryOver(place.store);
    const { version } = await repository.writeBytes(call, upload(randomBytes(10)));
    await repository.writeBytes(call, upload(randomBytes(20)), version);
    const { type, id } = version;
    const deletion = {
      index: 0,
      method: 'DELETE',
      interaction: 'delete',
      type,
      id,
      query: '',
      conditions: {},
    } as const;
    await repository.write(call, deletion);
    clock.forward(2 * HOUR);
    expect((await createCollector({ ...place, clock })()).removed).toBe(0);
    expect(await count()).toBe(2);
  });

  test('16 writers store the same bytes while the collector runs without any grace, and none is lost', async () => {
    const repository = repositoryOver(place.store);
    const collect = createCollector({ ...place, clock });
    const state = { writing: true };
    const collecting = (async () => {
      let rounds = 0;
      for (; state.writing; rounds += 1) {
        clock.forward(2);
        await collect({ orphanMs: 0 });
      }
      return rounds;
    })();
    try {
      for (let round = 0; round < 8; round += 1) {
        const bytes = randomBytes(5000);
        const written = await Promise.all(Array.from({ length: 16 }, () => repository.writeBytes(call, upload(bytes))));
        for (const { version } of written)
          expect((await buffer(await repository.bytes(call, version))).equals(bytes)).toBe(true);
      }
    } finally {
      state.writing = false;
    }
    expect(await collecting).toBeGreaterThan(3);
  });
}

describe('SQLite: collecting', () => {
  collecting(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-collect-'));
    const store = openSqliteStore({ file: join(folder, 'store.sqlite'), clock });
    const close = async () => {
      await store.close();
      await rm(folder, { recursive: true });
    };
    return { store, blobs: await createFileBlobs({ folder: join(folder, 'blobs'), clock }), close };
  });
});

describeMongo('collecting', (url) => {
  collecting(async () => {
    const options = { url, database: freshDatabase(), clock };
    const [store, blobs] = [await openMongoStore(options), await createGridFsBlobs(options)];
    const close = async () => {
      await blobs.close();
      await store.close();
    };
    return { store, blobs, close };
  });
});
