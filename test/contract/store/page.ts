/** Pages: by key, so that what stays is shown exactly once whatever others write meanwhile. */
import { everything, type Order, type Plan } from '../../../src/search/plan.js';
import type { Change, Position } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { is, range, text, type Place } from './place.js';

export function pageContract({ promise, opened, places }: Bench): void {
  const store = () => opened().store;
  const type = 'Observation';

  async function sixty(): Promise<Place> {
    const place = places();
    const changes = Array.from({ length: 60 }, (_, n) =>
      place.change(`${type}/o${n}`, 1, {
        entries: [text('code', n % 2 ? 'odd' : 'even'), text('all', 'x'), range('date', n % 7)],
      }),
    );
    await store().write(changes);
    return place;
  }

  /** All pages; between two of them `meanwhile` does its work. */
  async function walk(place: Place, plan: Plan, order: Order[], size: number, meanwhile = () => Promise.resolve()) {
    const shown: string[] = [];
    let after: Position | undefined;
    for (let pages = 0; pages < 200; pages += 1) {
      const page = await store().search([type], plan, order, { size, ...(after && { after }) }, place.reach);
      expect(page.items.length).toBeLessThanOrEqual(size);
      shown.push(...page.items.map(place.short));
      if (page.next === undefined) return shown;
      after = JSON.parse(JSON.stringify(page.next)) as Position;
      await meanwhile();
    }
    throw new Error('The pages do not end.');
  }

  const orders: [string, Order[]][] = [
    ['in the order of the store', []],
    ['by a date', [{ param: 'date', descending: false }]],
    ['by a date, falling', [{ param: 'date', descending: true }]],
    ['by last update, falling', [{ param: '_lastUpdated', descending: true }]],
  ];
  for (const [name, order] of orders) {
    promise(`pages ${name} show everything once, in one order`, async () => {
      const place = await sixty();
      for (const plan of [everything, is('all', 'x'), is('code', 'odd'), is('code', 'odd', 'even')]) {
        const whole = await place.search([type], plan, order);
        expect(whole).toHaveLength(new Set(whole).size);
        for (const size of [1, 7, 59, 60, 61]) expect(await walk(place, plan, order, size)).toEqual(whole);
      }
    });

    promise(`pages ${name} show what nobody touches exactly once while others write`, async () => {
      const place = await sixty();
      const entries = (n: number) => [text('all', 'x'), text('code', 'odd'), range('date', (n * 5) % 7)];
      let n = 0;
      const shown = await walk(place, is('all', 'x'), order, 5, async () => {
        n += 1;
        const [updated, deleted] = [n * 3, n * 3 + 1];
        await store().write([
          place.change(`${type}/new${n}`, 1, { entries: entries(n) }),
          ...(updated < 60 ? [place.change(`${type}/o${updated}`, 2, { entries: entries(n) })] : []),
          ...(deleted < 60 ? [place.deletion(`${type}/o${deleted}`, 2)] : []),
        ]);
      });
      for (let o = 0; o < 60; o += 1) {
        const touched = o > 0 && o % 3 < 2 && o <= n * 3 + 1;
        const times = shown.filter((id) => id === `o${o}`).length;
        if (!touched) expect([o, times]).toEqual([o, 1]);
      }
    });
  }

  promise('the order of the store does not change by an update', async () => {
    const place = await sixty();
    const before = await place.search([type], everything);
    await store().write([5, 17, 40].map((n) => place.change(`${type}/o${n}`, 2, { entries: [text('all', 'x')] })));
    expect(await place.search([type], everything)).toEqual(before);
    expect(await place.search([type], is('all', 'x'))).toEqual(before);
  });

  promise('small and large texts stand in a page as they were written, and it ends early for its bytes', async () => {
    const place = places();
    const keys = [0.1 + 0.2, 123456789.12345679, 2 ** 53, -Infinity, 5e-324, 1, 7, 7];
    const changes = keys.map((low, n) => {
      const padding = '\u{1F600}é"'.repeat([1, 4000, 10, 20_000, 2, 2500, 3, 1][n] ?? 1);
      const text_ = JSON.stringify({ resourceType: type, note: padding });
      const entries = [text('code', 'x'), text('about', padding), range('date', low), text('n', String(n))];
      return place.change(`${type}/o${n}`, 1, { text: text_, entries });
    });
    await store().write(changes);
    const sorted = (values: string[]) => values.sort();
    const told = ({ entries }: { entries: Change['entries'] }) => sorted(entries.map((one) => JSON.stringify(one)));
    for (const order of [[], [{ param: 'date', descending: true }], [{ param: 'n', descending: false }]])
      for (const [bare, bytes] of [
        [false, undefined],
        [true, undefined],
        [false, 40_000],
        [true, 200],
      ] as const) {
        const shown: string[] = [];
        for (let after: Position | undefined, first = true; first || after !== undefined; first = false) {
          const request = { size: 5, bare, ...(bytes && { bytes }), ...(after && { after }) };
          const page = await store().search([type], is('code', 'x'), order, request, place.reach);
          const sizes = page.items.map((one) => Buffer.byteLength(one.text ?? ''));
          if (bytes !== undefined && sizes.length > 1)
            expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(bytes);
          for (const item of page.items) {
            const change = changes.find(({ id }) => id === item.id);
            expect([item.text, item.version, item.updated]).toEqual([change?.text, 1, change?.updated]);
            expect(Buffer.from(item.utf8 ?? item.text ?? '').toString()).toBe(change?.text);
            if (!bare && change !== undefined) expect(told(item)).toEqual(told(change));
          }
          shown.push(...page.items.map(place.short));
          after = page.next && (JSON.parse(JSON.stringify(page.next)) as Position);
        }
        expect(sorted([...shown])).toEqual(keys.map((_, n) => `o${n}`));
      }
  });

  promise('a page that ends with the last match has no next one', async () => {
    const place = await sixty();
    const page = await store().search([type], is('code', 'odd'), [], { size: 30 }, place.reach);
    expect([page.items.length, page.next]).toEqual([30, undefined]);
    const none = await store().search([type], is('code', 'none'), [], { size: 30 }, place.reach);
    expect(none).toEqual({ items: [] });
  });
}
