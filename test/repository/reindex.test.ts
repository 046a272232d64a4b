/** Search values made anew: resumable, never over a newer version, and no search that misses without a word. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { createLog } from '../../src/kit/log.js';
import { keepIndexed } from '../../src/repository/indexed.js';
import { isStale, reindex, type Indexing } from '../../src/repository/reindex.js';
import { startServer } from '../../src/server.js';
import { everything } from '../../src/search/plan.js';
import { is } from '../contract/store/place.js';
import { freshDatabase, mongoUrl } from '../support/mongo.js';
import { ask, idsOf, put } from '../support/server.js';
import { indexing, kinds, openWorld, version, write, type World } from '../transfer/world.js';

const reach = { owners: ['home'] };
const changed: Indexing = {
  fingerprint: 'another',
  extract: ({ id }) => [{ param: 'new', value: String(id), detail: '' }],
};

describe.each(kinds)('on %s', (kind) => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld(kind);
    for (let n = 0; n < 30; n += 1) await write(world, version('Patient', `p${n}`, 1));
  });
  afterEach(() => world.close());

  const found = async (param: string, value: string) =>
    (await world.store.search(['Patient'], is(param, value), [], { size: 50 }, reach)).items.map(({ id }) => id);

  test('interrupted, it goes on where it was', async () => {
    const stop = new AbortController();
    const first = await reindex(world.store, changed, {
      batch: 10,
      signal: stop.signal,
      progress: (done) => {
        if (done === 20) stop.abort();
      },
    });
    expect(first).toBe(20);
    expect(await isStale(world.store, changed)).toBe(true);
    expect(await isStale(world.store, indexing)).toBe(true);
    const steps: number[] = [];
    expect(await reindex(world.store, changed, { batch: 10, progress: (done) => steps.push(done) })).toBe(30);
    expect(steps).toEqual([30, 30]);
    expect(await isStale(world.store, changed)).toBe(false);
    for (let n = 0; n < 30; n += 1) expect(await found('new', `p${n}`)).toEqual([`p${n}`]);
    expect(await found('gender', 'other')).toEqual([]);
    expect(await world.store.count(['Patient'], everything, reach, 100)).toBe(30);
  });

  test('until it is done searches are refused, and reads and writes go on', async () => {
    const release: (() => void)[] = [];
    const { keeping } = world.store;
    const slow = {
      ...world.store,
      keeping: {
        ...keeping,
        reindex: async (changes: Parameters<typeof keeping.reindex>[0]) => {
          await new Promise<void>((resolve) => release.push(resolve));
          await keeping.reindex(changes);
        },
      },
    };
    const indexed = await keepIndexed(slow, changed, createLog('silent'));
    const { store } = indexed;
    while (release.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = { kind: 'unavailable', headers: { 'Retry-After': '5' } };
    await expect(store.search(['Patient'], everything, [], { size: 1 }, reach)).rejects.toMatchObject(refused);
    await expect(store.count(['Patient'], everything, reach, 5)).rejects.toMatchObject(refused);
    const guard = { name: 'g', type: 'Patient', plan: everything, reach, matches: 31 };
    await expect(store.write([], [guard])).rejects.toMatchObject(refused);
    expect(await store.read([{ type: 'Patient', id: 'p1' }], reach)).toMatchObject([{ version: 1 }]);
    // Written behind the reindex's back: what it read before is no longer current, and must not win.
    const newer = version('Patient', 'p1', 2);
    await store.write([{ ...newer, entries: [{ param: 'new', value: 'newer', detail: '' }] }]);
    release.forEach((go) => go());
    await indexed.ready;
    expect(indexed.isReady()).toBe(true);
    await expect(store.count(['Patient'], everything, reach, 50)).resolves.toBe(30);
    expect(await found('new', 'newer')).toEqual(['p1']);
    expect(await found('new', 'p1')).toEqual([]);
    await indexed.close();
  });

  test('a server under another base URL finds by it what is stored', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-base-'));
    const data = { STORE: kind, DATA_DIR: folder, MONGODB_URL: mongoUrl() ?? '', MONGODB_DATABASE: freshDatabase() };
    const start = (base: string) =>
      startServer(readConfig({ ...data, PORT: '0', LOG_LEVEL: 'silent', BASE_URL: `http://${base}.example/fhir` }));
    try {
      let server = await start('one');
      const base = `${server.address}/fhir`;
      const subject = { reference: 'http://two.example/fhir/Patient/a' };
      await put(base, { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject } as never);
      expect(idsOf((await ask(`${base}/Observation?subject=Patient/a`)).body)).toEqual([]);
      await server.stop();
      server = await start('two');
      expect(idsOf((await ask(`${server.address}/fhir/Observation?subject=Patient/a`)).body)).toEqual(['o']);
      expect((await ask(`${server.address}/fhir/Observation/o/_history`)).body.total ?? 1).toBe(1);
      await server.stop();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
