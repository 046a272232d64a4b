/**
 * A search by somebody to whom others opened a little of much: it begins with what is open to them, or with the value
 * that they ask for, and never walks through what is not theirs. Said by the databases themselves.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Document } from 'mongodb';
import { systemClock } from '../../src/kit/clock.js';
import { everything, type Order, type Plan } from '../../src/search/plan.js';
import type { Change, Opening, Reach, Store } from '../../src/store/port.js';
import { connect, type Connection } from '../../src/store/sqlite/connection.js';
import { createHistory } from '../../src/store/sqlite/history.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { createReader } from '../../src/store/sqlite/read.js';
import { createScopes } from '../../src/store/sqlite/scopes.js';
import { createSearcher } from '../../src/store/sqlite/search.js';
import { createSource } from '../../src/store/sqlite/source.js';
import { sql, type Sql } from '../../src/store/sqlite/sql.js';
import { createSight } from '../../src/store/sqlite/within.js';
import { is, range, text } from '../contract/store/place.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

const EVER = { from: 0, until: Number.MAX_SAFE_INTEGER };
const PATIENTS = 150;
const shared: Reach = { owners: ['home'], opened: { to: ['home', '*'], at: 1000 } };
const alone: Reach = { owners: ['home'] };

/** Of a partner's patients one in fifteen is open, of a stranger's none; each has ten Observations. */
async function fill(store: Store): Promise<void> {
  for (const [owner, patients] of [
    ['home', 5],
    ['partner', PATIENTS],
    ['stranger', PATIENTS],
  ] as const) {
    const changes: Change[] = [];
    const write = (type: string, id: string, entries: Change['entries']) =>
      changes.push({ type, id, version: 1, updated: 1, owner, method: 'PUT', text: '{}', entries });
    for (let n = 0; n < patients; n += 1) {
      write('Patient', `${owner}${n}`, [text('name', `${owner} ${n}`)]);
      for (let at = 0; at < 10; at += 1) {
        const entries = [text('patient', `Patient/${owner}${n}`), text('status', 'final'), range('date', 10 * n + at)];
        write('Observation', `${owner}${n}-${at}`, entries);
      }
    }
    const open = owner === 'partner' ? changes.filter(({ id }) => Number(/\d+/.exec(id)?.[0]) % 15 === 0) : [];
    const openings = open.map(({ type, id }) => ({ type, id, to: 'home', ...EVER }));
    await store.write(changes, [], undefined, undefined, {
      opened: [{ via: `ServiceRequest/${owner}`, was: 0, openings }],
    });
  }
}

const newest: Order[] = [{ param: 'date', descending: true }];
const ofPatient: Plan = { node: 'points', param: 'patient', types: ['Patient'], where: is('name', 'partner 15') };

/** TABLE: what is asked -> matches on the page, and so many index keys MongoDB may look at beside those of `home`. */
const searches: [string, Plan, Order[], number, number][] = [
  ['a patient', is('patient', 'Patient/partner30'), [], 10, 30],
  ['a patient, newest first', is('patient', 'Patient/partner30'), newest, 10, 30],
  ['a frequent value', is('status', 'final'), [], 20, 60],
  ['everything', everything, [], 20, 60],
  ['a frequent value, newest first', is('status', 'final'), newest, 20, 20],
  ['a chain', ofPatient, [], 10, 60],
];

describe('SQLite', () => {
  let folder: string;
  let connection: Connection;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-opened-'));
    const file = join(folder, 'store.db');
    const store = openSqliteStore({ file, clock: systemClock });
    await fill(store);
    await store.close();
    connection = connect(file);
  });
  afterAll(async () => {
    connection.close();
    await rm(folder, { recursive: true });
  });

  /** The statements that some work runs, each with what SQLite says about how. */
  function watched<T>(work: (connection: Connection) => T): { statements: string[]; lines: string[]; result: T } {
    const [statements, lines] = [[] as string[], [] as string[]];
    const note = ({ text, values }: Sql): void => {
      statements.push(text);
      const steps = connection.all({ text: `EXPLAIN QUERY PLAN ${text}`, values });
      lines.push(...steps.map(({ detail }) => String(detail)));
    };
    const told =
      <Given extends unknown[], R>(run: (query: Sql, ...given: Given) => R) =>
      (query: Sql, ...given: Given): R => {
        note(query);
        return run(query, ...given);
      };
    const { all, get, tuple, tuples, page } = connection;
    const result = work({
      ...connection,
      ...{ all: told(all), get: told(get), tuple: told(tuple), tuples: told(tuples), page: told(page) },
    });
    return { statements, lines, result };
  }

  const search = (plan: Plan, order: Order[], reach: Reach, few = 1000, type = 'Observation') =>
    watched((watched) => {
      const source = createSource(watched, createScopes(watched), few);
      return createSearcher(watched, source, createSight(watched)).search([type], plan, order, { size: 20 }, reach);
    });

  const SCANS = /^SCAN (r|t|x|d|o|v|resource|version|opening|text_entry|range_entry|sort_key)\b/;
  const isSmall = (line: string, lines: string[]) =>
    line === 'SCAN d' && lines.some((other) => /^(CO-ROUTINE|MATERIALIZE) d$/.test(other));

  // With few that is few it sorts; with more it walks.
  test.each(searches.flatMap(([name, ...rest]) => [1000, 0].map((few) => [name, few, ...rest] as const)))(
    '%s (few: %d) is found by indexes of what is open',
    (_name, few, plan, order, hits) => {
      const { lines, result } = search(plan, order, shared, few);
      expect(result.items).toHaveLength(hits);
      expect(lines.filter((line) => SCANS.test(line) && !isSmall(line, lines))).toEqual([]);
      expect(lines.join('\n')).toMatch(/opening_listed|SEARCH o EXISTS USING PRIMARY KEY \(num=\? AND org=\?/);
    },
  );

  test.each([
    ['a frequent value', is('status', 'final')],
    ['everything', everything],
  ])('%s is read along what is open, without sorting all of it', (_name, plan) => {
    const { lines } = search(plan, [], shared, 50);
    expect(lines.join('\n')).toMatch(/SEARCH d USING COVERING INDEX opening_listed \(org=\? AND type=\?\)/);
    expect(lines.filter((line) => line.includes('TEMP B-TREE'))).toEqual([]);
  });

  test('history of what is open begins with it', () => {
    const { lines, result } = watched((watched) => createHistory(watched)({ type: 'Patient' }, { size: 9 }, shared));
    expect(result.items).toHaveLength(9);
    expect(lines.join('\n')).toMatch(/opening_listed \(org=\? AND type=\?/);
    expect(lines.filter((line) => SCANS.test(line))).toEqual([]);
  });

  test.each(searches)('%s: who has nothing open asks what they asked before', (_name, plan, order) => {
    const [before, now, none] = [
      search(plan, order, alone),
      search(plan, order, { owners: ['home'], opened: { to: ['nobody'], at: 1000 } }),
      watched((watched) => createReader(watched).read([{ type: 'Patient', id: 'home1' }], alone)),
    ];
    // Beside whether anybody has opened anything to them.
    expect(now.statements.filter((one) => !one.includes('FROM opener'))).toEqual(before.statements);
    for (const { statements } of [before, none]) expect(statements.filter((one) => one.includes('open'))).toEqual([]);
  });

  test('who opened something once is remembered, and asked of no more than once', () => {
    const { statements } = watched((watched) => {
      const { sidesOf } = createSight(watched);
      for (let n = 0; n < 3; n += 1)
        expect(sidesOf(shared).open(['Observation'])?.owners('Patient')).toEqual(['partner']);
    });
    expect(statements.filter((one) => one.includes('SELECT type, owner'))).toHaveLength(2);
    expect(connection.get(sql`SELECT count(*) AS n FROM opener`)?.n).toBe(2);
  });
});

describeMongo('what is open to others', (url) => {
  const database = freshDatabase();
  const open = async () => {
    const { openMongoStore } = await import('../../src/store/mongo/index.js');
    return openMongoStore({ url, database, clock: systemClock });
  };
  let [store, other]: Store[] = [];
  let client: MongoClient;
  beforeAll(async () => {
    [store, other] = [await open(), await open()];
    client = await MongoClient.connect(url);
    await fill(store);
  });
  afterAll(async () => {
    await store?.close();
    await other?.close();
    await client.db(database).dropDatabase();
    await client.close();
  });

  const found = (plan: Plan, order: Order[], reach: Reach, type = 'Observation', by = store) =>
    by!.search([type], plan, order, { size: 20 }, reach);

  /** The questions that some work asks, as MongoDB's profiler saw them. */
  async function asked(work: () => Promise<unknown>): Promise<Document[]> {
    const db = client.db(database);
    await db.command({ profile: 0 });
    await db.dropCollection('system.profile');
    await db.command({ profile: 2 });
    await work();
    await db.command({ profile: 0 });
    const names = [{ 'command.find': 'versions' }, { 'command.aggregate': 'versions' }];
    return db.collection('system.profile').find({ $or: names }).toArray();
  }

  test('searches of one and of many in turn each go by an index of their own', async () => {
    const run = async ([, plan, order, hits]: (typeof searches)[number]) =>
      expect((await found(plan, order, shared)).items).toHaveLength(hits);
    for (const one of searches) await run(one);
    for (let round = 0; round < 3; round += 1)
      for (const one of searches) {
        const questions = await asked(() => run(one));
        expect(questions.length).toBeGreaterThan(0);
        const keys = questions.reduce((sum, { keysExamined }) => sum + Number(keysExamined), 0);
        expect([one[0], keys]).toEqual([one[0], Math.min(keys, one[4] + 60)]);
      }
  });

  describe('nothing', () => {
    const none: Reach = { owners: ['home'], opened: { to: ['nobody', 'none'], at: 1000 } };
    const isLook = ({ command }: Document) => command.hint === 'open';
    const questionOf = ({ command }: Document): unknown => [command.filter, command.sort, command.limit];

    test.each(searches)(
      '%s: who has nothing open asks what they asked before, and whether something is',
      async (...one) => {
        const [, plan, order] = one;
        const before = await asked(() => found(plan, order, alone));
        const now = await asked(() => found(plan, order, none));
        expect(now.filter((question) => !isLook(question)).map(questionOf)).toEqual(before.map(questionOf));
        const looks = now.filter(isLook);
        // A chain asks for each of its sides.
        expect(looks).toHaveLength(before.length);
        for (const { docsExamined, keysExamined } of looks)
          expect([docsExamined, keysExamined <= 2]).toEqual([0, true]);
      },
    );

    test('a count asks no second side either', async () => {
      const count = (reach: Reach) => asked(() => store!.count(['Observation'], is('status', 'final'), reach, 100));
      expect(await count(alone)).toHaveLength(1);
      expect((await count(none)).map((one) => [one.op, isLook(one)])).toEqual([
        ['query', true],
        ['command', false],
      ]);
    });

    test('searches of one turn share the question', async () => {
      const many = () => Promise.all(Array.from({ length: 8 }, () => found(is('status', 'final'), [], none)));
      expect((await asked(many)).map(isLook).sort()).toEqual([...Array<boolean>(8).fill(false), true]);
    });

    test('who owns nothing asks for what is open alone', async () => {
      const guest: Reach = { owners: [], opened: shared.opened! };
      const questions = await asked(async () => expect((await found(everything, [], guest)).items).toHaveLength(20));
      expect(questions.map(({ op }) => op)).toEqual(['query']);
    });
  });

  test('what another process opens is found by the next search, and what it closes by none', async () => {
    const reach: Reach = { owners: ['home'], opened: { to: ['newcomer', '*'], at: 1000 } };
    /** What is not their own, and how many there are. */
    const seen = async (type: string) => {
      const { items } = await found(everything, [], reach, type, other);
      const others = items.filter(({ owner }) => owner !== 'home').map(({ id }) => id);
      return [others, await other!.count([type], everything, reach, 99)];
    };
    const own = { Patient: 5, Observation: 50 };
    let was = 0;
    const replace = async (openings: Opening[]) => {
      const opened = [{ via: 'Task/newcomer', was, openings }];
      await store!.write([], [], undefined, undefined, { opened });
      was += 1;
    };
    const patient = { type: 'Patient', id: 'stranger7', to: 'newcomer', ...EVER };
    for (let round = 0; round < 3; round += 1) {
      expect(await seen('Patient')).toEqual([[], own.Patient]);
      await replace([patient]);
      expect(await seen('Patient')).toEqual([['stranger7'], own.Patient + 1]);
      expect(await seen('Observation')).toEqual([[], own.Observation]);
      await replace([]);
    }
  });
});
