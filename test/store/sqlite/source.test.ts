/** Which indexes a search uses: for one indexed parameter SQLite never reads a table from end to end. */
import { isRange, type Entry, type Order, type Plan } from '../../../src/search/plan.js';
import type { Guard } from '../../../src/store/port.js';
import { connect, type Connection } from '../../../src/store/sqlite/connection.js';
import { createOpenings } from '../../../src/store/sqlite/openings.js';
import { createScopes } from '../../../src/store/sqlite/scopes.js';
import { createSearcher } from '../../../src/store/sqlite/search.js';
import { createSource } from '../../../src/store/sqlite/source.js';
import { sql } from '../../../src/store/sqlite/sql.js';
import { createSight } from '../../../src/store/sqlite/within.js';
import { createWrite } from '../../../src/store/sqlite/write.js';
import { is, range, text } from '../../contract/store/place.js';

const reach = { owners: ['org'] };
const finish = (steps: Iterable<undefined>) => [...steps];
const connection = connect(':memory:');
afterAll(() => connection.close());

beforeAll(() => {
  const writer = createWrite(
    connection,
    createScopes(connection),
    createOpenings(connection, createSight(connection)),
    (guard: Guard) => guard.matches === 0,
  );
  const change = (type: string, id: string, entries: Entry[]) =>
    ({ type, id, version: 1, updated: 1, owner: 'org', method: 'PUT', text: '{}', entries }) as const;
  connection.db.transaction(() => {
    for (let n = 0; n < 3000; n += 1) {
      const entries = [
        text('status', n % 2 ? 'final' : 'amended', 'urn:s'),
        text('patient', `Patient/p${n % 200}`),
        range('date', n),
      ];
      finish(writer.write([change('Observation', `o${n}`, entries)], []));
    }
    for (let n = 0; n < 200; n += 1) finish(writer.write([change('Patient', `p${n}`, [text('name', `name${n}`)])], []));
  })();
});

/** What SQLite says about each statement of a search, and how many steps of its machine they took. */
function explained(plan: Plan, order: Order[] = [], type = 'Observation') {
  const lines: string[] = [];
  const watched: Connection = {
    ...connection,
    tuple(query) {
      const steps = connection.all(sql`${{ text: `EXPLAIN QUERY PLAN ${query.text}`, values: query.values }}`);
      lines.push(...steps.map((step) => String(step.detail)));
      return connection.tuple(query);
    },
  };
  const scopes = createScopes(watched);
  const { search } = createSearcher(watched, createSource(watched, scopes, 100), createSight(watched));
  const page = search([type], plan, order, { size: 20 }, reach);
  return { lines, found: page.items.length };
}

const entry = (param: string, test: Extract<Plan, { node: 'entry' }>['test']): Plan => ({ node: 'entry', param, test });
const points = (where: Plan): Plan => ({ node: 'points', param: 'patient', types: ['Patient'], where });

const searches: [string, Plan, number][] = [
  ['everything of a type', { node: 'all', of: [] }, 20],
  ['a common token', is('status', 'final'), 20],
  ['a common token with its system', entry('status', { kind: 'text', value: { is: ['final'] }, detail: 'urn:s' }), 20],
  ['one of two tokens', is('status', 'final', 'amended'), 20],
  ['a rare reference', is('patient', 'Patient/p7'), 15],
  ['a rare and a common one', { node: 'all', of: [is('status', 'final'), is('patient', 'Patient/p7')] }, 15],
  ['the start of a text', entry('patient', { kind: 'text', value: { startsWith: 'Patient/p19' } }), 20],
  ['a small range', entry('date', { kind: 'range', value: '', low: { gte: 10 }, high: { lt: 15 } }), 5],
  ['a large range', entry('date', { kind: 'range', value: '', low: { gte: 10 } }), 20],
  ['an id', { node: 'id', ids: ['o5', 'o6'] }, 2],
  ['a time of writing', entry('_lastUpdated', { kind: 'range', value: '', low: { gt: 5 } }), 0],
  ['a chain', points(is('name', 'name7')), 15],
  ['not', { node: 'not', of: is('status', 'final') }, 20],
];

test.each(searches)('%s is found by an index', (_name, plan, expected) => {
  const { lines, found } = explained(plan);
  expect(found).toBe(expected);
  expect(
    lines.filter(
      (line) => /^SCAN (r|t|e|d|resource|version|text_entry|range_entry)$/.test(line) && !isSmall(line, lines),
    ),
  ).toEqual([]);
  expect(lines.join('\n')).toMatch(/SEARCH/);
});

test.each<[string, Plan]>([
  ['a common token', is('status', 'final')],
  ['everything', { node: 'all', of: [] }],
])('%s is read in natural order, without sorting all matches', (_name, plan) => {
  expect(explained(plan).lines.filter((line) => line.includes('TEMP B-TREE'))).toEqual([]);
});

test('what refers to a resource is found by an index', () => {
  const plan: Plan = { node: 'pointed', by: 'Observation', param: 'patient', where: is('status', 'final') };
  const { lines, found } = explained(plan, [], 'Patient');
  expect(found).toBe(20);
  expect(lines.filter((line) => /^SCAN (r|r1|resource|text_entry|range_entry)$/.test(line))).toEqual([]);
});

test('the last update sorts by an index', () => {
  const { lines } = explained({ node: 'all', of: [] }, [{ param: '_lastUpdated', descending: true }]);
  expect(lines.join('\n')).toMatch(/resource_updated/);
});

test('an entry is one row', () => {
  const rows = connection.get(sql`SELECT (SELECT count(*) FROM text_entry) + (SELECT count(*) FROM range_entry) AS n`);
  expect(rows?.n).toBe(3000 * 3 + 200);
  expect(isRange(range('date', 1))).toBe(true);
});

/** `d` is the list of numbers that a search begins with, made by a co-routine or a sub-select, not a table. */
const isSmall = (line: string, lines: string[]): boolean =>
  line === 'SCAN d' && lines.some((other) => /^(CO-ROUTINE|MATERIALIZE) d$/.test(other));
