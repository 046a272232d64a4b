/**
 * Data of every earlier release, opened by this one: it is brought forward and says what it said. `test/data/schemas`
 * holds databases as those releases wrote them, one file for each schema and store.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { BSON, MongoClient, type Db, type Document, type IndexDescription } from 'mongodb';
import { verifyTrail } from '../../src/audit/verify.js';
import { systemClock } from '../../src/kit/clock.js';
import { migrate, steps } from '../../src/store/mongo/migrate.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import { everything } from '../../src/search/plan.js';
import type { Position, Store } from '../../src/store/port.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { is } from '../contract/store/place.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

const schema = (name: string) => readFile(new URL(`../data/schemas/${name}`, import.meta.url), 'utf8');
const reach = { owners: ['home'] };

/** What the first release wrote, asked in every way that there is. */
async function saysWhatItSaid(store: Store): Promise<void> {
  const ada = { type: 'Patient', id: 'ada' };
  const [current, gone, other] = await store.read(
    [ada, { type: 'Patient', id: 'gone' }, { type: 'Patient', id: 'other' }],
    reach,
  );
  expect(current).toMatchObject({ version: 2, method: 'PUT', text: expect.stringContaining('Meier') });
  expect(gone).toMatchObject({ version: 2, method: 'DELETE', text: undefined });
  expect(other).toBeUndefined();
  expect((await store.version(ada, 1, reach))?.text).toContain('"Müller"');
  const history = await store.history({}, { size: 20 }, reach);
  expect(history.items.map(({ id, version }) => `${id}.${version}`)).toEqual([
    'photo.1',
    'gone.2',
    'gone.1',
    'one.1',
    'ada.2',
    'ada.1',
  ]);
  expect(history.items[0]?.blob).toEqual({ hash: 'ab'.repeat(32), size: 5 });
  const found = async (type: string, param: string, value: string) =>
    (await store.search([type], is(param, value), [], { size: 5 }, reach)).items.map(({ id }) => id);
  expect(await found('Patient', 'name', 'meier')).toEqual(['ada']);
  expect(await found('Patient', 'name', 'muller')).toEqual([]);
  expect(await found('Observation', 'subject', 'Patient/ada')).toEqual(['one']);
  expect(await store.blobsInUse(['ab'.repeat(32), 'cd'.repeat(32)])).toEqual(new Set(['ab'.repeat(32)]));
  expect(await store.vault.get('cursor-key')).toBe('secret');
  expect(await store.keeping.note('index')).toBeUndefined();
  await store.write([
    { ...ada, version: 3, updated: systemClock.now(), owner: 'home', method: 'PUT', text: '{}', entries: [] },
  ]);
  expect(await found('Patient', 'name', 'meier')).toEqual([]);
}

/** What the release before sort keys wrote: values of every width and none, which a sort must all show. */
async function sortsWhatItHad(store: Store): Promise<void> {
  for (const [descending, expected] of [
    [false, ['none', 'd', 'e', 'b', 'a', 'c']],
    [true, ['d', 'b', 'e', 'c', 'a', 'none']],
  ] as const) {
    const shown: string[] = [];
    for (let after: Position | undefined, more = true; more; more = after !== undefined) {
      const request = { size: 2, ...(after && { after }) };
      const order = [{ param: 'date', descending }];
      const page = await store.search(['Observation'], everything, order, request, { owners: ['org-3'] });
      shown.push(...page.items.map(({ id }) => id));
      after = page.next;
    }
    expect(shown).toEqual(expected);
  }
}

describe('SQLite', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-schema-'));
    file = join(folder, 'old.sqlite');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each([1, 3, 4, 6, 7])('schema %d is brought forward with all that it holds', async (number) => {
    const old = new Database(file);
    old.exec(await schema(`sqlite-${number}.sql`));
    old.close();
    for (let start = 0; start < 2; start += 1) await openSqliteStore({ file, clock: systemClock }).close();
    const store = openSqliteStore({ file, clock: systemClock, few: 0 });
    if (number >= 3) await sortsWhatItHad(store);
    await saysWhatItSaid(store);
    await store.close();
  });

  test.each([6, 7])('the audit trail of schema %d is found as it was, and holds', async (number) => {
    const old = new Database(file);
    old.exec(await schema(`sqlite-${number}.sql`));
    old.close();
    const store = openSqliteStore({ file, clock: systemClock });
    const said = async (key: string, size: number) => {
      const { items, next } = await store.audit.scan(key, {}, { size });
      return [items.map(({ text }) => (JSON.parse(text) as { said: string }).said), next !== undefined];
    };
    expect(await said('o:home', 10)).toEqual([['last', '2.1', '2.0', '1.1', '1.0', '0.1', '0.0'], false]);
    expect(await said('p:1', 1)).toEqual([['1.1'], true]);
    expect(await verifyTrail(store.audit)).toMatchObject({ records: 7, links: 4, findings: [] });
    await store.close();
  });

  test('a later schema is refused with what to do', () => {
    const later = new Database(file);
    later.pragma('user_version = 99');
    later.close();
    expect(() => openSqliteStore({ file, clock: systemClock })).toThrow(
      /schema 99 .* open it with the release that made it/,
    );
  });
});

describeMongo('migrations', (url) => {
  let client: MongoClient;
  let db: Db;
  const open = () => openMongoStore({ url, database: db.databaseName, clock: systemClock });
  beforeEach(async () => {
    client = await MongoClient.connect(url);
    db = client.db(freshDatabase());
  });
  afterEach(async () => {
    await db.dropDatabase();
    await client.close();
  });

  test.each([1, 2])('schema %d is brought forward with all that it holds', async (number) => {
    const old = BSON.EJSON.parse(await schema(`mongodb-${number}.json`)) as Record<
      string,
      { indexes: IndexDescription[]; documents: Document[] }
    >;
    for (const [name, { indexes, documents }] of Object.entries(old)) {
      await db.createCollection(name);
      if (indexes.length > 0) await db.collection(name).createIndexes(indexes);
      if (documents.length > 0) await db.collection(name).insertMany(documents);
    }
    // Two processes of a new release start at once.
    const [store, other] = await Promise.all([open(), open()]);
    expect(await db.collection('meta').findOne({ _id: 'schema' as never })).toEqual({
      _id: 'schema',
      number: steps.length,
    });
    if (number === 2) await sortsWhatItHad(store);
    await saysWhatItSaid(store);
    await store.close();
    await other.close();
  });

  test('a later schema is refused with what to do, and left as it is', async () => {
    await db.collection('meta').insertOne({ _id: 'schema' as never, number: 99 });
    await expect(open()).rejects.toThrow(/schema 99 .* open it with the release that made it/);
    expect((await db.listCollections().toArray()).map(({ name }) => name)).toEqual(['meta']);
  });

  test('of several processes one takes each step, once', async () => {
    const taken: number[] = [];
    const slow = [0, 1, 2].map((step) => async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      taken.push(step);
    });
    await Promise.all(['a', 'b', 'c', 'd'].map((by) => migrate(db, by, slow)));
    expect(taken).toEqual([0, 1, 2]);
  });

  test('a process that falls in the middle leaves the rest to the next one', async () => {
    const taken: string[] = [];
    const ok = (name: string) => () => Promise.resolve(void taken.push(name));
    const fails = () => Promise.reject(new Error('The power went.'));
    await expect(migrate(db, 'first', [ok('one'), fails])).rejects.toThrow('power');
    // Nobody else may while the lease of the one that fell runs.
    await expect(migrate(db, 'second', [ok('again'), ok('two')], 300)).rejects.toThrow(/another process/);
    await db.collection('meta').updateOne({ _id: 'schema' as never }, { $set: { until: new Date(0) } });
    await migrate(db, 'second', [ok('again'), ok('two')]);
    expect(taken).toEqual(['one', 'two']);
  });
});
