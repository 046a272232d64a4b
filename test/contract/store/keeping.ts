/** What moves and mends a whole store: snapshots, loading of exact versions, renewal of search values, notes. */
import type { Cursor, Store, Version } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { changeOf, createPlaces, is, range, text, versionOf } from './place.js';

const name = (one: Version) => `${one.type}/${one.id}/${one.version}`;

/** Reads a snapshot to its end. */
async function taken(store: Store, limit = 7, after?: Cursor): Promise<{ versions: Version[]; cursor: Cursor }> {
  const versions: Version[] = [];
  let cursor = after;
  for (let calls = 0; calls < 5000; calls += 1) {
    const page = await store.keeping.snapshot(cursor, limit);
    expect(page.versions.length).toBeLessThanOrEqual(limit);
    versions.push(...page.versions);
    // What a reader keeps is the text of the cursor.
    cursor = JSON.parse(JSON.stringify(page.cursor)) as Cursor;
    if (page.done) return { versions, cursor };
  }
  throw new Error('The snapshot does not end.');
}

export function keepingContract({ promise, opened, places, open, clock }: Bench): void {
  const store = () => opened().store;
  const keeping = () => opened().store.keeping;

  promise('a snapshot has every version of every owner, and goes on from its end', async () => {
    const [place, other] = [places(), places()];
    const first = [
      place.change('Patient/a', 1, { blob: { hash: 'cd'.repeat(32), size: 7 } }),
      other.change('Patient/b', 1, { method: 'POST' }),
    ];
    for (const change of first) await store().write([change]);
    await store().write([place.deletion('Patient/a', 2)]);
    const { versions, cursor } = await taken(store());
    for (const change of first) expect(versions.find((one) => name(one) === name(change))).toEqual(versionOf(change));
    expect((await taken(store(), 7, cursor)).versions).toEqual([]);
    const later = place.change('Patient/a', 3);
    await store().write([later]);
    expect((await taken(store(), 7, cursor)).versions).toEqual([versionOf(later)]);
  });

  promise(
    'a snapshot under writers has what was committed before it, whole writes only, and ends',
    async () => {
      const own = await open(clock);
      try {
        await own.delayCommits?.(10);
        const place = createPlaces(() => own.store)();
        const committed: string[] = [];
        let stop = false;
        let begun = 0;
        const writers = Array.from({ length: 8 }, async (_, writer) => {
          for (let version = 1; !stop; version += 1) {
            const pair = [place.change(`Task/w${writer}`, version), place.change(`Basic/w${writer}`, version)];
            begun += 1;
            await own.store.write(pair);
            committed.push(...pair.map(name));
          }
        });
        while (committed.length < 200) await new Promise((resolve) => setTimeout(resolve, 5));
        const before = [...committed];
        const { versions, cursor } = await taken(own.store, 50);
        const inside = new Set(versions.map(name));
        expect(before.filter((one) => !inside.has(one))).toEqual([]);
        // Both halves of a write are in, or neither.
        for (const one of inside) {
          const twin = one.startsWith('Task/') ? one.replace('Task/', 'Basic/') : one.replace('Basic/', 'Task/');
          expect(inside.has(twin)).toBe(true);
        }
        const last = new Map<string, number>();
        for (const { type, id, version } of versions) {
          const [key, was] = [`${type}/${id}`, last.get(`${type}/${id}`) ?? 0];
          expect(version).toBeLessThanOrEqual(was + 1);
          last.set(key, Math.max(was, version));
        }
        stop = true;
        await Promise.all(writers);
        const rest = await taken(own.store, 50, cursor);
        expect(new Set([...inside, ...rest.versions.map(name)])).toEqual(new Set(committed));
        expect(begun * 2).toBe(committed.length);
      } finally {
        await own.close();
      }
    },
    60_000,
  );

  promise('loads exact versions in their order, each once, and notes them in the same write', async () => {
    const own = await open(clock);
    try {
      const place = createPlaces(() => own.store)();
      const changes = [
        place.change('Patient/a', 1, { entries: [text('name', 'old')], method: 'POST', updated: 5 }),
        place.change('Patient/b', 1, { entries: [text('name', 'b')], updated: 3 }),
        place.change('Patient/a', 2, { entries: [text('name', 'middle')], updated: 7 }),
        place.change('Patient/a', 3, { entries: [text('name', 'new'), range('n', 1, 2)], updated: 9 }),
        place.deletion('Patient/b', 2, { updated: 10 }),
      ];
      const fresh: string[][] = [];
      const note = (versions: Version[]): string => {
        fresh.push(versions.map(name));
        return `noted ${versions.length}`;
      };
      const { keeping } = own.store;
      await keeping.load(changes.slice(0, 2), note);
      expect(await keeping.note('filling')).toBe('noted 2');
      await keeping.load(changes, note);
      expect(await keeping.note('filling')).toBe('noted 3');
      expect(fresh.at(-1)).toEqual(changes.slice(2).map(name));
      await keeping.load(changes, note);
      expect(fresh.at(-1)).toEqual([]);
      const { items } = await own.store.history({}, { size: 10 }, place.reach);
      expect(items.map(name).sort()).toEqual(changes.map(name).sort());
      for (const change of changes)
        expect(await own.store.version(change, change.version, place.reach)).toEqual(versionOf(change));
      for (const [value, ids] of Object.entries({ old: [], middle: [], new: ['a'], b: [] }))
        expect(await place.found(['Patient'], is('name', value))).toEqual(ids);
      const gap = place.change('Patient/a', 5);
      await expect(keeping.load([gap, place.change('Patient/c', 1)], () => 'lost')).rejects.toMatchObject({
        reason: 'conflict',
      });
      expect(await keeping.note('filling')).toBe('noted 0');
      expect(await own.store.read([place.key('Patient/c')], place.reach)).toEqual([undefined]);
      // What was loaded goes on like anything that was written.
      await own.store.write([place.change('Patient/a', 4), place.change('Patient/b', 3)]);
      expect(await place.found(['Patient'], is('name', 'new'))).toEqual([]);
    } finally {
      await own.close();
    }
  });

  promise('lists what is current, page by page', async () => {
    const place = places();
    await place.create(Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`Patient/l${n}`, []])));
    await store().write([place.change('Patient/l2', 2), place.deletion('Patient/l3', 2)]);
    const found: string[] = [];
    for (let after: (string | number | null)[] | undefined, calls = 0; calls < 5000; calls += 1) {
      const page = await keeping().currents({ size: 2, ...(after && { after }) });
      found.push(
        ...page.items.filter(({ owner }) => owner === place.owner).map((one) => `${place.short(one)}.${one.version}`),
      );
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(found.sort()).toEqual(['l1.1', 'l2.2', 'l4.1', 'l5.1']);
  });

  promise('replaces the search values of what is still current, without a new version', async () => {
    const place = places();
    await place.create({ 'Patient/a': [text('name', 'x'), range('n', 1)], 'Patient/b': [text('name', 'x')] });
    const [a, b] = await store().read([place.key('Patient/a'), place.key('Patient/b')], place.reach);
    if (a === undefined || b === undefined) throw new Error('They were just written.');
    const newer = place.change('Patient/b', 2, { entries: [text('name', 'newer')] });
    await store().write([newer]);
    const entries = [text('name', 'y', 'Y'), range('m', 2, 3)];
    await keeping().reindex([
      { ...versionOf(a), entries },
      { ...versionOf(b), entries: [text('name', 'stale')] },
    ]);
    expect(await place.found(['Patient'], is('name', 'y'))).toEqual(['a']);
    for (const gone of ['x', 'stale']) expect(await place.found(['Patient'], is('name', gone))).toEqual([]);
    expect(await place.found(['Patient'], is('name', 'newer'))).toEqual(['b']);
    expect((await store().read([place.key('Patient/a')], place.reach)).map(changeOf)).toEqual([
      { ...versionOf(a), entries },
    ]);
    expect(await place.search(['Patient'], { node: 'all', of: [] }, [{ param: 'm', descending: true }])).toEqual([
      'a',
      'b',
    ]);
    // What comes after finds its way from the new values.
    await store().write([place.change('Patient/a', 2, { entries: [text('name', 'z')] })]);
    expect(await place.found(['Patient'], is('name', 'y'))).toEqual([]);
  });

  promise('keeps notes, and lists the vault', async () => {
    expect(await keeping().note('index')).toBeUndefined();
    await keeping().setNote('index', 'one');
    await keeping().setNote('index', 'two');
    expect(await keeping().note('index')).toBe('two');
    await keeping().setNote('index', undefined);
    expect(await keeping().note('index')).toBeUndefined();
    for (const key of ['k1', 'k3', 'k2']) await store().vault.put(key, `of ${key}`, clock.now() + 1000);
    await store().vault.put('k4', 'gone', clock.now() - 1);
    const listed = await store().vault.list(undefined, 2);
    expect(listed).toEqual(['k1', 'k2'].map((key) => ({ key, value: `of ${key}`, expires: clock.now() + 1000 })));
    expect((await store().vault.list('k2', 2)).map(({ key }) => key)).toEqual(['k3']);
  });

  promise('lists the part of the vault whose keys begin alike', async () => {
    const keys = ['part:', 'part:a', 'part:a:1', 'part:a:2', 'part:b', 'part;', 'par', 'PART:a:3', 'part:a\u{10ffff}'];
    for (const key of keys) await store().vault.put(key, '', clock.now() + 1000);
    await store().vault.put('part:a:0', 'gone', clock.now() - 1);
    const listed = async (after: string | undefined, limit: number, prefix: string) =>
      (await store().vault.list(after, limit, prefix)).map(({ key }) => key);
    expect(await listed(undefined, 9, 'part:a')).toEqual(['part:a', 'part:a:1', 'part:a:2', 'part:a\u{10ffff}']);
    expect(await listed(undefined, 2, 'part:a:')).toEqual(['part:a:1', 'part:a:2']);
    expect(await listed('part:a:1', 2, 'part:a:')).toEqual(['part:a:2']);
    expect(await listed('a', 9, 'part:b')).toEqual(['part:b']);
    expect(await listed('part:b', 9, 'part:a')).toEqual([]);
    expect(await listed(undefined, 9, 'part:a\u{10ffff}')).toEqual(['part:a\u{10ffff}']);
  });
}
