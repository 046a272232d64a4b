/** Writing: all or nothing, versions without gaps, guards, and texts that come back byte for byte. */
import { StoreError, type Change, type Guard } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { changeOf, is, range, sortedEntries, text, versionOf, type Place } from './place.js';

export function writeContract({ promise, opened, places }: Bench): void {
  const store = () => opened().store;
  const current = async (place: Place, ...at: string[]) =>
    (await store().read(at.map(place.key), place.reach)).map((found) => found?.version);

  promise('writes all changes or none', async () => {
    const place = places();
    await store().write([place.change('Patient/there', 1)]);
    const failure = await store()
      .write([
        place.change('Patient/a', 1, { entries: [text('name', 'ada')] }),
        place.change('Patient/there', 1),
        place.change('Patient/b', 1),
      ])
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreError);
    expect(failure).toMatchObject({ reason: 'conflict', at: place.reference('Patient/there') });
    expect(await current(place, 'Patient/a', 'Patient/there', 'Patient/b')).toEqual([undefined, 1, undefined]);
    expect(await place.found(['Patient'], is('name', 'ada'))).toEqual([]);
    const history = await store().history({ type: 'Patient' }, { size: 10 }, place.reach);
    expect(history.items).toHaveLength(1);
  });

  promise('a version that does not follow the current one is a conflict', async () => {
    const place = places();
    await store().write([place.change('Patient/a', 1)]);
    await store().write([place.change('Patient/a', 2)]);
    for (const version of [1, 2, 4])
      await expect(store().write([place.change('Patient/a', version)])).rejects.toMatchObject({ reason: 'conflict' });
    await expect(store().write([place.change('Patient/new', 2)])).rejects.toMatchObject({ reason: 'conflict' });
    expect(await current(place, 'Patient/a', 'Patient/new')).toEqual([2, undefined]);
  });

  promise('a key that occurs twice is refused', async () => {
    const place = places();
    await expect(store().write([place.change('Patient/a', 1), place.change('Patient/a', 2)])).rejects.toThrow();
    expect(await current(place, 'Patient/a')).toEqual([undefined]);
  });

  promise('the versions of a resource go on after its deletion', async () => {
    const place = places();
    const first = place.change('Patient/a', 1, { entries: [text('name', 'ada')] });
    const deletion = place.deletion('Patient/a', 2);
    await store().write([first]);
    await store().write([deletion]);
    expect((await store().read([place.key('Patient/a')], place.reach)).map(changeOf)).toEqual([
      { ...deletion, entries: [] },
    ]);
    expect(await place.found(['Patient'], is('name', 'ada'))).toEqual([]);
    await expect(store().write([place.change('Patient/a', 1)])).rejects.toMatchObject({ reason: 'conflict' });
    await store().write([place.change('Patient/a', 3, { entries: [text('name', 'eve')] })]);
    expect(await current(place, 'Patient/a')).toEqual([3]);
    expect(await place.found(['Patient'], is('name', 'eve'))).toEqual(['a']);
    expect(await place.found(['Patient'], is('name', 'ada'))).toEqual([]);
  });

  promise('an update is found by its new search values and no more by its old ones', async () => {
    const place = places();
    await place.create({ 'Patient/a': [text('name', 'ada'), text('name', 'lovelace'), range('born', 1, 5)] });
    const entries = [text('name', 'lovelace'), text('name', 'king', 'King'), range('born', 1, 6)];
    await store().write([place.change('Patient/a', 2, { entries })]);
    expect(await place.found(['Patient'], is('name', 'ada'))).toEqual([]);
    expect(await place.found(['Patient'], is('name', 'lovelace'))).toEqual(['a']);
    expect(await place.found(['Patient'], is('name', 'king'))).toEqual(['a']);
    const [found] = await store().read([place.key('Patient/a')], place.reach);
    expect(sortedEntries(found?.entries ?? [])).toEqual(sortedEntries(entries));
  });

  promise('one of many writers of the same version wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const place = places();
      for (const version of [1, 2]) {
        const writers = [0, 1, 2, 3].map((n) =>
          place.change('Patient/a', version, { entries: [text('n', String(n))] }),
        );
        expect(await outcomes(writers.map((change) => store().write([change])))).toEqual([
          'conflict',
          'conflict',
          'conflict',
          'written',
        ]);
      }
    }
  });

  promise('a write that fails takes no other one with it', async () => {
    const place = places();
    await store().write([place.change('Patient/there', 1)]);
    const writes = Array.from({ length: 40 }, (_, n) =>
      store().write(
        n % 4 === 0
          ? [place.change(`Patient/lost${n}`, 1), place.change('Patient/there', 1)]
          : [place.change(`Patient/kept${n}`, 1, { entries: [text(`param${n % 5}`, 'x')] })],
      ),
    );
    expect((await outcomes(writes)).filter((outcome) => outcome === 'written')).toHaveLength(30);
    expect(await place.found(['Patient'], { node: 'all', of: [] })).toHaveLength(31);
    expect(await place.found(['Patient'], is('param1', 'x'))).toHaveLength(6);
  });

  promise('search values of a write that failed can be written later', async () => {
    const place = places();
    await store().write([place.change('Patient/there', 1)]);
    const entries = [text(`only-${place.name}`, 'x'), range(`size-${place.name}`, 7)];
    await expect(
      store().write(['Device/a', 'Device/d', 'Patient/there'].map((at) => place.change(at, 1, { entries }))),
    ).rejects.toMatchObject({ reason: 'conflict' });
    // Whatever the store had made ready for the lost write must not be mistaken for something else now.
    await store().write([place.change('Device/c', 1, { entries: [text(`other-${place.name}`, 'x')] })]);
    await store().write([place.change('Device/b', 1, { entries })]);
    expect(await place.found(['Device'], is(`only-${place.name}`, 'x'))).toEqual(['b']);
  });

  const guardOf = (place: Place, value: string, parts: Partial<Guard> = {}): Guard => ({
    name: `Patient?identifier=${value}`,
    type: 'Patient',
    plan: is('identifier', value),
    reach: place.reach,
    matches: 0,
    ...parts,
  });

  promise('a guard is checked before the changes of its own write', async () => {
    const place = places();
    const change = place.change('Patient/a', 1, { entries: [text('identifier', '1')] });
    await store().write([change], [guardOf(place, '1')]);
    expect(await current(place, 'Patient/a')).toEqual([1]);
  });

  promise('a guard that does not hold stops the whole write', async () => {
    const place = places();
    await place.create({ 'Patient/a': [text('identifier', '1')] });
    for (const guard of [guardOf(place, '1'), guardOf(place, '2', { matches: 1 }), guardOf(place, '1', { matches: 2 })])
      await expect(store().write([place.change('Patient/b', 1)], [guard])).rejects.toMatchObject({
        reason: 'guard',
        at: guard.name,
      });
    expect(await current(place, 'Patient/b')).toEqual([undefined]);
    await store().write([place.change('Patient/b', 1)], [guardOf(place, '1', { matches: 1 }), guardOf(place, '2')]);
    expect(await current(place, 'Patient/b')).toEqual([1]);
  });

  promise('a guard counts what its reach sees, and no deletions', async () => {
    const [place, other] = [places(), places()];
    await other.create({ 'Patient/a': [text('identifier', '1')] });
    await place.create({ 'Patient/gone': [text('identifier', '1')] });
    await store().write([place.deletion('Patient/gone', 2)]);
    await store().write([place.change('Patient/b', 1)], [guardOf(place, '1')]);
    expect(await current(place, 'Patient/b')).toEqual([1]);
  });

  promise('of two guarded writes of one name the second sees what the first wrote', async () => {
    for (let round = 0; round < 30; round += 1) {
      const place = places();
      const writes = ['Patient/a', 'Patient/b'].map((at) =>
        store().write([place.change(at, 1, { entries: [text('identifier', '1')] })], [guardOf(place, '1')]),
      );
      expect(await outcomes(writes)).toEqual(['guard', 'written']);
      expect(await place.found(['Patient'], is('identifier', '1'))).toHaveLength(1);
    }
  });

  promise('a thousand changes are one write', async () => {
    const place = places();
    const changes: Change[] = Array.from({ length: 1000 }, (_, n) =>
      place.change(`Observation/o${n}`, 1, { entries: [text('code', `c${n % 10}`), range('date', n)] }),
    );
    await store().write(changes);
    expect(await store().count(['Observation'], is('code', 'c3'), place.reach, 5000)).toBe(100);
    await expect(
      store().write([...changes.map((c) => ({ ...c, version: 2 })), place.change('Device/x', 9)]),
    ).rejects.toThrow();
    expect(await current(place, 'Observation/o0', 'Observation/o999')).toEqual([1, 1]);
  });

  promise('texts, ids and search values come back byte for byte', async () => {
    for (const odd of oddTexts) {
      const place = places();
      const entries = [text('a.b$c', odd, odd), text('$where', 'x'), range('0', -0.5, 1e300, odd)];
      const change = place.change('Basic/a', 1, { text: odd, entries });
      await store().write([change]);
      const [found] = await store().read([place.key('Basic/a')], place.reach);
      expect(found && versionOf(found)).toEqual(versionOf(change));
      expect(sortedEntries(found?.entries ?? [])).toEqual(sortedEntries(entries));
      expect(await store().version(place.key('Basic/a'), 1, place.reach)).toEqual(versionOf(change));
      expect(await place.found(['Basic'], is('a.b$c', odd))).toEqual(['a']);
    }
  });

  promise('a range may be open at either end', async () => {
    const place = places();
    const entries = [range('date', -Infinity, 5), range('date', 7, Infinity), range('low', Number.MIN_VALUE, 2 ** 53)];
    await place.create({ 'Basic/a': entries });
    const [found] = await store().read([place.key('Basic/a')], place.reach);
    expect(sortedEntries(found?.entries ?? [])).toEqual(sortedEntries(entries));
    const isOpen = { node: 'entry', param: 'date', test: { kind: 'range', value: '', low: { lt: -1e300 } } } as const;
    expect(await place.found(['Basic'], isOpen)).toEqual(['a']);
  });

  promise('a version keeps the reference to its bytes', async () => {
    const place = places();
    const blob = { hash: 'ab'.repeat(32), size: 5_000_000_000 };
    await store().write([place.change('Binary/a', 1, { blob })]);
    const [found] = await store().read([place.key('Binary/a')], place.reach);
    expect(found?.blob).toEqual(blob);
    expect((await store().version(place.key('Binary/a'), 1, place.reach))?.blob).toEqual(blob);
  });

  promise('a text of five megabytes is kept', async () => {
    const place = places();
    const long = JSON.stringify({ resourceType: 'Basic', note: 'é'.repeat((5 * 1024 * 1024 - 64) / 2) });
    await store().write([place.change('Basic/long', 1, { text: long })]);
    const [found] = await store().read([place.key('Basic/long')], place.reach);
    expect(found?.text === long).toBe(true);
  });
}

const oddTexts = [
  '{"a":1.10,"b":1e3,"a":2}',
  ' \t\r\n{ "spaces" : "kept" } ',
  'Ünïcödé — 日本語 — \u{1F469}\u{1F3FD}\u200D\u{2695}\uFE0F — \u{10FFFF}',
  `$set . "quotes" 'single' \`back\` \\ % _ * ? [x] {y} ; -- DROP`,
  'e\u0301 is not \u00e9',
  '\u0001 control \u007f',
  '__proto__',
];

async function outcomes(writes: Promise<void>[]): Promise<string[]> {
  const settled = await Promise.allSettled(writes);
  return settled
    .map((one) => {
      if (one.status === 'fulfilled') return 'written';
      return one.reason instanceof StoreError ? one.reason.reason : String(one.reason);
    })
    .sort();
}
