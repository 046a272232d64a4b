/**
 * What sharing costs a search: the same searches by an organization of its own cases, of cases that another one opened
 * to it, and by one to which nothing can be open. One process, in turns, so that all meet the same disturbances; medians
 * of the CPU of this process and of the time. It asks the store itself, where the difference is largest.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { systemClock } from '../src/kit/clock.js';
import type { Entry, Order, Plan } from '../src/search/plan.js';
import type { Change, Opened, Reach, Store } from '../src/store/port.js';
import { openMongoStore } from '../src/store/mongo/index.js';
import { openSqliteStore } from '../src/store/sqlite/index.js';

/** Cases of each organization, and what one has beside its request: all of `partner` are open to `home`, none of `closed`. */
const CASES = { home: 200, partner: 1000, closed: 1000 } as const;
const SIZE = 10;
/** So many of `home` and of `partner` are large. */
const LARGE = { cases: 40, size: 50 };
const [ROUNDS, SEARCHES] = [40, 20];
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
      const opened: Opened[] = [];
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
const alone: Reach = { owners: ['home'] };
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
    'own, nothing shared': { reach: alone, type: 'Observation', plan: (n) => byPatient('home', n % 40), hits: 50 },
    own: { reach: shared, type: 'Observation', plan: (n) => byPatient('home', n % 40), hits: 50 },
    opened: { reach: shared, type: 'Observation', plan: (n) => byPatient('partner', n % 40), hits: 50 },
  },
  'case of 50, newest 20': {
    'own, nothing shared': {
      ...{ reach: alone, type: 'Observation', plan: (n) => byPatient('home', n % 40), hits: 20 },
      order: newest('date'),
    },
    opened: {
      ...{ reach: shared, type: 'Observation', plan: (n) => byPatient('partner', n % 40), hits: 20 },
      order: newest('date'),
    },
  },
  'case of 10': {
    'own, nothing shared': { reach: alone, type: 'Observation', plan: (n) => byPatient('home', small(n)), hits: 10 },
    own: { reach: shared, type: 'Observation', plan: (n) => byPatient('home', small(n)), hits: 10 },
    opened: { reach: shared, type: 'Observation', plan: (n) => byPatient('partner', small(n)), hits: 10 },
  },
  'active requests, 50': {
    'own, nothing shared': { reach: alone, type: 'ServiceRequest', plan: () => active, hits: 50 },
    'own and opened': { reach: shared, type: 'ServiceRequest', plan: () => active, hits: 50 },
  },
  'active requests, newest 20': {
    'own, nothing shared': {
      ...{ reach: alone, type: 'ServiceRequest', plan: () => active, hits: 20 },
      order: newest('authored'),
    },
    'own and opened': {
      ...{ reach: shared, type: 'ServiceRequest', plan: () => active, hits: 20 },
      order: newest('authored'),
    },
  },
};

async function measure(name: string, store: Store): Promise<void> {
  await fill(store);
  for (const [group, rows] of Object.entries(groups)) {
    const times = new Map(Object.keys(rows).map((row) => [row, { cpu: [] as number[], wall: [] as number[] }]));
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [row, { reach, type, plan, order = [], hits }] of Object.entries(rows)) {
        const [cpu, wall] = [process.cpuUsage(), performance.now()];
        for (let n = 0; n < SEARCHES; n += 1) {
          const page = { size: Math.min(hits, 50), bare: true };
          const { items } = await store.search([type], plan(round * SEARCHES + n), order, page, reach);
          if (items.length !== hits) throw new Error(`${group}, ${row}: ${items.length} instead of ${hits}.`);
        }
        const { user, system } = process.cpuUsage(cpu);
        times.get(row)?.cpu.push((user + system) / SEARCHES);
        times.get(row)?.wall.push(((performance.now() - wall) * 1000) / SEARCHES);
      }
    const [base] = times.values();
    for (const [row, { cpu, wall }] of times) {
      const [c, w] = [cpu, wall].map(median) as [number, number];
      const [cpuMore, wallMore] = [c / median(base?.cpu ?? []), w / median(base?.wall ?? [])];
      console.log(
        `${name.padEnd(8)} ${group.padEnd(28)} ${row.padEnd(20)} CPU ${c.toFixed(0).padStart(6)} µs ×${cpuMore.toFixed(2)}   time ${w.toFixed(0).padStart(6)} µs ×${wallMore.toFixed(2)}`,
      );
    }
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const folder = await mkdtemp(join(tmpdir(), 'afferent-bench-opened-'));
const sqlite = openSqliteStore({ file: join(folder, 'store.sqlite'), clock: systemClock });
await measure('SQLite', sqlite);
await sqlite.close();
await rm(folder, { recursive: true, force: true });
const { MONGODB_URL: url } = process.env;
if (url !== undefined) {
  const database = `bench_opened_${process.pid}`;
  const mongo = await openMongoStore({ url, database, clock: systemClock });
  await measure('MongoDB', mongo);
  await mongo.close();
  const client = await MongoClient.connect(url);
  await client.db(database).dropDatabase();
  await client.close();
}
