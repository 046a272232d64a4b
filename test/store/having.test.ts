/** Who a person is, looked up each second, costs what their roles are, however much else names them. */
import { MongoClient } from 'mongodb';
import { systemClock } from '../../src/kit/clock.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import { REFERS, type Change, type Store } from '../../src/store/port.js';
import { connect, type Connection } from '../../src/store/sqlite/connection.js';
import { createHaving } from '../../src/store/sqlite/having.js';
import { createOpenings } from '../../src/store/sqlite/openings.js';
import { createScopes } from '../../src/store/sqlite/scopes.js';
import { createSight } from '../../src/store/sqlite/within.js';
import { createWrite } from '../../src/store/sqlite/write.js';
import { text } from '../contract/store/place.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

const BY = { type: 'PractitionerRole', param: 'practitioner' };
const [BUSY, OTHERS, OWNERS] = ['Practitioner/busy', 5000, 3];
const ROLES = ['r0', 'r1', 'r2'];
const TOO_MANY = 500;

/** Of three organizations each has a role of the one who is named by all else, and a hundred of other people. */
function* naming(): Generator<Change> {
  const change = (type: string, id: string, owner: number, param: string, value: string): Change => {
    const entries = [text(param, value), text(REFERS, value)];
    return { type, id, version: 1, updated: 1, owner: `org${owner}`, method: 'PUT', text: '{}', entries };
  };
  for (let n = 0; n < OTHERS; n += 1)
    yield n % 2 === 0
      ? change('Encounter', `e${n}`, n % OWNERS, 'practitioner', BUSY)
      : change('Observation', `o${n}`, n % OWNERS, 'performer', BUSY);
  for (const [owner, role] of ROLES.entries()) {
    yield change(BY.type, role, owner, BY.param, BUSY);
    for (let n = 0; n < 100; n += 1) yield change(BY.type, `${role}-${n}`, owner, BY.param, `Practitioner/p${n}`);
  }
}

test('SQLite goes from each organization to its roles', () => {
  const connection = connect(':memory:');
  try {
    const scopes = createScopes(connection);
    const openings = createOpenings(connection, createSight(connection));
    const writer = createWrite(connection, scopes, openings, () => false);
    connection.db.transaction(() => {
      for (const change of naming()) for (const _ of writer.write([change], [])) continue;
    })();
    const lines: string[][] = [];
    const watched: Connection = {
      ...connection,
      all(query) {
        const steps = connection.all({ ...query, text: `EXPLAIN QUERY PLAN ${query.text}` });
        lines.push(steps.map(({ detail }) => String(detail)));
        return connection.all(query);
      },
    };
    const having = createHaving(watched, createScopes(watched));
    const look = () => having(BY, [BUSY, 'Practitioner/nobody'], TOO_MANY).map(({ id }) => id);
    expect(look().sort()).toEqual(ROLES);
    const [scoped, found] = lines.splice(0);
    expect(scoped).toContain(
      'SEARCH s USING COVERING INDEX sqlite_autoindex_scope_1 (owner=? AND type=? AND param=? AND kind=?)',
    );
    expect(scoped?.filter((line) => /SCAN (s|scope)\b/.test(line))).toEqual([]);
    expect(found?.filter((line) => !line.includes('TEMP B-TREE'))).toEqual([
      'SCAN s VIRTUAL TABLE INDEX 1:',
      'SCAN v VIRTUAL TABLE INDEX 1:',
      'SEARCH e USING PRIMARY KEY (scope=? AND value=?)',
      'SEARCH r USING INTEGER PRIMARY KEY (rowid=?)',
    ]);
    // Which scopes there are is known until there is another one.
    expect([look().sort(), lines.splice(0)]).toEqual([ROLES, [found]]);
    connection.settle();
    connection.db.transaction(() => scopes.make('new', BY.type, BY.param, 'text'))();
    expect([look().sort(), lines]).toEqual([ROLES, [scoped, found]]);
  } finally {
    connection.close();
  }
});

describeMongo('a person whom much names', (url) => {
  const database = freshDatabase();
  let store: Store;
  let client: MongoClient;
  beforeAll(async () => {
    store = await openMongoStore({ url, database, clock: systemClock });
    client = await MongoClient.connect(url);
    await store.write([...naming()]);
  });
  afterAll(async () => {
    await store.close();
    await client.db(database).dropDatabase();
    await client.close();
  });

  test('MongoDB skips from organization to organization', async () => {
    const db = client.db(database);
    await db.command({ profile: 2 });
    const found = await store.having(BY, [BUSY, 'Practitioner/nobody'], TOO_MANY);
    await db.command({ profile: 0 });
    expect(found.map(({ id }) => id).sort()).toEqual(ROLES);
    const [one, ...more] = await db.collection('system.profile').find({ 'command.find': 'versions' }).toArray();
    expect([one?.docsExamined, more]).toEqual([ROLES.length, []]);
    // A few of each organization: to its roles, to its values, and on.
    expect(one?.keysExamined).toBeLessThanOrEqual(8 * OWNERS);
  });
});
