/** History: of a resource, of a type and of all, newest first, by time, in pages that later writes do not move. */
import type { HistoryScope, Position, Version } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import type { Place } from './place.js';

export function historyContract({ promise, opened, places }: Bench): void {
  const store = () => opened().store;
  const names = (place: Place, versions: Version[]) => versions.map((one) => `${place.short(one)}${one.version}`);

  async function history(place: Place, scope: HistoryScope, size = 100, reach = place.reach): Promise<string[]> {
    const all: Version[] = [];
    let after: Position | undefined;
    for (let pages = 0; pages < 100; pages += 1) {
      const page = await store().history(scope, { size, ...(after && { after }) }, reach);
      expect(page.items.length).toBeLessThanOrEqual(size);
      all.push(...page.items);
      if (page.next === undefined) break;
      after = JSON.parse(JSON.stringify(page.next)) as Position;
    }
    return names(place, all);
  }

  /** a1 b1 a2 x1 a3(deleted) a4 b2, at the instants 10, 20 … 70. */
  async function written(): Promise<Place> {
    const place = places();
    await store().write([place.change('Patient/a', 1, { updated: 10 })]);
    await store().write([place.change('Patient/b', 1, { updated: 20 })]);
    await store().write([place.change('Patient/a', 2, { updated: 30 })]);
    await store().write([place.change('Device/x', 1, { updated: 40 })]);
    await store().write([place.deletion('Patient/a', 3, { updated: 50 })]);
    await store().write([place.change('Patient/a', 4, { updated: 60 })]);
    await store().write([place.change('Patient/b', 2, { updated: 70 })]);
    return place;
  }

  const levels: [string, (place: Place) => HistoryScope, string[]][] = [
    ['of all', () => ({}), ['b2', 'a4', 'a3', 'x1', 'a2', 'b1', 'a1']],
    ['of a type', () => ({ type: 'Patient' }), ['b2', 'a4', 'a3', 'a2', 'b1', 'a1']],
    ['of a resource', (place) => place.key('Patient/a'), ['a4', 'a3', 'a2', 'a1']],
    ['of what is not there', (place) => place.key('Patient/none'), []],
    ['since its instant', () => ({ since: 50 }), ['b2', 'a4', 'a3']],
    ['of a type since', () => ({ type: 'Patient', since: 61 }), ['b2']],
    ['at an instant', () => ({ at: { from: 35, to: 36 } }), ['a2', 'b1']],
    ['at the instant of a write', () => ({ at: { from: 30, to: 31 } }), ['a2', 'b1']],
    [
      'in a time with several versions',
      () => ({ type: 'Patient', at: { from: 29, to: 61 } }),
      ['a4', 'a3', 'a2', 'b1', 'a1'],
    ],
    ['at a time before all', () => ({ at: { from: 0, to: 10 } }), []],
    ['at a time after all', () => ({ at: { from: 80, to: 90 } }), ['b2', 'a4', 'x1']],
    ['of a resource at an instant', (place) => ({ ...place.key('Patient/a'), at: { from: 55, to: 56 } }), ['a3']],
    ['at and since', () => ({ since: 25, at: { from: 35, to: 36 } }), ['a2']],
  ];
  for (const [name, scope, expected] of levels)
    promise(`history ${name} is newest first, in pages of any size`, async () => {
      const place = await written();
      expect(await history(place, scope(place))).toEqual(expected);
      expect(await history(place, scope(place), 1)).toEqual(expected);
      expect(await history(place, scope(place), 2)).toEqual(expected);
    });

  promise('history gives whole versions, deletions without text', async () => {
    const place = places();
    const [first, second] = [place.change('Patient/a', 1), place.deletion('Patient/a', 2)];
    await store().write([first]);
    await store().write([second]);
    const { items } = await store().history(place.key('Patient/a'), { size: 5 }, place.reach);
    expect(items).toMatchObject([
      { version: 2, text: undefined, method: 'DELETE' },
      { version: 1, text: first.text },
    ]);
    expect(Object.keys(items[1] ?? {})).not.toContain('entries');
  });

  promise('history shows no version that belongs to others', async () => {
    const [place, other] = [places(), places()];
    await store().write([place.change('Patient/a', 1, { updated: 10 })]);
    await store().write([place.change('Patient/a', 2, { updated: 20, owner: other.owner })]);
    await store().write([place.change('Patient/a', 3, { updated: 30 })]);
    expect(await history(place, place.key('Patient/a'))).toEqual(['a3', 'a1']);
    expect(await history(place, { type: 'Patient' }, 1)).toEqual(['a3', 'a1']);
    expect(await history(place, {}, 100, other.reach)).toEqual(['a2']);
    expect(await history(place, {}, 100, { owners: [] })).toEqual([]);
    // The version of others was current at 25, so that the first one no longer was.
    expect(await history(place, { at: { from: 25, to: 26 } })).toEqual([]);
  });

  promise('pages of history stay where they are while others write', async () => {
    const place = places();
    for (let version = 1; version <= 9; version += 1) await store().write([place.change('Patient/a', version)]);
    const first = await store().history({ type: 'Patient' }, { size: 4 }, place.reach);
    await store().write([place.change('Patient/a', 10), place.change('Patient/b', 1)]);
    const second = await store().history({ type: 'Patient' }, { size: 4, after: first.next! }, place.reach);
    await store().write([place.deletion('Patient/a', 11)]);
    const third = await store().history({ type: 'Patient' }, { size: 4, after: second.next! }, place.reach);
    expect([first, second, third].map((page) => page.items.map((one) => one.version))).toEqual([
      [9, 8, 7, 6],
      [5, 4, 3, 2],
      [1],
    ]);
    expect(third.next).toBeUndefined();
  });

  promise('versions of one write are all in the history, in pages of one', async () => {
    const place = places();
    await store().write(['a', 'b', 'c', 'd'].map((id) => place.change(`Patient/${id}`, 1, { updated: 5 })));
    expect((await history(place, {}, 1)).sort()).toEqual(['a1', 'b1', 'c1', 'd1']);
  });
}
