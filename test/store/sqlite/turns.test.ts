/** A write of five thousand resources: others are served meanwhile, and see none of it or all of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/kit/clock.js';
import { everything } from '../../../src/search/plan.js';
import type { Store } from '../../../src/store/port.js';
import { connect } from '../../../src/store/sqlite/connection.js';
import { openSqliteStore } from '../../../src/store/sqlite/index.js';
import { createOpenings } from '../../../src/store/sqlite/openings.js';
import { createScopes } from '../../../src/store/sqlite/scopes.js';
import { sql } from '../../../src/store/sqlite/sql.js';
import { createSight } from '../../../src/store/sqlite/within.js';
import { createWrite } from '../../../src/store/sqlite/write.js';
import { createPlaces, is, range, text } from '../../contract/store/place.js';

const TOTAL = 5000;
const folder = mkdtempSync(join(tmpdir(), 'afferent-turns-'));
let store: Store;
beforeAll(() => {
  store = openSqliteStore({ file: join(folder, 'store.db'), clock: systemClock });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function manyChanges() {
  const place = createPlaces(() => store)();
  const many = Array.from({ length: TOTAL }, (_, n) =>
    place.change(`Observation/o${n}`, 1, {
      text: JSON.stringify({ resourceType: 'Observation', note: 'x'.repeat(2000) }),
      entries: [text('code', `c${n % 10}`), text('subject', `Patient/${n % 100}`), range('date', n, n + 999)],
    }),
  );
  return { place, many };
}

test('reads are answered while it runs, from before it; then from after it', async () => {
  const { place, many } = manyChanges();
  await place.create({ 'Patient/there': [] });
  const seen = new Set<number>();
  let [longest, reads, running] = [0, 0, true];
  const start = performance.now();
  const write = store.write(many).finally(() => (running = false));
  const readers = Array.from({ length: 4 }, async () => {
    while (running) {
      const begun = performance.now();
      const [found] = await store.read([place.key('Patient/there')], place.reach);
      expect(found?.version).toBe(1);
      // A type whose first resources are just being written: neither its entries nor its list are seen in part.
      seen.add(await store.count(['Observation'], is('code', 'c3'), place.reach, TOTAL));
      seen.add((await store.count(['Observation'], everything, place.reach, TOTAL)) / 10);
      longest = Math.max(longest, performance.now() - begun);
      reads += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await write;
  const took = performance.now() - start;
  expect(await store.count(['Observation'], is('code', 'c3'), place.reach, TOTAL)).toBe(TOTAL / 10);
  await Promise.all(readers);
  expect([...seen].filter((count) => count !== 0 && count !== TOTAL / 10)).toEqual([]);
  expect(seen).toContain(0);
  expect(reads).toBeGreaterThan(50);
  // Some 10 ms on a calm machine, and the commit itself some 60; without turns it would be all of it.
  expect(longest).toBeLessThan(Math.max(250, took / 3));
});

test('a write of others waits in line and is not lost, whether the long one is written or fails', async () => {
  const { place, many } = manyChanges();
  await place.create({ 'Observation/o4999': [] });
  const long = store.write(many).then(
    () => 'written',
    (error: unknown) => (error as { reason: string }).reason,
  );
  const short: Promise<void>[] = [];
  for (let n = 0; n < 20; n += 1) {
    short.push(store.write([place.change(`Task/t${n}`, 1, { entries: [text(`only-${place.name}`, 'x')] })]));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await store.vault.put(place.name, 'x', systemClock.now() + 60_000);
  expect(await store.vault.get(place.name)).toBe('x');
  expect(await long).toBe('conflict');
  await Promise.all(short);
  expect(await store.count(['Task'], is(`only-${place.name}`, 'x'), place.reach, TOTAL)).toBe(20);
  expect(await store.count(['Observation'], everything, place.reach, TOTAL)).toBe(1);
  // Whatever was made ready for the lost write must not be mistaken for something else now.
  await store.write(many.slice(0, 4999));
  expect(await store.count(['Observation'], is('subject', 'Patient/7'), place.reach, TOTAL)).toBe(50);
});

test('closing waits for it', async () => {
  const file = join(folder, 'closed.db');
  const own = openSqliteStore({ file, clock: systemClock });
  const { place, many } = manyChanges();
  const write = own.write(many);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await Promise.all([own.close(), own.close()]);
  await write;
  await expect(own.write([place.change('Task/late', 1)])).rejects.toMatchObject({ reason: 'unavailable' });
  const again = openSqliteStore({ file, clock: systemClock });
  expect(await again.count(['Observation'], everything, place.reach, TOTAL)).toBe(TOTAL);
  await again.close();
});

test.each([
  ['a create', 1, 0],
  ['an update that changes all of them', 2, 9000],
])('%s of one resource with 9,000 values can be held after some hundred of them', (_name, version, from) => {
  const place = createPlaces(() => store)();
  const connection = connect(join(folder, `steps-${version}.db`));
  const { write } = createWrite(
    connection,
    createScopes(connection),
    createOpenings(connection, createSight(connection)),
    () => true,
  );
  const change = (number: number, first: number) =>
    place.change('Observation/large', number, {
      entries: Array.from({ length: 9000 }, (_, n) => text('code', `c${first + n}`)),
    });
  connection.db.exec('BEGIN');
  for (let before = 1; before < version; before += 1) for (const _step of write([change(before, 0)], []));
  let steps = 0;
  for (const _step of write([change(version, from)], [])) steps += 1;
  expect(steps).toBeGreaterThan(version * 15);
  connection.db.exec('COMMIT');
  const [row] = connection.all(sql`SELECT count(*) AS count, min(value) AS least FROM text_entry`);
  expect(row).toEqual({ count: 9000, least: `c${from === 0 ? 0 : 10_000}` });
  connection.close();
});
