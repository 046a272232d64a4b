/** Sorting: by the least or the greatest value, by several keys, and what has no value counts as lowest. */
import { everything, type Order } from '../../../src/search/plan.js';
import type { Position } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { is, range, text } from './place.js';

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
}
