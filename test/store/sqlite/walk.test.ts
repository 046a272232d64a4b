/** Sorted pages by a walk: among 2,000 resources, and where fences are, they are what sorting all of them gives. */
import { everything, type Entry, type Order, type Plan } from '../../../src/search/plan.js';
import { systemClock } from '../../../src/kit/clock.js';
import type { Change, Position, Store } from '../../../src/store/port.js';
import { openSqliteStore } from '../../../src/store/sqlite/index.js';
import { connect, type Connection } from '../../../src/store/sqlite/connection.js';
import { createOpenings } from '../../../src/store/sqlite/openings.js';
import { createScopes } from '../../../src/store/sqlite/scopes.js';
import { createSearcher } from '../../../src/store/sqlite/search.js';
import { createSource } from '../../../src/store/sqlite/source.js';
import { createSight } from '../../../src/store/sqlite/within.js';
import { createWrite } from '../../../src/store/sqlite/write.js';
import { sql } from '../../../src/store/sqlite/sql.js';
import { is, range, text } from '../../contract/store/place.js';

const reach = { owners: ['org'] };
const TOTAL = 2000;
const DAY = 86_400_000;

function entriesOf(n: number): Entry[] {
  const at = ((n * 7919) % 700) * 3_600_000;
  const date = [
    [range('date', at, at + 999)],
    [range('date', at, at + 999)],
    [range('date', at, at + DAY - 1)],
    [range('date', at, at + 30 * DAY)],
    [range('date', at), range('date', at + 9 * DAY)],
    [],
  ][n % 6];
  return [
    ...(date ?? []),
    text('status', n % 5 === 0 ? 'amended' : 'final'),
    ...(n % 50 === 0 ? [text('flag', 'rare')] : []),
    // Only what sorts last has it: a walk from the other end would be long.
    ...(at > 650 * 3_600_000 ? [text('flag', 'late')] : []),
  ];
}

const changeOf = (n: number): Change => ({
  type: 'Observation',
  id: `o${n}`,
  version: 1,
  updated: 1_700_000_000_000 + ((n * 31) % TOTAL),
  owner: 'org',
  method: 'PUT',
  text: '{}',
  entries: entriesOf(n),
});

const up = (param: string): Order => ({ param, descending: false });
const down = (param: string): Order => ({ param, descending: true });
const from = (low: number): Plan => ({
  node: 'any',
  of: [
    { node: 'entry', param: 'date', test: { kind: 'range', value: '', low: { gte: low } } },
    { node: 'entry', param: 'date', test: { kind: 'range', value: '', high: { gt: low + DAY - 1 } } },
  ],
});

describe('pages', () => {
  // One sorts all that is found, the other one walks wherever it can.
  let sorts: Store;
  let walks: Store;
  beforeAll(async () => {
    const changes = Array.from({ length: TOTAL }, (_, n) => changeOf(n));
    sorts = openSqliteStore({ file: ':memory:', clock: systemClock, few: 1_000_000 });
    walks = openSqliteStore({ file: ':memory:', clock: systemClock, few: 0 });
    await Promise.all([sorts.write(changes), walks.write(changes)]);
  });
  afterAll(() => Promise.all([sorts.close(), walks.close()]));

  const plans: [string, Plan][] = [
    ['a frequent value', is('status', 'final')],
    ['a rare value', is('flag', 'rare')],
    ['a value at one end', is('flag', 'late')],
    ['a span and a value', { node: 'all', of: [from(400 * 3_600_000), is('status', 'amended')] }],
    ['nothing', is('status', 'none')],
  ];
  const rows = plans.flatMap(([name, plan]) =>
    [up('date'), down('date'), down('_lastUpdated')].map((order) => [name, plan, order] as const),
  );
  test.each(rows)(
    '%s: a walk gives what sorting gives, page by page, and either goes on where the other one stopped',
    async (_name, plan, order) => {
      let after: Position | undefined;
      for (let pages = 0; pages < 40; pages += 1) {
        const request = { size: 60, ...(after && { after }) };
        const [one, other] = await Promise.all(
          [sorts, walks].map((store) => store.search(['Observation'], plan, [order], request, reach)),
        );
        expect(other?.items.map(({ id }) => id)).toEqual(one?.items.map(({ id }) => id));
        expect(other?.next).toEqual(one?.next);
        after = one?.next;
        if (after === undefined) return;
      }
      throw new Error('The pages do not end.');
    },
  );
});

describe('what is read', () => {
  const connection = connect(':memory:');
  afterAll(() => connection.close());
  const many = Array.from({ length: TOTAL }, (_, n) => changeOf(n));
  beforeAll(() => {
    const writer = createWrite(
      connection,
      createScopes(connection),
      createOpenings(connection, createSight(connection)),
      () => true,
    );
    connection.db.transaction(() => [...writer.write(many, [])])();
  });

  /** The lines of the plans of the statements that a search runs. */
  function explained(plan: Plan, order: Order): string[] {
    const lines: string[] = [];
    const watched: Connection = {
      ...connection,
      tuple(query) {
        const steps = connection.all(sql`${{ text: `EXPLAIN QUERY PLAN ${query.text}`, values: query.values }}`);
        lines.push(...steps.map((step) => String(step.detail)));
        return connection.tuple(query);
      },
    };
    const { search } = createSearcher(watched, createSource(watched, createScopes(watched), 100), createSight(watched));
    search(['Observation'], plan, [order], { size: 20 }, reach);
    return lines;
  }

  const late: Plan = { node: 'all', of: [is('status', 'final'), from(9e8)] };
  test.each([
    ['everything by date', everything, down('date')],
    ['a frequent value by date', is('status', 'final'), down('date')],
    ['a frequent value from a date on', late, up('date')],
  ])('%s: along the keys, and no arm sorts all that it has', (_name, plan, order) => {
    const lines = explained(plan, order);
    expect(lines.join('\n')).toMatch(/SEARCH d USING PRIMARY KEY \(scope=\? AND key>\? AND key<\?\)/);
    // What an arm found is sorted once more, the size of a page at most; what it walks along is not.
    const sorts = lines.filter((_, at) => lines[at + 1] === 'USE TEMP B-TREE FOR ORDER BY');
    expect(sorts.filter((line) => !line.startsWith('SCAN (subquery'))).toEqual([]);
  });

  test.each([
    ['last update', down('_lastUpdated'), /USING INDEX resource_updated/],
    ['last update, rising', up('_lastUpdated'), /USING INDEX resource_updated/],
    ['id', up('_id'), /USING INDEX sqlite_autoindex_resource_1/],
    ['id, falling', down('_id'), /USING INDEX sqlite_autoindex_resource_1/],
  ])('sorting by %s follows an index', (_name, order, index) => {
    const lines = explained(everything, order);
    expect(lines.join('\n')).toMatch(index);
    expect(lines.filter((line) => line.includes('TEMP B-TREE FOR ORDER BY'))).toEqual([]);
  });

  test('a resource has one row for a date of a usual width, and one where it has none', () => {
    const row = connection.get(sql`SELECT count(*) AS n FROM sort_key`);
    const wide = many.filter((_, n) => n % 6 === 3 || n % 6 === 4).length;
    expect(row?.n).toBe(TOTAL + wide);
  });
});
