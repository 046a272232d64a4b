/** What becomes of a write when MongoDB fails in the middle of it. It has a mongod of its own, which does as it is told. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { MongoClient, type Document } from 'mongodb';
import type { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { everything } from '../../src/search/plan.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import type { Store } from '../../src/store/port.js';
import { createPlaces, is, text, type Place } from '../contract/store/place.js';
import { createFakeClock } from '../contract/store.js';
import { describeMongo } from '../support/mongo.js';
import { findMongod, startReplSet } from '../support/mongod.js';

const TRANSIENT = ['TransientTransactionError'];

const reasonOf = (outcome: PromiseSettledResult<void>): string =>
  outcome.status === 'fulfilled' ? 'written' : String((outcome.reason as { reason?: string }).reason);

describeMongo('when MongoDB fails', () => {
  let replSet: MongoMemoryReplSet;
  let admin: MongoClient;
  let store: Store;
  let place: Place;
  const open = (parts: object = {}) =>
    openMongoStore({
      url: replSet.getUri(),
      database: 'faults',
      clock: createFakeClock(),
      writeMs: 1500,
      selectionMs: 500,
      ...parts,
    });

  beforeAll(async () => {
    replSet = await startReplSet(await mongodPath(), ['--setParameter', 'enableTestCommands=1']);
    admin = await MongoClient.connect(replSet.getUri(), { appName: 'admin' });
    store = await open();
  });
  beforeEach(() => {
    place = createPlaces(() => store)();
  });
  afterEach(() => fail(undefined));
  afterAll(async () => {
    await store.close();
    await admin.close();
    await replSet.stop();
  });

  /** Makes commands of the store fail; undefined ends it. */
  async function fail(data: Document | undefined, mode: 'alwaysOn' | { times: number } = 'alwaysOn') {
    const command = data === undefined ? { mode: 'off' } : { mode, data: { appName: 'afferent', ...data } };
    await admin.db('admin').command({ configureFailPoint: 'failCommand', ...command });
  }

  const versions = async (at: string) =>
    (await store.history(place.key(at), { size: 10 }, place.reach)).items.map((one) => one.version);
  const create = () => store.write([place.change('Task/a', 1, { entries: [text('code', 'x')] })]);
  const createTwo = () => store.write([place.change('Task/a', 1), place.change('Task/b', 1)]);
  const late = { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } };
  const cut = { closeConnection: true };

  describe('R-08 what a majority has not acknowledged is not acknowledged', () => {
    test('a create that MongoDB could not replicate in time is unknown', async () => {
      await fail({ failCommands: ['insert'], ...late });
      await expect(create()).rejects.toMatchObject({ reason: 'unknown' });
    });

    test('a transaction that MongoDB could not replicate in time is unknown', async () => {
      await fail({ failCommands: ['commitTransaction'], ...late });
      await expect(createTwo()).rejects.toMatchObject({ reason: 'unknown' });
    });

    test('a commit that is answered in time after all is written, once', async () => {
      await fail({ failCommands: ['commitTransaction'], ...late }, { times: 3 });
      await createTwo();
      expect(await versions('Task/a')).toEqual([1]);
    });

    test('a connection that always breaks at the insert leaves it unknown', async () => {
      await fail({ failCommands: ['insert'], ...cut });
      await expect(create()).rejects.toMatchObject({ reason: 'unknown' });
    });

    test('a connection that always breaks at the commit leaves it unknown', async () => {
      await fail({ failCommands: ['commitTransaction'], ...cut });
      await expect(createTwo()).rejects.toMatchObject({ reason: 'unknown' });
    });
  });

  describe('R-04 what can be tried again is tried again', () => {
    test.each([
      ['the connection breaks at the insert', { failCommands: ['insert'], ...cut }, 3],
      ['the primary steps down at the insert', { failCommands: ['insert'], errorCode: 189 }, 3],
      ['the connection breaks at the commit', { failCommands: ['commitTransaction'], ...cut }, 3],
      [
        'a transaction meets another one',
        { failCommands: ['findAndModify'], errorCode: 112, errorLabels: TRANSIENT },
        5,
      ],
      ['a commit meets a stepdown', { failCommands: ['commitTransaction'], errorCode: 91 }, 3],
    ])('%s', async (_name, fault, times) => {
      await create();
      await fail(fault, { times });
      await store.write([place.change('Task/new', 1)]);
      await store.write([place.change('Task/a', 2), place.change('Task/b', 1)]);
      await fail(undefined);
      expect([await versions('Task/a'), await versions('Task/b')]).toEqual([[2, 1], [1]]);
      expect(await versions('Task/new')).toEqual([1]);
    });

    test('a transaction that never gets through wrote nothing', async () => {
      await create();
      await fail({ failCommands: ['findAndModify'], errorCode: 112, errorLabels: TRANSIENT });
      const update = store.write([place.change('Task/a', 2), place.change('Task/b', 1)]);
      await expect(update).rejects.toMatchObject({ reason: 'unavailable' });
      await fail(undefined);
      expect([await versions('Task/a'), await versions('Task/b')]).toEqual([[1], []]);
    });

    test('a write whose answer was lost is not written again, and not taken for the write of another', async () => {
      const proxy = await createProxy(replSet.getUri());
      const through = await open({ url: proxy.url, writeMs: 5000 });
      try {
        const [mine, theirs] = [place.change('Task/a', 1, { text: '{"n":1}' }), place.change('Task/a', 1)];
        await through.read([place.key('Task/a')], place.reach);
        // The driver sends an insert twice by itself; the third time it is the store that does.
        proxy.loseAnswers('insert', 3);
        await through.write([mine]);
        expect(proxy.lost()).toBe(3);
        expect(await versions('Task/a')).toEqual([1]);
        proxy.loseAnswers('insert', 3);
        await expect(through.write([theirs])).rejects.toMatchObject({
          reason: 'conflict',
          at: place.reference('Task/a'),
        });
        proxy.loseAnswers('commitTransaction', 3);
        await through.write([place.change('Task/a', 2)]);
        expect(proxy.lost()).toBe(3);
        expect(await versions('Task/a')).toEqual([2, 1]);
      } finally {
        await through.close();
        proxy.close();
      }
    });
  });

  describe('creates that go together have each an outcome of their own', () => {
    const names = ['Task/1', 'Task/2', 'Task/3', 'Task/4'];
    const together = async () => {
      const writes = names.map((at) => store.write([place.change(at, 1, { method: 'POST' })]));
      return (await Promise.allSettled(writes)).map(reasonOf);
    };
    const all = (reason: string) => names.map(() => reason);
    const written = async () => (await Promise.all(names.map(versions))).flat().length;

    test.each([
      ['all goes well', { failCommands: [] }, 0, 'written', 4],
      ['the connection breaks at the insert', { failCommands: ['insert'], ...cut }, 3, 'written', 4],
      ['the primary steps down at the insert', { failCommands: ['insert'], errorCode: 189 }, 3, 'written', 4],
      ['no majority answers in time', { failCommands: ['insert'], ...late }, 9, 'unknown', undefined],
      ['the disk is full', { failCommands: ['insert'], errorCode: 14031 }, 9, 'full', 0],
      ['nothing gets through', { failCommands: ['insert'], errorCode: 189 }, 999, 'unknown', 0],
    ])('%s', async (_name, fault, times, outcome, count) => {
      if (times > 0) await fail(fault, { times });
      expect(await together()).toEqual(all(outcome));
      await fail(undefined);
      if (count !== undefined) expect(await written()).toBe(count);
    });

    test('one that is there already keeps nobody, whether or not a majority answers', async () => {
      await store.write([place.change('Task/2', 1)]);
      expect(await together()).toEqual(['written', 'conflict', 'written', 'written']);
      names.splice(0, 4, 'Task/5', 'Task/2', 'Task/6');
      await fail({ failCommands: ['insert'], ...late });
      expect(await together()).toEqual(['unknown', 'conflict', 'unknown']);
    });
  });

  describe('pages that are asked for together have each an answer of their own', () => {
    const pages = () =>
      Promise.allSettled(
        ['a', 'b', 'c'].map(async (name) => {
          const plan = is('focus', `Task/${name}`);
          const { items } = await store.search(['Task'], plan, [], { size: 5 }, place.reach);
          return items.map((one) => place.short(one)).join();
        }),
      );
    const found = ['a', 'b', 'c'].map((value) => ({ status: 'fulfilled', value }));

    beforeEach(async () => {
      const change = (name: string) => place.change(`Task/${name}`, 1, { entries: [text('focus', `Task/${name}`)] });
      await store.write(['a', 'b', 'c'].map(change));
    });

    test.each([
      ['the connection breaks', { failCommands: ['aggregate'], ...cut }, 1],
      ['the question is not answered in time', { failCommands: ['aggregate'], errorCode: 50 }, 1],
      ['the question is refused', { failCommands: ['aggregate'], errorCode: 96 }, 5],
    ])('%s', async (_name, fault, times) => {
      await fail(fault, { times });
      expect(await pages()).toEqual(found);
    });

    test('where nobody answers each hears of it', async () => {
      await fail({ failCommands: ['aggregate', 'find'], ...cut });
      const reason = expect.objectContaining({ reason: 'unavailable' }) as unknown;
      expect(await pages()).toEqual(found.map(() => ({ status: 'rejected', reason })));
    });
  });

  describe('R-07 nothing takes longer than it may', () => {
    afterEach(() => admin.db('admin').command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'off' }));

    test('what MongoDB does not finish in time is too costly to search and else unavailable', async () => {
      await admin.db('admin').command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'alwaysOn' });
      const page = { size: 5 };
      const costly = { reason: 'too-costly' };
      await expect(store.search(['Task'], everything, [], page, place.reach)).rejects.toMatchObject(costly);
      await expect(store.count(['Task'], everything, place.reach, 5)).rejects.toMatchObject(costly);
      await expect(store.history({}, page, place.reach)).rejects.toMatchObject(costly);
      const unavailable = { reason: 'unavailable' };
      await expect(store.read([place.key('Task/a')], place.reach)).rejects.toMatchObject(unavailable);
      await expect(store.vault.get('x')).rejects.toMatchObject(unavailable);
      await expect(create()).rejects.toMatchObject(unavailable);
    });
  });

  test('a full disk is named', async () => {
    await fail({ failCommands: ['insert'], errorCode: 14031 });
    await expect(create()).rejects.toMatchObject({ reason: 'full' });
    await expect(createTwo()).rejects.toMatchObject({ reason: 'full' });
  });

  test('a reader that the oplog has left behind gets what it missed all the same', async () => {
    await create();
    let { cursor } = await store.changes(undefined, 1000);
    cursor = (await store.changes(cursor, 1000)).cursor;
    await store.write([place.change('Task/a', 2), place.change('Task/b', 1)]);
    await fail({ failCommands: ['aggregate'], errorCode: 286 }, { times: 1 });
    const names: string[] = [];
    for (let pages = 0; pages < 100 && names.length < 3; pages += 1) {
      const page = await store.changes(cursor, 2);
      names.push(
        ...page.versions.filter((one) => one.owner === place.owner).map((one) => `${place.short(one)}${one.version}`),
      );
      cursor = page.cursor;
    }
    expect(names).toEqual(expect.arrayContaining(['a2', 'b1']));
  });

  test('R-10 a store that was closed leaves no connection and refuses at once', async () => {
    const connections = async () => {
      const all = admin.db('admin').aggregate([{ $currentOp: { idleConnections: true } }]);
      return (await all.toArray()).filter((one) => one.appName === 'afferent').length;
    };
    await create();
    const before = await connections();
    const own = await open();
    await Promise.all([own.ping(), own.changes(undefined, 5), own.count(['Task'], everything, place.reach, 5)]);
    expect(await connections()).toBeGreaterThan(before);
    await own.close();
    for (let tries = 0; tries < 100 && (await connections()) > before; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await connections()).toBeLessThanOrEqual(before);
    await expect(own.ping()).rejects.toMatchObject({ reason: 'unavailable' });
    await expect(own.write([place.change('Task/z', 1)])).rejects.toMatchObject({ reason: 'unavailable' });
  });

  test('without a primary a write is refused as not done', async () => {
    const own = await startReplSet(await mongodPath());
    const reader = await open({ url: own.getUri(), selectionMs: 300 });
    const mongod = own.servers[0]?.instanceInfo?.instance.mongodProcess;
    mongod?.kill('SIGKILL');
    if (mongod) await once(mongod, 'exit');
    try {
      // Whoever is told by the connection that it broke cannot know; once that is noticed, nothing is sent any more.
      await expect(reader.ping()).rejects.toMatchObject({ reason: 'unavailable' });
      for (const write of [[place.change('Task/z', 1)], [place.change('Task/z', 2)]]) {
        const reasons: string[] = [];
        while (reasons.at(-1) !== 'unavailable' && reasons.length < 5) {
          reasons.push(
            await reader.write(write).then(
              () => 'written',
              (error: unknown) => (error as { reason: string }).reason,
            ),
          );
        }
        expect(reasons.at(-1)).toBe('unavailable');
        expect(reasons.slice(0, -1).every((reason) => reason === 'unknown')).toBe(true);
      }
      await expect(reader.read([place.key('Task/z')], place.reach)).rejects.toMatchObject({ reason: 'unavailable' });
    } finally {
      await reader.close();
      await own.stop();
    }
  });
});

async function mongodPath(): Promise<string> {
  const mongod = await findMongod();
  if ('reason' in mongod) throw new Error(mongod.reason);
  return mongod.path;
}

/** Stands between the driver and mongod; the answers to some commands never arrive, though they were carried out. */
async function createProxy(url: string) {
  const { hostname, port } = new URL(url.replace(/^mongodb:/, 'http:').replace(/,[^/]*/, ''));
  const sockets = new Set<Socket>();
  let left = 0;
  let word = '';
  let lost = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let losing = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => (near.destroy(), far.destroy(), sockets.delete(socket)));
    }
    near.on('data', (bytes) => {
      if (left > 0 && bytes.includes(`${word}\u0000`)) {
        left -= 1;
        lost += 1;
        losing = true;
      }
      far.write(bytes);
    });
    far.on('data', (bytes) => (losing ? near.destroy() : near.write(bytes)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mongodb://127.0.0.1:${(server.address() as AddressInfo).port}/?directConnection=true`,
    loseAnswers(name: string, times: number) {
      [word, left, lost] = [name, times, 0];
    },
    lost: () => lost,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
