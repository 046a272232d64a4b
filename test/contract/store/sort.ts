/** Sorting: by the least or the greatest value, by several keys, and what has no value counts as lowest. */
import { compare, everything, sortKeys, type Entry, type Order, type Plan } from '../../../src/search/plan.js';
import type { Change, Position, Reach } from '../../../src/store/port.js';
import { matches } from '../../../src/search/match.js';
import type { Bench } from '../store.js';
import { is, range, text, type Place } from './place.js';

const up = (param: string): Order => ({ param, descending: false });
const down = (param: string): Order => ({ param, descending: true });

export function sortContract({ promise, opened, places }: Bench): void {
  const store = () => opened().store;

  async function sorted() {
    const place = places();
    const rows = {
      a: [text('name', 'b'), text('name', 'y'), range('date', 5, 6), text('kind', 'k')],
      b: [text('name', 'c'), range('date', 1, 9), text('kind', 'k'), range('size', 1), range('size', 77, 77, 'mg')],
      c: [text('name', 'Z'), range('date', 3, 4), range('date', 7, 8)],
      d: [range('date', -Infinity, 2), text('kind', 'j')],
      e: [text('name', '\u{FF5E}'), text('kind', 'j'), range('size', -1)],
      f: [text('name', '\u{1F600}'), range('date', 2.5), range('size', 10)],
    };
    let updated = Date.UTC(2020, 0, 1);
    for (const [id, entries] of Object.entries(rows))
      await store().write([place.change(`Basic/${id}`, 1, { entries, updated: (updated += 1000) })]);
    return place;
  }

  const rows: [string, Order[], string][] = [
    ['text, the least first', [up('name')], 'dcabef'],
    ['text, the greatest first', [down('name')], 'feabcd'],
    ['begin of a range', [up('date')], 'edbfca'],
    ['end of a range', [down('date')], 'bcafde'],
    ['a value with a unit does not sort', [up('size'), up('name')], 'dcaebf'],
    ['two keys', [up('kind'), down('name')], 'fcedab'],
    ['two keys, the first falling', [down('kind'), up('name')], 'abdecf'],
    ['id', [down('_id')], 'fedcba'],
    ['last update', [down('_lastUpdated')], 'fedcba'],
    ['last update, rising', [up('_lastUpdated')], 'abcdef'],
    ['key and last update', [up('kind'), down('_lastUpdated')], 'fcedba'],
    ['five keys', [up('none'), down('kind'), up('size'), down('name'), up('_id')], 'abdefc'.replace('efc', 'ecf')],
  ];
  for (const [name, order, expected] of rows)
    promise(`sorts by ${name}, in pages of any size`, async () => {
      const place = await sorted();
      expect((await place.search(['Basic'], everything, order)).join('')).toBe(expected);
      for (const size of [1, 2, 4]) {
        let [shown, after]: [string, Position | undefined] = ['', undefined];
        for (let pages = 0; pages < 10; pages += 1) {
          const page = await store().search(
            ['Basic'],
            everything,
            order,
            { size, ...(after && { after }) },
            place.reach,
          );
          shown += page.items.map(place.short).join('');
          if (page.next === undefined) break;
          after = JSON.parse(JSON.stringify(page.next)) as Position;
        }
        expect(shown).toBe(expected);
      }
    });

  promise('sorts what a plan found, of several types', async () => {
    const place = places();
    await place.create({
      'Patient/a': [text('name', 'c'), text('code', 'x')],
      'Device/b': [text('name', 'a'), text('code', 'x')],
      'Patient/c': [text('name', 'b'), text('code', 'y')],
      'Device/d': [text('name', 'd'), text('code', 'x')],
    });
    expect(await place.search(['Patient', 'Device'], is('code', 'x'), [down('name')])).toEqual(['d', 'a', 'b']);
    expect(await place.search(['Patient', 'Device'], everything, [up('name')])).toEqual(['b', 'c', 'a', 'd']);
  });

  const [SECOND, DAY, YEAR] = [999, 86_399_999, 365 * 86_400_000];

  /** Values of every width, several of them, ties, one type that never has a date, and none at all. */
  function valuesOf(n: number): Entry[] {
    const at = Math.floor(((n * 7919) % 60) / 2) * 20_000_000;
    const dates: Entry[][] = [
      [range('date', at, at + SECOND)],
      [range('date', at, at + DAY)],
      [range('date', at)],
      [range('date', at, at + YEAR)],
      [range('date', at, at + SECOND), range('date', at + 50_000_000, at + 50_000_000 + SECOND)],
      [range('date', -Infinity, at)],
      [range('date', at + 0.25, at + 0.5), range('date', at, at, 'mg')],
      [],
    ];
    return [
      ...(n % 3 === 2 ? [] : (dates[(n * 5) % 8] ?? [])),
      text('code', n % 5 === 0 ? 'rare' : 'common'),
      ...(n % 2 === 0 ? [text('even', 'yes')] : []),
    ];
  }

  const date = (low?: object, high?: object): Plan => ({
    node: 'entry',
    param: 'date',
    test: { kind: 'range', value: '', ...(low && { low }), ...(high && { high }) },
  });
  const from = 200_000_000;
  const plans: [string, Plan][] = [
    ['everything', everything],
    ['a common value', is('code', 'common')],
    ['a rare value', is('code', 'rare')],
    ['from a day on', { node: 'any', of: [date({ gte: from }), date(undefined, { gt: from + DAY })] }],
    ['up to a day', { node: 'any', of: [date(undefined, { lte: from + DAY }), date({ lt: from })] }],
    ['one day and a value', { node: 'all', of: [date({ gte: from, lte: from + DAY }), is('even', 'yes')] }],
    ['no value', { node: 'not', of: date() }],
    ['what is not that', { node: 'not', of: { node: 'any', of: [is('code', 'rare'), date({ lt: from })] } }],
  ];

  /** 120 resources of two types and two owners, some of them changed, moved or deleted after they were made. */
  async function world(place: Place, other: Place): Promise<Change[]> {
    const types = ['Observation', 'Encounter'];
    const first = Array.from({ length: 120 }, (_, n) =>
      place.change(`${types[Number(n % 3 === 2)] ?? ''}/s${String(n).padStart(3, '0')}`, 1, {
        entries: valuesOf(n),
        owner: n % 4 === 3 ? other.owner : place.owner,
      }),
    );
    await store().write(first.slice(0, 70));
    await store().write(first.slice(70));
    const later = first.filter((_, n) => n % 6 === 1);
    const changed = later.map((change, n): Change => ({
      ...change,
      version: 2,
      updated: change.updated + 500,
      owner: n % 3 === 0 ? other.owner : change.owner,
      ...(n % 4 === 1
        ? { method: 'DELETE', text: undefined, entries: [] }
        : { entries: change.type === 'Encounter' ? [] : valuesOf(n * 31 + 4) }),
    }));
    await store().write(changed);
    const back = changed.filter(({ text }) => text === undefined).slice(0, 3);
    const again = back.map((change): Change => ({
      ...change,
      version: 3,
      method: 'PUT',
      text: '{}',
      entries: [range('date', 7, 7 + SECOND), text('code', 'common')],
    }));
    await store().write(again);
    const current = new Map([...first, ...changed, ...again].map((change) => [`${change.type}/${change.id}`, change]));
    return [...current.values()].filter(({ text }) => text !== undefined);
  }

  async function paged(types: string[], plan: Plan, order: Order[], size: number, reach: Reach): Promise<string[]> {
    const shown: string[] = [];
    let after: Position | undefined;
    for (let pages = 0; pages < 130; pages += 1) {
      const page = await store().search(types, plan, order, { size, ...(after && { after }) }, reach);
      shown.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) return shown;
      after = JSON.parse(JSON.stringify(page.next)) as Position;
    }
    throw new Error('The pages do not end.');
  }

  promise(
    'pages of a sort show what sorting everything gives, of any width, type and owner',
    async () => {
      const [place, other] = [places(), places()];
      const docs = await world(place, other);
      const reaches = [place.reach, other.reach, { owners: [place.owner, other.owner] }];
      for (const order of [up('date'), down('date'), up('_lastUpdated'), down('_lastUpdated')])
        for (const [name, plan] of plans)
          for (const types of [['Observation'], ['Encounter'], ['Observation', 'Encounter', 'Group']])
            for (const reach of reaches) {
              const seen = docs.filter(({ type, owner }) => types.includes(type) && reach.owners.includes(owner));
              const keys = new Map(
                seen.map((doc) => {
                  const key = sortKeys(doc.entries).get(order.param);
                  const date = order.descending ? key?.last : key?.first;
                  return [doc.id, order.param === '_lastUpdated' ? doc.updated : date];
                }),
              );
              const expected = seen
                .filter((doc) => matches(plan, doc, docs))
                .map(({ id }) => ({ key: keys.get(id) }))
                .sort((a, b) => (order.descending ? compare(b.key, a.key) : compare(a.key, b.key)))
                .map(({ key }) => key);
              const whole = await place.search(types, plan, [order], reach);
              const found = await paged(types, plan, [order], 7, reach);
              expect([name, order, types, found.map((id) => keys.get(id))]).toEqual([name, order, types, expected]);
              // Ties too: whatever the size of a page, the order is one and shows each once.
              expect(found).toEqual(whole.map((id) => `${place.name}-${id}`));
              expect(new Set(found).size).toBe(found.length);
            }
    },
    60_000,
  );

  promise('pages of a sort show what nobody touches once, while others come, go and move', async () => {
    const [place, other] = [places(), places()];
    const docs = (await world(place, other)).filter(({ owner, type }) => owner === place.owner && type !== 'Encounter');
    for (const order of [up('date'), down('date')]) {
      const shown: string[] = [];
      let [after, n]: [Position | undefined, number] = [undefined, 0];
      do {
        const request = { size: 4, ...(after && { after: JSON.parse(JSON.stringify(after)) as Position }) };
        const page = await store().search(['Observation'], everything, [order], request, place.reach);
        shown.push(...page.items.map(({ id }) => id));
        after = page.next;
        n += 1;
        const name = `${order.descending ? 'down' : 'up'}${n}`;
        await store().write([place.change(`Observation/${name}`, 1, { entries: valuesOf(n * 3) })]);
        if (n % 2 === 0)
          await store().write([place.change(`Observation/${name}`, 2, { entries: valuesOf(n * 3 + 1) })]);
        if (n % 3 === 0) await store().write([place.deletion(`Observation/${name}`, n % 2 === 0 ? 3 : 2)]);
      } while (after !== undefined && n < 200);
      for (const { id } of docs) expect([id, shown.filter((one) => one === id).length]).toEqual([id, 1]);
    }
  });
}
