/** The feed: whoever reads it, stops and goes on from their cursor misses nothing. */
import type { Cursor, Version } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { versionOf } from './place.js';

export function feedContract({ promise, opened, places, open, clock }: Bench): void {
  const store = () => opened().store;
  const name = (one: Version) => `${one.type}/${one.id}/${one.version}`;

  /** Reads on until everything that is expected has come, or half a minute is over. */
  async function readUntil(expected: () => ReadonlySet<string> | undefined, after?: Cursor, limit = 7) {
    const read: Version[] = [];
    const seen = new Set<string>();
    let cursor = after;
    for (let calls = 0; calls < 3000; calls += 1) {
      const { versions, cursor: next } = await store().changes(cursor, limit);
      expect(versions.length).toBeLessThanOrEqual(limit);
      read.push(...versions);
      for (const version of versions) seen.add(name(version));
      // What a reader keeps is the text of the cursor, nothing else.
      cursor = JSON.parse(JSON.stringify(next)) as Cursor;
      const all = expected();
      if (all && [...all].every((one) => seen.has(one))) break;
      if (versions.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { read, seen, cursor };
  }

  promise('a reader from the beginning gets every version of every owner, whole', async () => {
    const [place, other] = [places(), places()];
    const changes = [
      place.change('Patient/a', 1, { blob: { hash: 'cd'.repeat(32), size: 7 } }),
      other.change('Patient/b', 1, { method: 'POST' }),
      place.deletion('Patient/a', 2),
    ];
    for (const change of changes) await store().write([change]);
    const { read } = await readUntil(() => new Set(changes.map(name)));
    for (const change of changes)
      expect(read.find((version) => name(version) === name(change))).toEqual(versionOf(change));
  });

  promise('a cursor at the end gets what is written later, and only that', async () => {
    const place = places();
    await store().write([place.change('Patient/a', 1)]);
    const { cursor } = await readUntil(() => new Set([name(place.change('Patient/a', 1))]), undefined, 1000);
    let [end, quiet] = [cursor, false];
    for (let calls = 0; calls < 200 && !quiet; calls += 1) {
      const next = await store().changes(end, 1000);
      [end, quiet] = [next.cursor, next.versions.length === 0];
    }
    await store().write([place.change('Patient/a', 2), place.change('Patient/b', 1)]);
    const expected = new Set([place.change('Patient/a', 2), place.change('Patient/b', 1)].map(name));
    const { read } = await readUntil(() => expected, end);
    expect(new Set(read.map(name))).toEqual(expected);
    // The same cursor gives the same again: a reader that fell over begins where it stood.
    expect(new Set((await readUntil(() => expected, end)).read.map(name))).toEqual(expected);
  });

  promise(
    'sixteen writers and a reader that stops and goes on: nothing is missed, each resource in its order',
    async () => {
      const own = await open(clock);
      try {
        const shared = opened();
        await own.delayCommits?.(20);
        const written = new Set<string>();
        let writing = 16;
        const place = places();
        const writers = Array.from({ length: writing }, async (_, writer) => {
          for (let version = 1; version <= 12; version += 1) {
            const changes = [place.change(`Task/w${writer}`, version), place.change(`Basic/w${writer}-${version}`, 1)];
            await own.store.write(changes);
            for (const change of changes) written.add(name(change));
          }
          writing -= 1;
        });
        const read: Version[] = [];
        let cursor: Cursor | undefined;
        for (let calls = 0; calls < 5000; calls += 1) {
          const done = writing === 0;
          const page = await own.store.changes(cursor, 1 + (calls % 9));
          read.push(...page.versions);
          // Every fifth page is lost before the reader has noted its cursor.
          if (calls % 5 !== 4) cursor = page.cursor;
          if (page.versions.length === 0) {
            if (done && read.length >= written.size) break;
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
        await Promise.all(writers);
        expect(written.size).toBe(16 * 12 * 2);
        expect(new Set(read.map(name))).toEqual(written);
        const last = new Map<string, number>();
        for (const version of read) {
          const at = `${version.type}/${version.id}`;
          const before = last.get(at) ?? 0;
          // Once more is allowed, ahead of the order is not.
          expect(version.version).toBeLessThanOrEqual(before + 1);
          last.set(at, Math.max(before, version.version));
        }
        expect(shared.store).not.toBe(own.store);
      } finally {
        await own.close();
      }
    },
    60_000,
  );
}
