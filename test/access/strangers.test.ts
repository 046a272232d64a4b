/** AU-02: requests without a token, told of one by one up to ten an address and minute, and counted beyond. */
import { createStrangers } from '../../src/audit/strangers.js';
import { createTrails } from '../../src/audit/trail.js';
import type { AuditLog } from '../../src/store/port.js';
import { createFakeClock } from '../contract/store.js';

function opened() {
  const kept: any[] = [];
  let fails = false;
  const log = {
    append: (records: { text: string }[]) => {
      if (fails) return Promise.reject(new Error('no room'));
      kept.push(...records.map(({ text }) => JSON.parse(text)));
      return Promise.resolve();
    },
  } as unknown as AuditLog;
  const clock = createFakeClock();
  const strangers = createStrangers(
    log,
    createTrails({ log, patientsOf: () => ({ patients: [], more: false }), most: 10 }),
    clock,
  );
  const ask = (from: string, status = 401) =>
    strangers.tell({ request: 'r', at: clock.now(), from }, { kind: 'read' }, status);
  return { kept, strangers, ask, clock, fail: (now: boolean) => (fails = now) };
}

const counted = (kept: any[]) =>
  kept.filter(({ acts }) => acts[0].kind === 'counted').map(({ from, acts }) => [from, acts[0].detail]);

test('AU-02 ten an address and minute, each address by itself, and the next minute anew', async () => {
  const { kept, strangers, ask, clock } = opened();
  for (let n = 0; n < 25; n += 1) await ask('one', n % 5 === 0 ? 404 : 401);
  await ask('other');
  expect(kept.map(({ from }) => from)).toEqual([...Array.from({ length: 10 }, () => 'one'), 'other']);
  clock.forward(60_000);
  await ask('one');
  await Promise.resolve();
  expect(counted(kept)).toEqual([['one', { 'status 401': '12', 'status 404': '3' }]]);
  expect(kept.filter(({ from }) => from === 'one')).toHaveLength(12);
  await strangers.close();
  expect(counted(kept)).toHaveLength(1);
});

test('AU-02 what was counted is told when the server stops, also of those that found no room at the door', async () => {
  const { kept, strangers, ask } = opened();
  for (let n = 0; n < 12; n += 1) await ask('one');
  strangers.count('busy', 503);
  await strangers.close();
  expect(counted(kept)).toEqual([
    ['one', { 'status 401': '2' }],
    ['busy', { 'status 503': '1' }],
  ]);
});

test('AU-02 a count that cannot be kept is kept later', async () => {
  const { kept, strangers, fail } = opened();
  strangers.count('one', 401);
  fail(true);
  await expect(strangers.close()).rejects.toThrow('no room');
  fail(false);
  await strangers.close();
  expect(counted(kept)).toEqual([['one', { 'status 401': '1' }]]);
});
