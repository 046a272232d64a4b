/** MongoDB erases in several transactions: what falls in between is told, and the rest goes the next time. */
import { REFERS } from '../../src/store/port.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import { createFakeClock } from '../contract/store.js';
import { createPlaces } from '../contract/store/place.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';

describeMongo('an erasure that falls half way', (url) => {
  test('leaves its record with the first of many, and is completed by another one', async () => {
    const store = await openMongoStore({ url, database: freshDatabase(), clock: createFakeClock() });
    try {
      const place = createPlaces(() => store)();
      const names = Array.from({ length: 450 }, (_, n) => `Basic/n${n}`);
      await place.create(
        Object.fromEntries(names.map((name) => [name, [{ param: REFERS, value: 'Patient/a', detail: '' }]])),
      );
      const doomed = names.map((name) => ({ ...place.key(name), version: 1 }));
      const stale = [...doomed.slice(0, 449), { ...place.key('Basic/n449'), version: 2 }];
      await expect(store.erasing.erase(stale, place.change('AuditEvent/first', 1))).rejects.toMatchObject({
        reason: 'conflict',
      });
      const left = await place.found(['Basic', 'AuditEvent'], { node: 'all', of: [] });
      expect([left.length, left[0]]).toEqual([51, 'first']);
      const rest = doomed.filter(({ id }) => left.includes(place.short({ type: 'Basic', id })));
      await store.erasing.erase(rest, place.change('AuditEvent/second', 1));
      expect(await place.found(['Basic', 'AuditEvent'], { node: 'all', of: [] })).toEqual(['first', 'second']);
    } finally {
      await store.close();
    }
  });
});
