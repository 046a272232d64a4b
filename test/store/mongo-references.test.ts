/** How MongoDB keeps deletions and new references apart: marks, what is left of them, and writes that were too slow. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClientSession, Collection, MongoClient, type Db, type Document } from 'mongodb';
import { systemClock } from '../../src/kit/clock.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import { REFERS, type Integrity, type Store } from '../../src/store/port.js';
import { integrityContract } from '../contract/store/integrity.js';
import { createPlaces, text, type Place } from '../contract/store/place.js';
import { createFakeClock } from '../contract/store.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

describeMongo('references', (url) => {
  const database = freshDatabase();
  const GRACE_MS = 150;
  /** However busy the machine, nobody gives up. */
  const patient = { writeMs: 120_000, operationMs: 120_000 };
  let client: MongoClient;
  let db: Db;
  let store: Store;
  /** To this one every write was too slow to have been seen. */
  let slow: Store;
  /** To this one no write is, however busy the machine. */
  let quick: Store;
  let place: Place;

  beforeAll(async () => {
    client = await MongoClient.connect(url);
    db = client.db(database);
    store = await openMongoStore({ url, database, clock: systemClock, graceMs: GRACE_MS, ...patient });
    slow = await openMongoStore({ url, database, clock: systemClock, graceMs: 0, ...patient });
    quick = await openMongoStore({ url, database, clock: systemClock, graceMs: 60_000 });
  });
  beforeEach(async () => {
    place = createPlaces(() => store)();
    await place.create({ 'Patient/a': [], 'Patient/b': [] });
  });
  afterAll(async () => {
    await store.close();
    await slow.close();
    await quick.close();
    await db.dropDatabase();
    await client.close();
  });

  const demand = (present: string[], unreferred: string[] = []): Integrity => ({
    present: present.map(place.key),
    unreferred: unreferred.map(place.key),
    reach: place.reach,
  });
  const task = (at: string, target: string, version = 1) =>
    place.change(at, version, {
      entries: [text(REFERS, place.reference(target))],
      method: version === 1 ? 'POST' : 'PUT',
    });
  const refer = (to: Store, at: string, target: string, version = 1) =>
    to.write([task(at, target, version)], [], demand([target]));
  const remove = (at: string) => store.write([place.deletion(at, 2)], [], demand([], [at]));
  const head = (at: string) => db.collection('versions').findOne({ key: place.reference(at), head: true });
  const marked = async (at: string) => {
    while ((await head(at))?.closing === undefined) await pause(5);
  };
  const mark = (at: string, age: number) =>
    db
      .collection('versions')
      .updateOne({ key: place.reference(at), head: true }, [
        { $set: { closing: { by: 'another', at: { $subtract: ['$$NOW', age] } } } },
      ]);
  const versionsOf = async (at: string) =>
    (await store.history(place.key(at), { size: 9 }, place.reach)).items.map((one) => one.method);
  /** While `work` runs, the target stands marked by another; then that one has deleted it, or given up. */
  async function whileClosing(at: string, end: 'deleted' | 'open', work: () => Promise<unknown>): Promise<unknown> {
    await mark(at, 0);
    const outcome = work().then(
      () => 'written',
      (error: unknown) => (error as { reason?: string }).reason ?? error,
    );
    await pause(100);
    if (end === 'deleted') await store.write([place.deletion(at, 2)]);
    else await db.collection('versions').updateOne({ key: place.reference(at) }, { $unset: { closing: 1 } });
    return outcome;
  }

  test('a create with a reference is one question and one insert', async () => {
    await db.command({ profile: 2 });
    await refer(quick, 'Task/one', 'Patient/a');
    await db.command({ profile: 0 });
    const operations = await db
      .collection('system.profile')
      .find({ appName: 'afferent', ns: `${database}.versions` })
      .toArray();
    const [find, insert] = operations.map(({ command }) => command as Document);
    expect(operations).toHaveLength(2);
    expect([find?.find, insert?.insert, insert?.startTransaction]).toEqual(['versions', 'versions', undefined]);
    expect(operations[0]).toMatchObject({ keysExamined: 1, docsExamined: 1 });
  });

  test('creates of one moment are one question and one insert, and who refers to nothing keeps nobody', async () => {
    const began = new Date();
    await pause(2);
    await db.command({ profile: 2 });
    const targets = ['Patient/a', 'Patient/b', 'Patient/a', 'Patient/none', 'Patient/a'];
    const writes = targets.map((target, at) => refer(quick, `Task/${at}`, target));
    const outcomes = (await Promise.allSettled(writes)).map((one) =>
      one.status === 'fulfilled' ? 'written' : (one.reason as { reason?: string }).reason,
    );
    await db.command({ profile: 0 });
    expect(outcomes).toEqual(['written', 'written', 'written', 'missing', 'written']);
    const filter = { appName: 'afferent', ns: `${database}.versions`, ts: { $gt: began } };
    const operations = await db.collection('system.profile').find(filter).toArray();
    expect(operations.map(({ op, ninserted = 0 }) => [op, ninserted as number])).toEqual([
      ['query', 0],
      ['insert', 4],
    ]);
  });

  test.each([
    ['open', 'written', ['POST'], ['PUT']],
    ['deleted', 'missing', [], []],
  ] as const)(
    'who refers to what is about to be deleted waits: then it is %s',
    async (end, outcome, methods, others) => {
      expect(await whileClosing('Patient/a', end, () => refer(store, 'Task/one', 'Patient/a'))).toBe(outcome);
      expect(await versionsOf('Task/one')).toEqual(methods);
      const two = [task('Task/two', 'Patient/b'), place.change('Task/three', 1)];
      const write = () => store.write(two, [], demand(['Patient/b']));
      expect(await whileClosing('Patient/b', end, write)).toBe(outcome);
      expect(await versionsOf('Task/three')).toEqual(others);
    },
  );

  test('what stays marked is unavailable in the end, and nothing is written', async () => {
    const impatient = await openMongoStore({ url, database, clock: systemClock, writeMs: 200 });
    await mark('Patient/a', 0);
    await expect(refer(impatient, 'Task/one', 'Patient/a')).rejects.toMatchObject({ reason: 'unavailable' });
    const removal = impatient.write([place.deletion('Patient/a', 2)], [], demand([], ['Patient/a']));
    await expect(removal).rejects.toMatchObject({ reason: 'unavailable' });
    await impatient.close();
    expect([await versionsOf('Task/one'), await versionsOf('Patient/a')]).toEqual([[], ['PUT']]);
  });

  test('an old mark is in nobody’s way', async () => {
    await mark('Patient/a', 31_000);
    await refer(store, 'Task/one', 'Patient/a');
    expect(await head('Patient/a')).not.toHaveProperty('closing');
    await mark('Patient/b', 31_000);
    await remove('Patient/b');
    expect(await versionsOf('Patient/b')).toEqual(['DELETE', 'PUT']);
  });

  test('a deletion that lost its mark begins again, and sees who came meanwhile', async () => {
    const removal = remove('Patient/a');
    await marked('Patient/a');
    await db.collection('versions').updateOne({ key: place.reference('Patient/a') }, { $unset: { closing: 1 } });
    await refer(store, 'Task/one', 'Patient/a');
    await expect(removal).rejects.toMatchObject({ reason: 'referred' });
    expect(await head('Patient/a')).not.toHaveProperty('closing');
  });

  test('an update goes past a mark, and the deletion is a conflict', async () => {
    const removal = remove('Patient/a');
    await marked('Patient/a');
    await store.write([place.change('Patient/a', 2)]);
    await expect(removal).rejects.toMatchObject({ reason: 'conflict' });
    expect(await versionsOf('Patient/a')).toEqual(['PUT', 'PUT']);
  });

  test('two deletions that each refer to what the other deletes do not wait for each other for ever', async () => {
    const swap = (gone: string, target: string) =>
      store
        .write([place.deletion(gone, 2), task(`Task/of-${gone.slice(8)}`, target)], [], demand([target], [gone]))
        .then(
          () => 'written',
          (error: unknown) => (error as { reason?: string }).reason ?? error,
        );
    const outcomes = await Promise.all([swap('Patient/a', 'Patient/b'), swap('Patient/b', 'Patient/a')]);
    expect(outcomes.sort()).not.toEqual(['written', 'written']);
    expect(outcomes).toContain('written');
    expect(['missing', 'referred']).toEqual(expect.arrayContaining(outcomes.filter((one) => one !== 'written')));
  });

  describe('a write that was too slow looks again', () => {
    const [insert, commit] = [
      Object.getOwnPropertyDescriptor(Collection.prototype, 'insertOne'),
      Object.getOwnPropertyDescriptor(ClientSession.prototype, 'commitTransaction'),
    ];
    afterEach(() => {
      Object.defineProperty(Collection.prototype, 'insertOne', insert ?? {});
      Object.defineProperty(ClientSession.prototype, 'commitTransaction', commit ?? {});
    });

    /** Between the write and its answer something else happens, once. */
    function before(answer: () => Promise<unknown>): void {
      const once = async () => {
        Object.defineProperty(Collection.prototype, 'insertOne', insert ?? {});
        Object.defineProperty(ClientSession.prototype, 'commitTransaction', commit ?? {});
        await answer();
      };
      Collection.prototype.insertOne = async function (...given) {
        const done = await (insert?.value as Collection['insertOne']).apply(this, given);
        await once();
        return done;
      };
      ClientSession.prototype.commitTransaction = async function (...given) {
        await (commit?.value as ClientSession['commitTransaction']).apply(this, given);
        await once();
      };
    }
    const removed = () =>
      db.collection('versions').updateOne({ key: place.reference('Patient/a'), head: true }, { $unset: { live: 1 } });
    const two = () =>
      slow.write([task('Task/one', 'Patient/a'), place.change('Task/two', 1)], [], demand(['Patient/a']));

    test('and is written when all is still there, or is so again', async () => {
      before(() => Promise.resolve());
      await refer(slow, 'Task/one', 'Patient/a');
      before(async () => {
        await mark('Patient/a', 0);
        setTimeout(
          () =>
            void db.collection('versions').updateOne({ key: place.reference('Patient/a') }, { $unset: { closing: 1 } }),
          50,
        );
      });
      await refer(slow, 'Task/three', 'Patient/a');
      expect([await versionsOf('Task/one'), await versionsOf('Task/three')]).toEqual([['POST'], ['POST']]);
    });

    test('what it created is deleted again', async () => {
      before(removed);
      await expect(refer(slow, 'Task/one', 'Patient/a')).rejects.toMatchObject({
        reason: 'missing',
        at: place.reference('Patient/a'),
      });
      expect(await versionsOf('Task/one')).toEqual(['DELETE', 'POST']);
    });

    test('all that a transaction created is', async () => {
      before(removed);
      await expect(two()).rejects.toMatchObject({ reason: 'missing' });
      expect([await versionsOf('Task/one'), await versionsOf('Task/two')]).toEqual([
        ['DELETE', 'POST'],
        ['DELETE', 'PUT'],
      ]);
    });

    test('an update stays, and nobody is told that all is well', async () => {
      await refer(slow, 'Task/one', 'Patient/b');
      before(removed);
      await expect(refer(slow, 'Task/one', 'Patient/a', 2)).rejects.toMatchObject({ reason: 'unknown' });
      expect(await versionsOf('Task/one')).toEqual(['PUT', 'POST']);
    });

    test('half the grace is too slow, less is not', async () => {
      before(async () => {
        await pause(GRACE_MS / 2 + 5);
        await removed();
      });
      await expect(refer(store, 'Task/one', 'Patient/a')).rejects.toMatchObject({ reason: 'missing' });
      before(removed);
      await refer(store, 'Task/two', 'Patient/b');
    });
  });

  describe('without any grace', () => {
    const opened = () => ({ store: slow, close: () => Promise.resolve() });
    integrityContract({
      promise: (name, proof, milliseconds) => test(name, proof, milliseconds),
      opened,
      open: () => Promise.resolve(opened()),
      places: createPlaces(() => slow),
      clock: createFakeClock(),
    });
  });
});
