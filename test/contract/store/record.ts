/** A record of the vault that belongs to a write: both, or neither, and once. */
import type { VaultRecord } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { is, text } from './place.js';

export function recordContract({ promise, opened, places, clock }: Bench): void {
  const store = () => opened().store;
  const recordOf = (key: string, value = 'made'): VaultRecord => ({ key, value, expires: clock.now() + 1000 });

  promise('is there when the write is, also of a write that changes nothing', async () => {
    const place = places();
    const records = [recordOf(`${place.name} one`), recordOf(`${place.name} none`), recordOf(`${place.name} many`)];
    const [one, none, many] = records as [VaultRecord, VaultRecord, VaultRecord];
    await store().write([place.change('Patient/a', 1)], [], undefined, one);
    await store().write([], [], undefined, none);
    await store().write([place.change('Patient/a', 2), place.change('Patient/b', 1)], [], undefined, many);
    for (const { key } of records) expect(await store().vault.get(key)).toBe('made');
    expect(await place.found(['Patient'], { node: 'all', of: [] })).toEqual(['a', 'b']);
  });

  promise('that is there already refuses the whole write, whatever else would', async () => {
    const place = places();
    const record = recordOf(place.name);
    await store().write([place.change('Patient/a', 1)], [], undefined, record);
    const guard = { name: 'x', type: 'Patient', plan: is('x', 'y'), reach: place.reach, matches: 7 };
    for (const [changes, guards] of [
      [[place.change('Patient/b', 1)], []],
      [[place.change('Patient/a', 1)], []],
      [[], []],
      [[place.change('Patient/b', 1)], [guard]],
    ] as Parameters<ReturnType<typeof store>['write']>[])
      await expect(store().write(changes, guards, undefined, { ...record, value: 'again' })).rejects.toMatchObject({
        reason: 'recorded',
        at: record.key,
      });
    expect(await store().vault.get(record.key)).toBe('made');
    expect(await place.found(['Patient'], { node: 'all', of: [] })).toEqual(['a']);
  });

  promise('is not there when the write is refused', async () => {
    const place = places();
    const record = recordOf(place.name);
    await store().write([place.change('Patient/a', 1)]);
    await expect(store().write([place.change('Patient/a', 1)], [], undefined, record)).rejects.toMatchObject({
      reason: 'conflict',
    });
    const integrity = { present: [place.key('Patient/nobody')], unreferred: [], reach: place.reach };
    await expect(store().write([place.change('Patient/b', 1)], [], integrity, record)).rejects.toMatchObject({
      reason: 'missing',
    });
    expect(await store().vault.get(record.key)).toBeUndefined();
    expect(await store().vault.putIfAbsent(record.key, 'mine', clock.now() + 1000)).toBe(true);
  });

  promise('past its time is no obstacle', async () => {
    const place = places();
    await store().write([place.change('Patient/a', 1)], [], undefined, recordOf(place.name, 'first'));
    clock.forward(1001);
    await store().write([place.change('Patient/b', 1)], [], undefined, recordOf(place.name, 'second'));
    expect(await store().vault.get(place.name)).toBe('second');
  });

  promise('of sixteen writes with one record one is made', async () => {
    for (const changes of [1, 2]) {
      const place = places();
      const writes = Array.from({ length: 16 }, (_, n) =>
        store().write(
          Array.from({ length: changes }, (__, at) =>
            place.change(`Patient/n${n}-${at}`, 1, { entries: [text('name', 'x')] }),
          ),
          [],
          undefined,
          recordOf(place.name, String(n)),
        ),
      );
      const reasons = (await Promise.allSettled(writes)).map((one) =>
        one.status === 'fulfilled' ? 'written' : String(one.reason.reason),
      );
      expect(reasons.filter((reason) => reason !== 'recorded')).toEqual(['written']);
      const winner = String(reasons.indexOf('written'));
      expect(await store().vault.get(place.name)).toBe(winner);
      const found = await place.found(['Patient'], is('name', 'x'));
      expect(found.map((id) => id.split('-')[0])).toEqual(Array.from({ length: changes }, () => `n${winner}`));
    }
  });
}
