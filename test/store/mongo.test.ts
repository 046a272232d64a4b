/** What only the MongoDB store promises: its settings, its indexes, and that two servers on one database agree. */
import { MongoMemoryServer } from 'mongodb-memory-server-core';
import { ClientSession, MongoClient, type Db, type Document } from 'mongodb';
import { everything, type Bounds, type Order, type Plan, type TextTest } from '../../src/search/plan.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import type { Change, Cursor, Guard, Position, Store } from '../../src/store/port.js';
import { createPlaces, is, range, text, type Place } from '../contract/store/place.js';
import { createFakeClock } from '../contract/store.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { findMongod } from '../support/mongod.js';

describeMongo('what the store insists on', (url) => {
  const clock = createFakeClock();
  const database = freshDatabase();
  const open = (parts: object = {}) => openMongoStore({ url, database, clock, fields: true, ...parts });
  let client: MongoClient;
  let db: Db;
  let store: Store;
  let other: Store;
  let place: Place;

  beforeAll(async () => {
    client = await MongoClient.connect(url);
    db = client.db(database);
    [store, other] = [await open(), await open()];
  });
  beforeEach(() => {
    place = createPlaces(() => store)();
  });
  afterAll(async () => {
    await store.close();
    await other.close();
    await db.dropDatabase();
    await client.close();
  });

  /** What the store sent while `work` ran, as MongoDB's profiler saw it. */
  async function profiled(work: () => Promise<unknown>): Promise<Document[]> {
    await db.command({ profile: 0 });
    await db.dropCollection('system.profile');
    await db.command({ profile: 2 });
    try {
      await work();
    } finally {
      await db.command({ profile: 0 });
    }
    const operations = db.collection('system.profile').find({ appName: 'afferent', ns: `${database}.versions` });
    return operations.toArray();
  }

  describe('R-01 a replica set', () => {
    test('a single mongod is refused with what to do about it', async () => {
      const mongod = await findMongod();
      if ('reason' in mongod) throw new Error(mongod.reason);
      const single = await MongoMemoryServer.create({
        instance: { storageEngine: 'wiredTiger' },
        binary: { systemBinary: mongod.path },
      });
      try {
        await expect(open({ url: single.getUri() })).rejects.toThrow(/not a member of a replica set.*--replSet/);
      } finally {
        await single.stop();
      }
    });
  });

  describe('R-02, R-03 no setting of the URL weakens what is promised', () => {
    const weak = ['w=1', 'w=0', 'w=2', 'journal=false', 'j=false', 'wtimeoutMS=100', 'WTIMEOUT=1', 'retryWrites=false'];
    test.each([...weak, 'retryReads=false', 'readPreference=secondaryPreferred', 'readConcernLevel=local'])(
      '%s is refused',
      async (setting) => {
        const separator = url.includes('?') ? '&' : '?';
        await expect(open({ url: `${url}${separator}${setting}` })).rejects.toThrow(
          `Take "${setting}" out of MONGODB_URL`,
        );
      },
    );

    test('what confirms the promise is no reason to refuse', async () => {
      const separator = url.includes('?') ? '&' : '?';
      const same = await open({ url: `${url}${separator}w=majority&journal=true&retryWrites=true&wtimeoutMS=6000` });
      await same.close();
    });

    test('R-07 every operation is durable or of the majority, and has its time', async () => {
      const key = place.key('Patient/a');
      const operations = await profiled(async () => {
        await store.write([place.change('Patient/a', 1, { entries: [text('name', 'ada')] })]);
        await store.read([key], place.reach);
        await store.version(key, 1, place.reach);
        await store.history({}, { size: 5 }, place.reach);
        await store.search(['Patient'], is('name', 'ada'), [], { size: 5 }, place.reach);
        await store.count(['Patient'], everything, place.reach, 5);
      });
      const alone = operations.map(({ command }) => command as Document);
      const of = (name: string) => alone.filter((command) => name in command);
      expect([of('insert').length, of('find').length, of('aggregate').length]).toEqual([1, 4, 1]);
      expect(of('insert')).toMatchObject([{ writeConcern: { w: 'majority', j: true, wtimeout: 5000 } }]);
      for (const command of [...of('find'), ...of('aggregate')])
        expect(command).toMatchObject({ readConcern: { level: 'majority' } });
      for (const command of alone) expect(command.maxTimeMS).toBeGreaterThan(0);
    });
  });

  test('R-04 a transaction reads from a snapshot and is durable', async () => {
    const started: unknown[] = [];
    const start = Object.getOwnPropertyDescriptor(ClientSession.prototype, 'startTransaction');
    ClientSession.prototype.startTransaction = function (...given) {
      started.push(this.defaultTransactionOptions);
      (start?.value as ClientSession['startTransaction']).apply(this, given);
    };
    await store.write([place.change('Patient/a', 1), place.change('Patient/b', 1)]);
    Object.defineProperty(ClientSession.prototype, 'startTransaction', start ?? {});
    expect(started).toMatchObject([
      { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority', j: true, wtimeoutMS: 5000 } },
    ]);
  });

  describe('R-05 indexes', () => {
    test('a version cannot be there twice, nor can two be the newest', async () => {
      await store.write([place.change('Patient/a', 1)]);
      const [document] = await db.collection('versions').find({ o: place.owner }).toArray();
      await expect(db.collection('versions').insertOne(document!)).rejects.toThrow(/E11000/);
      const second = { ...document, _id: 'another' } as Document;
      await expect(db.collection('versions').insertOne(second)).rejects.toThrow(/E11000/);
    });

    test('an index that is not the expected one is refused with what to do about it', async () => {
      const own = freshDatabase();
      await client.db(own).collection('versions').createIndex({ key: 1 }, { name: 'head' }, {});
      await expect(open({ database: own })).rejects.toThrow(/"head".*dropIndex\("head"\)/);
      await client.db(own).dropDatabase();
    });

    test('data that breaks a unique index is refused', async () => {
      const own = freshDatabase();
      await client
        .db(own)
        .collection('versions')
        .insertMany([
          { key: 'Patient/a', head: true },
          { key: 'Patient/a', head: true },
        ]);
      await expect(open({ database: own })).rejects.toThrow(/breaks a unique index/);
      await client.db(own).dropDatabase();
    });
  });

  describe('an index serves', () => {
    const total = 1000;
    const dated = (low: Bounds): Plan => ({ node: 'entry', param: 'date', test: { kind: 'range', value: '', low } });
    const all = (...of: Plan[]): Plan => ({ node: 'all', of });
    let many: Place;

    beforeAll(async () => {
      many = createPlaces(() => store)();
      const change = (n: number): Change =>
        many.change(`Observation/${String(n).padStart(4, '0')}`, 1, {
          entries: [
            text('patient', `Patient/${n % 50}`),
            text('code', `c${n % 4}`, n % 2 === 0 ? 'urn:even' : 'urn:odd'),
            text('status', 'final'),
            text('name', `${'abcdefghij'.charAt(n % 10)}-${n}`),
            range('date', n * 1000, n * 1000 + 999),
            range('size', n, n, 'kg'),
          ],
        });
      await store.write(Array.from({ length: total }, (_, n) => change(n)));
      // Another owner has a thousand, too: they must cost nothing.
      const theirs = createPlaces(() => store)();
      const foreign = Array.from({ length: total }, (_, n) => ({ ...change(n), owner: theirs.owner, id: `x${n}` }));
      await store.write(foreign);
    });

    const patient = is('patient', 'Patient/7');
    const none: Order[] = [];
    const byDate: Order[] = [{ param: 'date', descending: true }];
    const byTime: Order[] = [{ param: '_lastUpdated', descending: true }];
    const textOf = (param: string, test: Partial<TextTest>): Plan => ({
      node: 'entry',
      param,
      test: { kind: 'text', ...test },
    });
    /** Name, plan, order, size of the page, what is on it, and whether what is found has to be sorted. */
    const rows: [string, Plan, Order[], number, number, boolean][] = [
      ['a reference', patient, none, 100, 20, false],
      ['the first page of a reference', patient, none, 5, 5, false],
      ['a code with its system', textOf('code', { value: { is: ['c1'] }, detail: 'urn:odd' }), none, 300, 250, false],
      ['one of two values', is('patient', 'Patient/7', 'Patient/8'), none, 100, 40, true],
      ['the start of a name', textOf('name', { value: { startsWith: 'c-1' } }), none, 100, 11, true],
      ['a day', dated({ gte: 5000, lte: 9000 }), none, 100, 5, true],
      ['the last days', dated({ gte: 990_000 }), none, 100, 10, true],
      ['a reference beside a frequent value', all(is('status', 'final'), patient), none, 100, 20, false],
      ['the first page of all', everything, none, 10, 10, false],
      ['the latest of all', everything, byTime, 10, 10, false],
      ['the newest date', everything, byDate, 10, 10, false],
      ['the newest date of a frequent value', is('status', 'final'), byDate, 10, 10, false],
      ['from a date on, in its order', dated({ gte: 300_000 }), [{ param: 'date', descending: false }], 10, 10, false],
      ['the earliest of all', everything, [{ param: '_lastUpdated', descending: false }], 10, 10, false],
    ];
    test.each(rows)('%s: what is looked at is what is found', async (_name, plan, order, size, hits, sorted) => {
      let found = 0;
      const operations = await profiled(async () => {
        found = (await store.search(['Observation'], plan, order, { size }, many.reach)).items.length;
      });
      expect(found).toBe(hits);
      expect(operations).toHaveLength(1);
      // One more hit than fits tells whether there is a next page, and an index is left by one step too far.
      expect(operations[0]?.keysExamined).toBeLessThanOrEqual(hits + 4);
      expect(operations[0]?.docsExamined).toBeLessThanOrEqual(hits + 1);
      expect(operations[0]?.hasSortStage ?? false).toBe(sorted);
    });

    test.each([
      ['in the order of the store', none, 14],
      ['by last update', byTime, 16],
      ['by date', byDate, 16],
    ])('the twentieth page costs what the first one does, %s', async (_name, order, keys) => {
      let after: Position | undefined;
      let operations: Document[] = [];
      for (let page = 0; page < 20; page += 1) {
        const request = { size: 10, ...(after && { after }) };
        operations = await profiled(async () => {
          after = (await store.search(['Observation'], is('status', 'final'), order, request, many.reach)).next;
        });
      }
      expect(operations[0]?.keysExamined).toBeLessThanOrEqual(keys);
    });

    test.each([
      ['a read', () => store.read([many.key('Observation/0007')], many.reach)],
      ['a version', () => store.version(many.key('Observation/0007'), 1, many.reach)],
      ['the history of a resource', () => store.history(many.key('Observation/0007'), { size: 10 }, many.reach)],
      ['the history of a type', () => store.history({ type: 'Observation' }, { size: 10 }, many.reach)],
    ])('%s', async (_name, work) => {
      const [operation] = await profiled(work);
      expect(operation?.docsExamined).toBeLessThanOrEqual(operation?.nreturned);
      expect(operation?.keysExamined).toBeLessThanOrEqual(Number(operation?.nreturned) + 2);
      expect(operation?.hasSortStage).toBeUndefined();
    });

    test('a total is counted in the index alone', async () => {
      const operations = await profiled(() => store.count(['Observation'], everything, many.reach, 5000));
      expect(operations).toMatchObject([{ docsExamined: 0 }]);
    });

    test('reads of one moment share one question', async () => {
      const keys = Array.from({ length: 16 }, (_, n) => many.key(`Observation/00${10 + n}`));
      const operations = await profiled(async () => {
        const read = await Promise.all(keys.map((key) => store.read([key], many.reach)));
        expect(read.map(([found]) => found?.id)).toEqual(keys.map(({ id }) => id));
      });
      expect(operations).toHaveLength(1);
    });

    describe('pages of one moment', () => {
      const pageOf = (n: number, order: Order[], size: number, after?: Position) =>
        store.search(
          ['Observation'],
          is('patient', `Patient/${n}`),
          order,
          { size, ...(after && { after }) },
          many.reach,
        );
      const idsOf = (n: number, from: number, to: number) =>
        Array.from({ length: 20 }, (_, at) => many.key(`Observation/${String(at * 50 + n).padStart(4, '0')}`).id).slice(
          from,
          to,
        );

      test('those of the neighbours of one resource share one question, and each has its own', async () => {
        let pages: Awaited<ReturnType<typeof pageOf>>[] = [];
        const operations = await profiled(async () => {
          const asked = [3, 4, 5, 60].map((n) => pageOf(n, none, 50));
          pages = await Promise.all([...asked, pageOf(3, byDate, 7), pageOf(4, none, 5)]);
        });
        expect(pages.map(({ items }) => items.map(({ id }) => id))).toEqual([
          ...[3, 4, 5].map((n) => idsOf(n, 0, 20)),
          [],
          idsOf(3, 13, 20).reverse(),
          idsOf(4, 0, 5),
        ]);
        expect(pages.map(({ next }) => next !== undefined)).toEqual([false, false, false, false, true, true]);
        expect(operations).toHaveLength(1);
        expect(operations[0]?.docsExamined).toBeLessThanOrEqual(3 * 20 + 20 + 6);
        const rest = await Promise.all([
          pageOf(3, byDate, 20, pages[4]?.next),
          pageOf(4, none, 20, pages[5]?.next),
          pageOf(5, none, 20),
        ]);
        expect(rest.map(({ items }) => items.map(({ id }) => id))).toEqual([
          idsOf(3, 0, 13).reverse(),
          idsOf(4, 5, 20),
          idsOf(5, 0, 20),
        ]);
      });

      test('what may look at many documents is asked alone, so that nobody waits for it', async () => {
        const operations = await profiled(() =>
          Promise.all([is('status', 'final'), dated({ gte: 0 }), patient].map((plan) => found(plan, 10))),
        );
        expect(operations).toHaveLength(3);
      });

      test('large ones are asked one by one in the end, and none is cut', async () => {
        const large = createPlaces(() => store)();
        const named = (n: number) => `Task/${n}`;
        for (let n = 0; n < 4; n += 1) {
          const entries = [text('patient', `Patient/${n % 2}`)];
          await store.write([large.change(named(n), 1, { text: JSON.stringify('x'.repeat(3_000_000)), entries })]);
        }
        const pages = await Promise.all(
          [0, 1].map((n) => store.search(['Task'], is('patient', `Patient/${n}`), none, { size: 20 }, large.reach)),
        );
        expect(pages.map(({ items }) => items.map((one) => large.short(one)))).toEqual([
          ['0', '2'],
          ['1', '3'],
        ]);
      });

      const found = (plan: Plan, size: number) => store.search(['Observation'], plan, none, { size }, many.reach);
    });
  });

  describe('a large write goes in portions', () => {
    const many = (parts: object = {}) =>
      Array.from({ length: 150 }, (_, n) => place.change(`Task/${n}`, 1, { text: '{}', ...parts }));
    const inserts = async (changes: Change[]) =>
      (await profiled(() => store.write(changes)))
        .filter(({ op }) => op === 'insert')
        .map(({ ninserted }) => ninserted);

    test('of so many documents', async () => {
      expect(await inserts(many())).toEqual([100, 50]);
      expect((await store.history({}, { size: 200 }, place.reach)).items).toHaveLength(150);
    });

    test('of so many characters, and one at least', async () => {
      const [first, ...others] = many({ text: JSON.stringify('x'.repeat(100_000)) }).slice(0, 6);
      const large = place.change('Task/large', 1, { text: JSON.stringify('x'.repeat(300_000)) });
      expect(await inserts([first!, large, ...others])).toEqual([1, 1, 2, 2, 1]);
    });

    test('all or nothing, and who stands in the way is named', async () => {
      await store.write([place.change('Task/120', 1)]);
      const at = place.reference('Task/120');
      await expect(store.write(many())).rejects.toMatchObject({ reason: 'conflict', at });
      expect((await store.history({}, { size: 200 }, place.reach)).items).toHaveLength(1);
    });
  });

  describe('fields for an operator', () => {
    const resource = async () => (await db.collection('versions').findOne({ o: place.owner, head: true }))?.resource;

    test('the newest version has them, its predecessors do not', async () => {
      await store.write([place.change('Patient/a', 1, { text: '{"birthDate":"2000-01-01","n":[1,{"x":true}]}' })]);
      expect(await resource()).toEqual({ birthDate: '2000-01-01', n: [1, { x: true }] });
      await store.write([place.change('Patient/a', 2, { text: '{"birthDate":"2001-01-01"}' })]);
      const all = await db.collection('versions').find({ o: place.owner }).sort({ n: 1 }).toArray();
      expect(all.map((one) => one.resource?.birthDate)).toEqual([undefined, '2001-01-01']);
    });

    test.each([
      ['names of the driver', '{"a":{"_bsontype":"ObjectId","id":"x"}}'],
      ['names of the driver, escaped', '{"a":{"\\u005fbsontype":"Long"}}'],
      ['a name with a null', '{"a\\u0000b":1}'],
      ['what is no object', '[1]'],
      ['what is no JSON', '{'],
      ['what would become too large', JSON.stringify({ resourceType: 'Basic', n: new Array(1_200_000).fill(1) })],
    ])('%s: the text is kept without them', async (_name, odd) => {
      await store.write([place.change('Basic/a', 1, { text: odd })]);
      expect((await store.read([place.key('Basic/a')], place.reach))[0]?.text).toBe(odd);
      expect(await resource()).toBeUndefined();
    });

    test('what was read before is not read again, unless its text is odd', async () => {
      const document = { resourceType: 'Basic', code: { text: 'x' } };
      const text = JSON.stringify(document);
      await store.write([place.change('Basic/a', 1, { text: '{', document })]);
      expect(await resource()).toEqual(document);
      const odd = { ...document, _bsontype: 'Long' };
      await store.write([place.change('Basic/a', 2, { text: JSON.stringify(odd), document: odd })]);
      expect(await resource()).toBeUndefined();
      await store.write([place.change('Basic/a', 3, { text })]);
      expect(await resource()).toEqual(document);
    });

    test('names with a dollar or a dot are only names', async () => {
      await store.write([place.change('Basic/a', 1, { text: '{"$where":"x","a.b":{"$gt":1},"__proto__":{"c":1}}' })]);
      expect((await store.read([place.key('Basic/a')], place.reach))[0]?.version).toBe(1);
      expect(Object.keys((await resource()) as object)).toEqual(expect.arrayContaining(['$where', 'a.b']));
    });
  });

  test('R-06 sixteen writers in two servers lose no update', async () => {
    const keys = ['Task/a', 'Task/b'];
    await store.write(keys.map((at) => place.change(at, 1)));
    let acknowledged = 0;
    const writers = Array.from({ length: 16 }, async (_, n) => {
      const mine = n % 2 === 0 ? store : other;
      for (let round = 0; round < 4; round += 1) {
        const at = keys[(n + round) % 2] ?? '';
        const [current] = await mine.read([place.key(at)], place.reach);
        const done = mine.write([place.change(at, (current?.version ?? 0) + 1)]);
        const [outcome] = await Promise.allSettled([done]);
        if (outcome.status === 'fulfilled') acknowledged += 1;
        else expect(outcome.reason).toMatchObject({ reason: 'conflict' });
      }
    });
    await Promise.all(writers);
    const read = await store.read(keys.map(place.key), place.reach);
    expect(read.reduce((sum, found) => sum + (found?.version ?? 0) - 1, 0)).toBe(acknowledged);
    expect(acknowledged).toBeGreaterThan(0);
  });

  test('of guarded writes in two servers one makes the resource, ten rounds of sixteen', async () => {
    for (let round = 0; round < 10; round += 1) {
      const plan = is('identifier', `i${round}`);
      const guard: Guard = {
        name: `Patient?${place.name}-${round}`,
        type: 'Patient',
        plan,
        reach: place.reach,
        matches: 0,
      };
      const writes = Array.from({ length: 16 }, (_, n) => {
        const entries = [text('identifier', `i${round}`)];
        return (n % 2 === 0 ? store : other).write([place.change(`Patient/${round}-${n}`, 1, { entries })], [guard]);
      });
      const settled = await Promise.allSettled(writes);
      const refused = settled.filter((one) => one.status === 'rejected');
      expect(refused).toHaveLength(15);
      for (const { reason } of refused) expect(reason).toMatchObject({ reason: 'guard', at: guard.name });
      expect(await store.count(['Patient'], plan, place.reach, 99)).toBe(1);
    }
  });

  test('of two servers one takes a record of the vault, and one claims a key', async () => {
    const both = [store, other].flatMap((one) => Array.from({ length: 8 }, () => one.vault));
    await store.vault.put('code', 'x', clock.now() + 1000);
    expect((await Promise.all(both.map((vault) => vault.take('code')))).filter((taken) => taken === 'x')).toHaveLength(
      1,
    );
    const claims = await Promise.all(both.map((vault) => vault.putIfAbsent('jti', 'x', clock.now() + 1000)));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  test('MongoDB sweeps a record up after it has expired, by its own clock', async () => {
    const before = Date.now();
    await store.vault.put('swept', 'x', clock.now() + 5000);
    const record = await db.collection<{ _id: string; at: Date }>('vault').findOne({ _id: 'swept' });
    expect(record!.at.getTime()).toBeGreaterThan(before + 5000);
    expect(record!.at.getTime()).toBeLessThan(before + 120_000);
  });

  test('R-09 the feed of one server has what another one wrote, though commits are late', async () => {
    let cursor: Cursor = (await store.changes(undefined, 10_000)).cursor;
    for (let page = await store.changes(cursor, 1000); ; page = await store.changes(cursor, 1000)) {
      cursor = page.cursor;
      if (page.versions.length === 0) break;
    }
    const started = performance.now();
    expect((await store.changes(cursor, 100)).versions).toEqual([]);
    expect(performance.now() - started).toBeLessThan(1000);
    await other.write([place.change('Task/a', 1), place.change('Task/b', 1)]);
    await other.write([place.deletion('Task/a', 2)]);
    const { versions } = await store.changes(cursor, 100);
    expect(versions.map((one) => `${place.short(one)}${one.version}`)).toEqual(
      expect.arrayContaining(['a1', 'b1', 'a2']),
    );
    expect(versions).toHaveLength(3);
  });
});
