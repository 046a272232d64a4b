/** Searching: every kind of test, every node of a plan, and nothing that the reach does not see. */
import { everything, nothing, type Bounds, type Plan, type TextTest } from '../../../src/search/plan.js';
import type { Bench } from '../store.js';
import { changeOf, createPlaces, is, range, text, type Place } from './place.js';

const entry = (param: string, test: Partial<TextTest>): Plan => ({
  node: 'entry',
  param,
  test: { kind: 'text', ...test },
});
const within = (param: string, bounds: { low?: Bounds; high?: Bounds }, value = ''): Plan => ({
  node: 'entry',
  param,
  test: { kind: 'range', value, ...bounds },
});
const has = (param: string): Plan => ({ node: 'entry', param, test: { kind: 'any' } });
const all = (...of: Plan[]): Plan => ({ node: 'all', of });
const any = (...of: Plan[]): Plan => ({ node: 'any', of });
const not = (of: Plan): Plan => ({ node: 'not', of });

export function searchContract({ promise, opened, open, places, clock }: Bench): void {
  const store = () => opened().store;

  /** Patients a to e, each with what the rows below look for. */
  async function patients(): Promise<Place> {
    const place = places();
    await place.create({
      'Patient/a': [
        text('name', 'ada'),
        text('name', 'lovelace', 'Lovelace'),
        text('code', 'x', 'urn:s'),
        range('size', 1, 3),
      ],
      'Patient/b': [text('name', 'adam'), text('code', 'x', ''), text('code', 'y', 'urn:s'), range('size', 3, 5, 'mg')],
      'Patient/c': [text('name', '日本語'), text('code', 'x', 'urn:t'), range('size', -2.5), range('size', 9, 10)],
      'Patient/d': [text('name', `a%_*[x]'"$`), text('code', 'X', 'urn:s'), text('size', '3', '')],
      'Patient/e': [text('name', 'ad\u{10FFFF}'), text('name', ''), range('code', 0)],
    });
    return place;
  }

  const rows: [string, Plan, string][] = [
    ['everything', everything, 'abcde'],
    ['nothing', nothing, ''],
    ['a parameter at all', has('size'), 'abcde'.replace('e', '')],
    ['a parameter that none has', has('other'), ''],
    ['one value', is('name', 'ada'), 'a'],
    ['one of several values', is('name', 'ada', 'adam', 'none', 'ada'), 'ab'],
    ['one of no values', is('name'), ''],
    ['the empty value', is('name', ''), 'e'],
    ['a value in its own case', is('code', 'X'), 'd'],
    ['a value with its detail', entry('code', { value: { is: ['x'] }, detail: 'urn:s' }), 'a'],
    ['a value with the empty detail', entry('code', { value: { is: ['x', 'y'] }, detail: '' }), 'b'],
    ['a detail alone', entry('code', { detail: 'urn:s' }), 'abd'],
    ['any text', entry('size', {}), 'd'],
    ['the start of a value', entry('name', { value: { startsWith: 'ad' } }), 'abe'],
    ['the whole of a value as its start', entry('name', { value: { startsWith: 'adam' } }), 'b'],
    ['an empty start', entry('name', { value: { startsWith: '' } }), 'abcde'],
    ['a start of four bytes', entry('name', { value: { startsWith: 'ad\u{10FFFF}' } }), 'e'],
    ['a start with signs', entry('name', { value: { startsWith: 'a%_' } }), 'd'],
    ['a start with a detail', entry('name', { value: { startsWith: 'l' }, detail: 'Lovelace' }), 'a'],
    ['a part of a value', entry('name', { value: { contains: 'da' } }), 'ab'],
    ['a part that is not Latin', entry('name', { value: { contains: '本' } }), 'c'],
    ['a part with signs', entry('name', { value: { contains: `%_*[x]'"$` } }), 'd'],
    ['an empty part', entry('name', { value: { contains: '' } }), 'abcde'],
    ['any range without a value', within('size', {}), 'ac'],
    ['a range with a value', within('size', {}, 'mg'), 'b'],
    ['a range that begins at or after', within('size', { low: { gte: 1 } }), 'ac'],
    ['a range that begins after', within('size', { low: { gt: 1 } }), 'c'],
    ['a range that begins before', within('size', { low: { lt: 1 } }), 'c'],
    ['a range that begins at or before', within('size', { low: { lte: 1 } }), 'ac'],
    ['a range that ends at', within('size', { high: { gte: 3, lte: 3 } }), 'a'],
    ['a range between', within('size', { low: { gt: -3, lt: 0 }, high: { gt: -3, lt: 0 } }), 'c'],
    ['both ends in one entry, not in two', within('size', { low: { lt: 0 }, high: { gt: 0 } }), ''],
    ['a range with a value and bounds', within('size', { low: { gte: 3 }, high: { lte: 5 } }, 'mg'), 'b'],
    [
      'no range for a text, no text for a range',
      any(within('name', {}), is('size', 'mg'), entry('size', { detail: 'x' })),
      '',
    ],
    ['all of', all(is('code', 'x'), entry('name', { value: { startsWith: 'ad' } })), 'ab'],
    ['any of', any(is('name', 'ada'), is('code', 'X')), 'ad'],
    ['not', not(is('code', 'x')), 'de'],
    ['not any, all of nots', all(not(any(is('code', 'x'), has('other'))), not(is('name', ''))), 'd'],
    ['nots of nots', not(not(is('name', 'ada'))), 'a'],
    ['not everything', not(everything), ''],
    ['all with nothing', all(is('name', 'ada'), nothing), ''],
  ];
  promise('finds by every kind of test and node', async () => {
    const place = await patients();
    const found: Record<string, string> = {};
    for (const [name, plan] of rows) found[name] = (await place.found(['Patient'], plan)).join('');
    expect(found).toEqual(Object.fromEntries(rows.map(([name, , expected]) => [name, expected])));
    for (const [, plan, expected] of rows)
      expect(await store().count(['Patient'], plan, place.reach, 100)).toBe(expected.length);
  });

  promise('finds by id', async () => {
    const place = await patients();
    const ids = (...short: string[]): Plan => ({ node: 'id', ids: short.map((one) => place.key(`Patient/${one}`).id) });
    expect(await place.found(['Patient'], ids('a', 'none', 'c', 'a'))).toEqual(['a', 'c']);
    expect(await place.found(['Patient'], ids())).toEqual([]);
    expect(await place.found(['Patient'], not(ids('a', 'b', 'c')))).toEqual(['d', 'e']);
    expect(await place.found(['Device'], ids('a'))).toEqual([]);
    expect(await place.found(['Patient'], all(ids('a', 'd'), is('code', 'x')))).toEqual(['a']);
  });

  promise('finds by when a version was written', async () => {
    const place = places();
    await store().write(['a', 'b', 'c'].map((id, n) => place.change(`Patient/${id}`, 1, { updated: 100 + n })));
    await store().write([place.change('Patient/a', 2, { updated: 200 })]);
    expect(await place.found(['Patient'], within('_lastUpdated', { low: { gte: 102 } }))).toEqual(['a', 'c']);
    expect(await place.found(['Patient'], within('_lastUpdated', { low: { gte: 100 }, high: { lte: 101 } }))).toEqual([
      'b',
    ]);
    expect(await place.found(['Patient'], not(within('_lastUpdated', { high: { lt: 102 } })))).toEqual(['a', 'c']);
    expect(await place.found(['Patient'], has('_lastUpdated'))).toEqual(['a', 'b', 'c']);
    expect(await place.found(['Patient'], within('_lastUpdated', {}, 'mg'))).toEqual([]);
    expect(await place.found(['Patient'], is('_lastUpdated', ''))).toEqual([]);
  });

  promise('finds in one type, in several and in none', async () => {
    const place = places();
    await place.create({ 'Patient/a': [text('n', '1')], 'Device/b': [text('n', '1')], 'Basic/c': [text('n', '1')] });
    expect(await place.found(['Patient'], is('n', '1'))).toEqual(['a']);
    expect(await place.found(['Patient', 'Device'], is('n', '1'))).toEqual(['a', 'b']);
    expect(await place.found(['Patient', 'Device', 'Basic', 'Group'], everything)).toEqual(['a', 'b', 'c']);
    expect(await place.found([], everything)).toEqual([]);
    expect(await store().count(['Device', 'Basic'], is('n', '1'), place.reach, 9)).toBe(2);
  });

  const points = (param: string, types: string[], where: Plan): Plan => ({ node: 'points', param, types, where });
  const pointed = (by: string, param: string, where: Plan): Plan => ({ node: 'pointed', by, param, where });

  /** Observations o1 (of a), o2 (of b and of the device a), o3 (of a deleted one); the tasks t1 (for o1) and t2 (for nobody). */
  async function chained(): Promise<Place> {
    const place = places();
    const subject = (...at: string[]) => at.map((one) => text('subject', place.reference(one)));
    await place.create({
      'Patient/a': [text('name', 'ada')],
      'Patient/b': [text('name', 'eve')],
      'Patient/gone': [text('name', 'ada')],
      'Device/a': [text('name', 'ada')],
      'Observation/o1': [...subject('Patient/a'), text('code', 'x')],
      'Observation/o2': [...subject('Patient/b', 'Device/a'), text('code', 'y')],
      'Observation/o3': subject('Patient/gone', 'Patient/none'),
      'Observation/o4': [text('subject', 'http://elsewhere/Patient/a'), text('code', 'x')],
      'Observation/late': [...subject('Patient/b'), text('code', 'x')],
      'Task/t1': [text('focus', place.reference('Observation/o1'))],
      'Task/t2': [text('focus', place.name)],
    });
    await store().write([place.deletion('Patient/gone', 2), place.deletion('Observation/late', 2)]);
    return place;
  }

  promise('finds by what a reference points at', async () => {
    const place = await chained();
    const o = (plan: Plan) => place.found(['Observation'], plan);
    expect(await o(points('subject', ['Patient'], is('name', 'ada')))).toEqual(['o1']);
    expect(await o(points('subject', ['Patient', 'Device'], is('name', 'ada')))).toEqual(['o1', 'o2']);
    expect(await o(points('subject', ['Device', 'Group'], everything))).toEqual(['o2']);
    expect(await o(points('subject', ['Patient'], not(is('name', 'ada'))))).toEqual(['o2']);
    expect(await o(not(points('subject', ['Patient'], everything)))).toEqual(['o3', 'o4']);
    expect(await o(points('subject', [], everything))).toEqual([]);
    expect(await o(points('other', ['Patient'], everything))).toEqual([]);
    expect(await o(points('subject', ['Patient'], nothing))).toEqual([]);
    const chain = points('focus', ['Observation'], points('subject', ['Patient'], is('name', 'ada')));
    expect(await place.found(['Task'], chain)).toEqual(['t1']);
    expect(await place.found(['Task', 'Observation'], any(chain, is('code', 'y')))).toEqual(['o2', 't1']);
  });

  promise('finds by what points at a resource', async () => {
    const place = await chained();
    const p = (plan: Plan) => place.found(['Patient', 'Device'], plan);
    expect(await place.found(['Patient'], pointed('Observation', 'subject', is('code', 'x')))).toEqual(['a']);
    expect(await p(pointed('Observation', 'subject', is('code', 'y')))).toEqual(['a', 'b']);
    expect(await place.found(['Device'], pointed('Observation', 'subject', everything))).toEqual(['a']);
    expect(await place.found(['Patient'], not(pointed('Observation', 'subject', everything)))).toEqual([]);
    expect(await p(pointed('Observation', 'other', everything))).toEqual([]);
    expect(await p(pointed('Task', 'subject', everything))).toEqual([]);
    expect(await p(pointed('Observation', 'subject', nothing))).toEqual([]);
    const through = pointed('Observation', 'subject', pointed('Task', 'focus', everything));
    expect(await place.found(['Patient'], through)).toEqual(['a']);
    const around = points('subject', ['Patient'], pointed('Observation', 'subject', is('code', 'y')));
    expect(await place.found(['Observation'], around)).toEqual(['o2']);
  });

  promise('neither end of a reference is found beyond the reach', async () => {
    const [place, other] = [places(), places()];
    await store().write([
      place.change('Patient/mine', 1, { entries: [text('name', 'ada')] }),
      place.change('Patient/theirs', 1, { entries: [text('name', 'ada')], owner: other.owner }),
      place.change('Observation/a', 1, { entries: [text('subject', place.reference('Patient/theirs'))] }),
      place.change('Observation/b', 1, {
        entries: [text('subject', place.reference('Patient/mine'))],
        owner: other.owner,
      }),
    ]);
    const chain = points('subject', ['Patient'], is('name', 'ada'));
    const back = pointed('Observation', 'subject', everything);
    const both = { owners: [place.owner, other.owner] };
    expect(await place.found(['Patient'], is('name', 'ada'))).toEqual(['mine']);
    expect(await place.found(['Observation'], chain)).toEqual([]);
    expect(await place.found(['Patient'], back)).toEqual([]);
    expect(await place.found(['Observation'], chain, both)).toEqual(['a', 'b']);
    expect(await place.found(['Patient'], back, both)).toEqual(['mine', 'theirs']);
    expect(await place.found(['Observation'], not(chain))).toEqual(['a']);
    expect(await place.found(['Patient'], everything, { owners: [] })).toEqual([]);
    expect(await store().count(['Patient'], everything, place.reach, 9)).toBe(1);
    expect(await store().count(['Patient'], is('name', 'ada'), both, 9)).toBe(2);
  });

  promise('a chain or _has that meets too many resources is refused, wherever it stands', async () => {
    const narrow = await open(clock, { joinTargets: 3 });
    try {
      const place = createPlaces(() => narrow.store)();
      await place.create(
        Object.fromEntries(
          [1, 2, 3, 4].flatMap((n) => [
            [`Patient/${n}`, [text('name', n < 4 ? 'few' : 'other'), text('all', 'x')]],
            [`Task/${n}`, [text('focus', place.reference(`Patient/${n}`)), text('code', n < 4 ? 'few' : 'other')]],
            [`Basic/${n}`, [text('focus', place.name)]],
          ]),
        ),
      );
      const chain = (where: Plan) => points('focus', ['Patient'], where);
      const back = (where: Plan) => pointed('Task', 'focus', where);
      const asks: [string, Plan, number | 'refused'][] = [
        ['Task', chain(is('name', 'few')), 3],
        ['Task', chain(is('all', 'x')), 'refused'],
        ['Task', not(any(is('code', 'few'), chain(everything))), 'refused'],
        ['Task', chain(all(is('name', 'few'), back(everything))), 'refused'],
        ['Patient', back(is('code', 'few')), 3],
        ['Patient', back(has('focus')), 'refused'],
        // Four of them, none of which refers by this parameter.
        ['Patient', pointed('Basic', 'subject', everything), 0],
      ];
      for (const [type, plan, expected] of asks) {
        const found = narrow.store.search([type], plan, [], { size: 9 }, place.reach);
        const counted = narrow.store.count([type], plan, place.reach, 9);
        if (expected === 'refused') {
          await expect(found).rejects.toMatchObject({ reason: 'too-costly' });
          await expect(counted).rejects.toMatchObject({ reason: 'too-costly' });
        } else {
          expect((await found).items).toHaveLength(expected);
          expect(await counted).toBe(expected);
        }
      }
    } finally {
      await narrow.close();
    }
  });

  promise('a resource that changes its owner is found by the new one alone', async () => {
    const [place, other] = [places(), places()];
    const entries = [text('name', 'ada'), range('size', 1)];
    await store().write([place.change('Patient/a', 1, { entries })]);
    await store().write([place.change('Patient/a', 2, { entries, owner: other.owner })]);
    for (const plan of [everything, is('name', 'ada'), within('size', { low: { gte: 1 } }), has('name')]) {
      expect(await place.found(['Patient'], plan)).toEqual([]);
      expect(await place.found(['Patient'], plan, other.reach)).toEqual(['a']);
    }
  });

  promise('counts no further than it was asked to', async () => {
    const place = places();
    await store().write(
      Array.from({ length: 30 }, (_, n) => place.change(`Group/${n}`, 1, { entries: [text('n', 'x')] })),
    );
    for (const plan of [everything, is('n', 'x'), not(is('n', 'y'))]) {
      expect(await store().count(['Group'], plan, place.reach, 10)).toBe(10);
      expect(await store().count(['Group'], plan, place.reach, 30)).toBe(30);
      expect(await store().count(['Group'], plan, place.reach, 1000)).toBe(30);
    }
  });

  promise('what is found comes with its version and all its search values', async () => {
    const place = places();
    const change = place.change('Patient/a', 1, { entries: [text('name', 'ada', 'Ada')], method: 'POST' });
    await store().write([change]);
    const page = await store().search(['Patient'], is('name', 'ada'), [], { size: 5 }, place.reach);
    expect({ ...page, items: page.items.map(changeOf) }).toEqual({ items: [change] });
  });
}
