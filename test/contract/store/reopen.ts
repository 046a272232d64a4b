/** Opening again: what a write has promised is there after the store was closed, and a closed store says so. */
import type { Bench } from '../store.js';
import { changeOf, createPlaces, is, text } from './place.js';

export function reopenContract({ promise, open, clock }: Bench): void {
  promise('everything is there when the store is opened again', async () => {
    const opened = await open(clock);
    try {
      const place = createPlaces(() => opened.store)();
      const first = place.change('Patient/a', 1, { entries: [text('name', 'ada')] });
      await opened.store.write([first, place.change('Patient/gone', 1)]);
      await opened.store.write([place.deletion('Patient/gone', 2)]);
      await opened.store.vault.put('kept', 'value', clock.now() + 1000);
      const { cursor } = await opened.store.changes(undefined, 1);
      const store = opened.reopen === undefined ? opened.store : await opened.reopen();
      expect((await store.read([place.key('Patient/a')], place.reach)).map(changeOf)).toEqual([first]);
      const found = await store.search(['Patient'], is('name', 'ada'), [], { size: 5 }, place.reach);
      expect(found.items.map(changeOf)).toEqual([first]);
      expect((await store.history({}, { size: 5 }, place.reach)).items).toHaveLength(3);
      expect(await store.vault.get('kept')).toBe('value');
      await expect(store.write([place.change('Patient/gone', 1)])).rejects.toMatchObject({ reason: 'conflict' });
      await store.write([place.change('Patient/gone', 3, { entries: [text('name', 'ada')] })]);
      const names: string[] = [];
      let after = cursor;
      for (let calls = 0; calls < 500 && !names.includes('gone3'); calls += 1) {
        const page = await store.changes(after, 10);
        names.push(...page.versions.map((one) => `${place.short(one)}${one.version}`));
        after = page.cursor;
      }
      expect(names.at(-1)).toBe('gone3');
      expect(names).toContain('gone2');
      await store.close();
    } finally {
      await opened.close();
    }
  });

  promise('a closed store rejects what it is asked', async () => {
    const opened = await open(clock);
    await opened.store.close();
    const reach = { owners: ['x'] };
    const place = createPlaces(() => opened.store)();
    await expect(opened.store.ping()).rejects.toThrow();
    await expect(opened.store.read([place.key('Patient/a')], reach)).rejects.toThrow();
    await expect(opened.store.write([place.change('Patient/a', 1)])).rejects.toThrow();
    await opened.close();
  });
}
