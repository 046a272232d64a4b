/**
 * What sharing costs a search: the same searches by an organization of its own cases, of cases that another one opened
 * to it, and by one to which nothing can be open. One process, in turns, so that all meet the same disturbances; medians
 * of the CPU of this process and of the time. It asks the store itself, where the difference is largest. A part of the
 * bench, as a process of its own; alone by `npx tsx bench/opened.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/kit/clock.js';
import type { Entry, Order, Plan } from '../src/search/plan.js';
import type { Change, Opened as Opening, Reach, Store } from '../src/store/port.js';
import { openMongoStore } from '../src/store/mongo/index.js';
import { openSqliteStore } from '../src/store/sqlite/index.js';
import { cpuOf } from './measure.js';
import type { Opened } from './result.js';
import { dropDatabase } from './servers.js';
import { openedTable } from './table.js';
import { work, type StoreJob } from './worker.js';

/** Cases of each organization, and what one has beside its request: all of `partner` are open to `home`, none of `closed`. */
const CASES = { home: 200, partner: 1000, closed: 1000 } as const;
const SIZE = 10;
/** So many of `home` and of `partner` are large. */
const LARGE = { cases: 40, size: 50 };
const alone = process.send === undefined;
const [ROUNDS, SEARCHES] = [alone ? 40 : 15, 20];
const PADDING = 'x'.repeat(4000);

type Owner = keyof typeof CASES;

const sizeOf = (owner: Owner, n: number): number => (owner !== 'closed' && n < LARGE.cases ? LARGE.size : SIZE);
const text = (param: string, value: string): Entry => ({ param, value, detail: '' });

function changeOf(owner: Owner, type: string, id: string, n: number, at: number): Change {
  const updated = Date.UTC(2026, 0, 1) + n * 3_600_000 + at * 60_000;
  const entries = [
    text('patient', `Patient/${owner}${n}`),
    text('status', at % 4 === 0 ? 'active' : 'completed'),
    { param: type === 'ServiceRequest' ? 'authored' : 'date', value: '', low: updated, high: updated + 999 },
    ...Array.from({ length: 12 }, (_, k) => text(`answer-${k}`, `${n % 50} ${k}`)),
  ];
  const json = JSON.stringify({ resourceType: type, id, note: PADDING });
  return { type, id, version: 1, updated, owner, method: 'PUT', text: json, entries };
}

async function fill(store: Store): Promise<void> {
  for (const owner of Object.keys(CASES) as Owner[])
    for (let from = 0; from < CASES[owner]; from += 20) {
      const changes: Change[] = [];
      const opened: Opening[] = [];
      for (let n = from; n < from + 20; n += 1) {
        const request = changeOf(owner, 'ServiceRequest', `${owner}${n}`, n, 4 * (n % 2));
        const resources = Array.from({ length: sizeOf(owner, n) }, (_, at) =>
          changeOf(owner, 'Observation', `${owner}${n}-${at}`, n, at),
        );
        changes.push(request, ...resources);
        const openings = [request, ...resources].map(({ type, id }) => ({ type, id, to: 'home', ...EVER }));
        if (owner === 'partner') opened.push({ via: `ServiceRequest/${request.id}`, was: 0, openings });
      }
      await store.write(changes, [], undefined, undefined, { opened });
    }
}

const EVER = { from: 0, until: Number.MAX_SAFE_INTEGER };
const unshared: Reach = { owners: ['home'] };
const shared: Reach = { owners: ['home'], opened: { to: ['home', '*'], at: Date.UTC(2026, 5, 1) } };

const byPatient = (owner: Owner, n: number): Plan => ({
  node: 'entry',
  param: 'patient',
  test: { kind: 'text', value: { is: [`Patient/${owner}${n}`] } },
});
const active: Plan = { node: 'entry', param: 'status', test: { kind: 'text', value: { is: ['active'] } } };
const newest = (param: string): Order[] => [{ param, descending: true }];

interface Row {
  reach: Reach;
  type: string;
  plan: (n: number) => Plan;
  order?: Order[];
  hits: number;
}

const small = (n: number): number => LARGE.cases + (n % 150);

/** TABLE: what is asked; the first row of each group is what the others are compared with. */
const groups: Record<string, Record<string, Row>> = {
  'case of 50': {
    'own, nothing shared': { reach: unshared, type: 'Observation', plan: (n) => byPatient('home', n % 40), hits: 50 },
    own: { reach: shared, type: 'Observation', plan: (n) => byPatient('home', n % 40), hits: 50 },
    opened: { reach: shared, type: 'Observation', plan: (n) => byPatient('partner', n % 40), hits: 50 },
  },
  'case of 50, newest 20': {
    'own, nothing shared': {
      ...{ reach: unshared, type: 'Observation', plan: (n) => byPatient('home', n % 40), hits: 20 },
      order: newest('date'),
    },
    opened: {
      ...{ reach: shared, type: 'Observation', plan: (n) => byPatient('partner', n % 40), hits: 20 },
      order: newest('date'),
    },
  },
  'case of 10': {
    'own, nothing shared': { reach: unshared, type: 'Observation', plan: (n) => byPatient('home', small(n)), hits: 10 },
    own: { reach: shared, type: 'Observation', plan: (n) => byPatient('home', small(n)), hits: 10 },
    opened: { reach: shared, type: 'Observation', plan: (n) => byPatient('partner', small(n)), hits: 10 },
  },
  'active requests, 50': {
    'own, nothing shared': { reach: unshared, type: 'ServiceRequest', plan: () => active, hits: 50 },
    'own and opened': { reach: shared, type: 'ServiceRequest', plan: () => active, hits: 50 },
  },
  'active requests, newest 20': {
    'own, nothing shared': {
      ...{ reach: unshared, type: 'ServiceRequest', plan: () => active, hits: 20 },
      order: newest('authored'),
    },
    'own and opened': {
      ...{ reach: shared, type: 'ServiceRequest', plan: () => active, hits: 20 },
      order: newest('authored'),
    },
  },
};

/** @param mongod its process, where that is on this machine and nobody else's */
async function measure(store: Store, mongod?: number): Promise<Opened[]> {
  await fill(store);
  const results: Opened[] = [];
  for (const [group, rows] of Object.entries(groups)) {
    const times = new Map(
      Object.keys(rows).map((row) => [row, { cpu: [] as number[], wall: [] as number[], mongod: 0 }]),
    );
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [row, { reach, type, plan, order = [], hits }] of Object.entries(rows)) {
        const before = mongod === undefined ? 0 : cpuOf(mongod);
        const [cpu, wall] = [process.cpuUsage(), performance.now()];
        for (let n = 0; n < SEARCHES; n += 1) {
          const page = { size: Math.min(hits, 50), bare: true };
          const { items } = await store.search([type], plan(round * SEARCHES + n), order, page, reach);
          if (items.length !== hits) throw new Error(`${group}, ${row}: ${items.length} instead of ${hits}.`);
        }
        const { user, system } = process.cpuUsage(cpu);
        const spent = times.get(row);
        if (spent === undefined) continue;
        spent.cpu.push((user + system) / SEARCHES);
        spent.wall.push(((performance.now() - wall) * 1000) / SEARCHES);
        // It is told in steps of 10 ms, so that it says something only of all rounds together.
        if (mongod !== undefined) spent.mongod += (cpuOf(mongod) - before) / SEARCHES / ROUNDS;
      }
    for (const [row, { cpu, wall, mongod }] of times)
      results.push({ group, row, cost: median(cpu) + mongod, wall: median(wall) });
  }
  return results;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function inStore({ settings, mongod }: StoreJob): Promise<Opened[]> {
  const { MONGODB_URL: url } = settings;
  if (url === undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-bench-opened-'));
    const store = openSqliteStore({ file: join(folder, 'store.sqlite'), clock: systemClock });
    const results = await measure(store);
    await store.close();
    await rm(folder, { recursive: true, force: true });
    return results;
  }
  const database = `bench_opened_${process.pid}`;
  const store = await openMongoStore({ url, database, clock: systemClock });
  const results = await measure(store, mongod);
  await store.close();
  await dropDatabase(url, database);
  return results;
}

if (alone) {
  console.log(`SQLite\n\n${openedTable(await inStore({ settings: {} }))}`);
  const { MONGODB_URL: url } = process.env;
  if (url !== undefined)
    console.log(`\nMongoDB, without mongod\n\n${openedTable(await inStore({ settings: { MONGODB_URL: url } }))}`);
} else {
  work((job: StoreJob, measuring) => {
    measuring();
    return inStore(job);
  });
}
