/** Pages: by key, so that what stays is shown exactly once whatever others write meanwhile. */
import { everything, type Order, type Plan } from '../../../src/search/plan.js';
import type { Position } from '../../../src/store/port.js';
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

  promise('a page that ends with the last match has no next one', async () => {
    const place = await sixty();
    const page = await store().search([type], is('code', 'odd'), [], { size: 30 }, place.reach);
    expect([page.items.length, page.next]).toEqual([30, undefined]);
    const none = await store().search([type], is('code', 'none'), [], { size: 30 }, place.reach);
    expect(none).toEqual({ items: [] });
  });
}
