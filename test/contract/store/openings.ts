/** What is open to others than its owner: seen in every way that a version can be seen, and in none any more when it ends. */
import { everything, type Plan } from '../../../src/search/plan.js';
import { REFERS, StoreError, type Along, type Opened, type Opening, type Reach } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { changeOf, createPlaces, is, range, text, versionOf, type Place } from './place.js';

const EVER = { from: 0, until: Number.MAX_SAFE_INTEGER };

export function openingsContract({ promise, opened, open: openStore, places, clock }: Bench): void {
  const store = () => opened().store;
  const guest = (place: Place) => `guest-of-${place.name}`;
  /** To a store `*` is a name like any other; tests that share one need one each. */
  const everybody = (place: Place) => `*${place.name}`;

  function reachAt(place: Place, at = 1000, owners: string[] = [guest(place)]): Reach {
    return { owners, opened: { to: [guest(place), everybody(place)], at } };
  }

  function opening(place: Place, at: string, window: Partial<Opening> = {}): Opening {
    return { ...place.key(at), to: guest(place), ...EVER, ...window };
  }

  function open(place: Place, via: string, was: number, openings: Opening[]): Opened {
    return { via: `${via}-${place.name}`, was, openings };
  }

  const write = (...some: Opened[]) => store().write([], [], undefined, undefined, { opened: some });

  /** TABLE: a way to see a version -> whether this reach sees this resource by it. */
  const ways: Record<string, (place: Place, at: string, reach: Reach) => Promise<boolean>> = {
    read: async (place, at, reach) => (await store().read([place.key(at)], reach))[0] !== undefined,
    'read bare': async (place, at, reach) => (await store().read([place.key(at)], reach, true))[0] !== undefined,
    'read of several': async (place, at, reach) =>
      (await store().read([place.key('Basic/none'), place.key(at)], reach))[1] !== undefined,
    'an old version': async (place, at, reach) => (await store().version(place.key(at), 1, reach)) !== undefined,
    'its history': async (place, at, reach) =>
      (await store().history(place.key(at), { size: 9 }, reach)).items.length > 0,
    'history of its type': async (place, at, reach) => {
      const { type, id } = place.key(at);
      return (await store().history({ type }, { size: 9 }, reach)).items.some((one) => one.id === id);
    },
    'history of all': async (place, at, reach) =>
      (await store().history({}, { size: 9 }, reach)).items.some(({ id }) => id === place.key(at).id),
    search: async (place, at, reach) => (await place.found([place.key(at).type], everything, reach)).length > 0,
    'search by id': async (place, at, reach) => {
      const { type, id } = place.key(at);
      return (await place.found([type], { node: 'id', ids: [id] }, reach)).length > 0;
    },
    'search by value': async (place, at, reach) =>
      (await place.found([place.key(at).type], is('code', place.name), reach)).length > 0,
    'sorted search': async (place, at, reach) =>
      (await place.search([place.key(at).type], everything, [{ param: 'date', descending: true }], reach)).length > 0,
    count: async (place, at, reach) => (await store().count([place.key(at).type], everything, reach, 9)) > 0,
    'the far side of a chain': async (place, at, reach) => {
      const { type } = place.key(at);
      const chain: Plan = { node: 'points', param: 'subject', types: [type], where: is('code', place.name) };
      return (await place.found(['Basic'], chain, reach)).length > 0;
    },
    'the far side of _has': async (place, at, reach) => {
      const { type } = place.key(at);
      const has: Plan = { node: 'pointed', by: type, param: 'focus', where: is('code', place.name) };
      return (await place.found(['List'], has, reach)).length > 0;
    },
    guard: (place, at, reach) =>
      store()
        .write([], [{ name: place.name, type: place.key(at).type, plan: everything, reach, matches: 1 }])
        .then(() => true, isRefused('guard')),
    reference: (place, at, reach) =>
      store()
        .write([place.change(`Media/${++references}`, 1, { owner: 'others' })], [], {
          present: [place.key(at)],
          unreferred: [],
          reach,
        })
        .then(() => true, isRefused('missing')),
    owned: async (place, at, reach) =>
      (await place.found([place.key(at).type], { node: 'owned', by: [], opened: { to: ['nobody'], at: 0 } }, reach))
        .length === 0 &&
      (await place.found([place.key(at).type], { node: 'owned', by: [], ...openedOf(reach) }, reach)).length > 0,
  };
  let references = 0;
  const openedOf = ({ opened }: Reach) => (opened === undefined ? {} : { opened });

  /** A Patient of the place, which a Basic of the guest's points to, and which points to a List of theirs. */
  async function patient(place: Place): Promise<void> {
    const mine = { owner: guest(place) };
    await place.create({ 'List/l': [] }, mine);
    const entries = [text('code', place.name), range('date', 5), text('focus', place.reference('List/l'))];
    await place.create({ 'Patient/a': entries });
    await place.create({ 'Basic/b': [text('subject', place.reference('Patient/a'))] }, mine);
  }

  async function seenBy(place: Place, reach: Reach): Promise<string[]> {
    const seen: string[] = [];
    for (const [name, sees] of Object.entries(ways)) if (await sees(place, 'Patient/a', reach)) seen.push(name);
    return seen;
  }

  promise('what is open is seen in every way, by those it is open to, while it is', async () => {
    const place = places();
    await patient(place);
    expect(await seenBy(place, reachAt(place))).toEqual([]);
    await write(open(place, 'case', 0, [opening(place, 'Patient/a', { from: 100, until: 200 })]));
    expect(await seenBy(place, reachAt(place, 100))).toEqual(Object.keys(ways));
    expect(await seenBy(place, reachAt(place, 199))).toEqual(Object.keys(ways));
    for (const at of [0, 99, 200, 201]) expect(await seenBy(place, reachAt(place, at))).toEqual([]);
    expect(await seenBy(place, { owners: [guest(place)] })).toEqual([]);
    expect(
      await seenBy(place, { owners: [guest(place)], opened: { to: ['another', everybody(place)], at: 150 } }),
    ).toEqual([]);
    expect(await seenBy(place, { owners: [], opened: { to: [guest(place)], at: 150 } })).toEqual(
      Object.keys(ways).filter((name) => !name.startsWith('the far')),
    );
  });

  promise('what is open to everybody is, and its owner sees it once', async () => {
    const place = places();
    await patient(place);
    await write(open(place, 'directory', 0, [opening(place, 'Patient/a', { to: everybody(place) })]));
    expect(await seenBy(place, reachAt(place))).toEqual(Object.keys(ways));
    const both = reachAt(place, 5, [place.owner, guest(place)]);
    expect(await place.search(['Patient', 'Basic'], everything, [], both)).toHaveLength(2);
    expect(await store().count(['Patient', 'Basic'], everything, both, 9)).toBe(2);
    expect((await store().history({}, { size: 9 }, both)).items).toHaveLength(3);
    const [found] = await store().read([place.key('Patient/a')], both);
    expect(found?.openings).toEqual([{ to: everybody(place), ...EVER }]);
    expect(changeOf(found)?.entries).toHaveLength(3);
  });

  promise('a version that follows is open as the one before it; a deletion ends that for good', async () => {
    const place = places();
    await place.create({ 'Patient/a': [], 'Patient/b': [], 'Patient/c': [] });
    const all = ['Patient/a', 'Patient/b', 'Patient/c'];
    await write(
      open(
        place,
        'case',
        0,
        all.map((at) => opening(place, at)),
      ),
    );
    await store().write([place.change('Patient/a', 2)]);
    await store().write([place.change('Patient/b', 2), place.change('Patient/c', 2), place.change('Patient/d', 1)]);
    expect(await place.found(['Patient'], everything, reachAt(place))).toEqual(['a', 'b', 'c']);
    const { items } = await store().history({ type: 'Patient' }, { size: 20 }, reachAt(place));
    expect(items.map((one) => `${place.short(one)}${one.version}`).sort()).toEqual('a1 a2 b1 b2 c1 c2'.split(' '));
    await store().write([place.deletion('Patient/a', 3)]);
    await store().write([place.deletion('Patient/b', 3), place.deletion('Patient/c', 3)]);
    await store().write([place.change('Patient/a', 4), place.change('Patient/b', 4)]);
    expect(await place.found(['Patient'], everything, reachAt(place))).toEqual([]);
    expect((await store().history({}, { size: 20 }, reachAt(place))).items).toEqual([]);
    expect(await store().read(all.map(place.key), reachAt(place))).toEqual([undefined, undefined, undefined]);
    expect(await store().sharing.via(all.map(place.key))).toEqual(new Map());
  });

  promise('what changes its owner is open as before', async () => {
    const [place, other] = [places(), places()];
    await place.create({ 'Patient/a': [text('code', 'x')] });
    await write(open(place, 'case', 0, [opening(place, 'Patient/a')]));
    await store().write([place.change('Patient/a', 2, { owner: other.owner, entries: [text('code', 'x')] })]);
    expect(await place.found(['Patient'], is('code', 'x'), reachAt(place))).toEqual(['a']);
    const { items } = await store().history(place.key('Patient/a'), { size: 9 }, reachAt(place));
    expect(items).toHaveLength(2);
  });

  promise('to whom resources of a type are open is told by the beginning of the names, up to a number', async () => {
    const place = places();
    await place.create({ 'Consent/a': [], 'Consent/b': [], 'Consent/c': [], 'Patient/p': [] });
    const name = (rest: string) => `:${place.name} ${rest}`;
    const named = (atMost = 10, beginning = name('')) => store().sharing.named('Consent', beginning, atMost);
    expect(await named()).toEqual(new Set());
    await write(
      open(place, 'one', 0, [
        opening(place, 'Consent/a', { to: name('x') }),
        opening(place, 'Consent/a', { to: guest(place) }),
        opening(place, 'Consent/b', { to: name('\u{10fffe}') }),
        opening(place, 'Patient/p', { to: name('of another type') }),
      ]),
      open(place, 'two', 0, [opening(place, 'Consent/c', { to: name('x'), from: 5000, until: 6000 })]),
    );
    expect(await named()).toEqual(new Set([name('x'), name('\u{10fffe}')]));
    expect(await named(3)).toEqual(new Set([name('x'), name('\u{10fffe}')]));
    expect(await named(2)).toBeUndefined();
    expect(await named(10, name('x'))).toEqual(new Set([name('x')]));
    expect(await named(10, name('y'))).toEqual(new Set());
    await store().write([place.change('Consent/b', 2), place.deletion('Consent/a', 2)]);
    expect(await named()).toEqual(new Set([name('\u{10fffe}'), name('x')]));
    await store().write([place.deletion('Consent/c', 2)]);
    expect(await named()).toEqual(new Set([name('\u{10fffe}')]));
  });

  promise('each reason opens what it says last, and takes nothing from others', async () => {
    const place = places();
    await place.create({ 'Patient/a': [], 'Patient/b': [], 'Patient/c': [] });
    const found = () => place.found(['Patient'], everything, reachAt(place));
    const [a, b, c] = ['Patient/a', 'Patient/b', 'Patient/c'].map((at) => opening(place, at)) as [
      Opening,
      Opening,
      Opening,
    ];
    await write(open(place, 'one', 0, [a, b]), open(place, 'two', 0, [b]));
    const name = (via: string) => `${via}-${place.name}`;
    const { sharing } = store();
    const known = await sharing.of([name('one'), name('two'), name('none')]);
    expect(known.get(name('one'))?.openings).toEqual([a, b]);
    expect(known.get(name('none'))).toEqual({ generation: 0, openings: [] });
    expect(await sharing.via([a, b, c])).toEqual(
      new Map([
        [place.reference('Patient/a'), [name('one')]],
        [place.reference('Patient/b'), [name('one'), name('two')]],
      ]),
    );
    const generation = known.get(name('one'))?.generation ?? -1;
    const later = { ...c, until: 3000 };
    await write(
      open(place, 'one', generation, [
        { ...c, until: 2000 },
        { ...c, from: 2500, until: 3000 },
      ]),
    );
    expect(await found()).toEqual(['b', 'c']);
    expect(await place.found(['Patient'], everything, reachAt(place, 2200))).toEqual(['b']);
    expect(await place.found(['Patient'], everything, reachAt(place, 2700))).toEqual(['b', 'c']);
    const next = (await sharing.of([name('one')])).get(name('one'));
    expect(next?.generation).not.toBe(generation);
    await write(open(place, 'one', next?.generation ?? -1, [later, opening(place, 'Patient/none')]));
    expect((await sharing.of([name('one')])).get(name('one'))?.openings).toEqual([later]);
    const last = (await sharing.of([name('one')])).get(name('one'))?.generation ?? -1;
    await write(open(place, 'one', last, []));
    expect(await found()).toEqual(['b']);
  });

  promise('a resource may be open from its first version on, alone or with others', async () => {
    const place = places();
    const along = (...some: Opened[]): Along => ({ opened: some });
    const via = (at: string) => place.reference(at);
    const own = (at: string): Opened => ({ via: via(at), was: 0, openings: [opening(place, at)] });
    for (const [n, method] of (['POST', 'PUT'] as const).entries()) {
      const change = place.change(`Patient/alone${n}`, 1, { method });
      await store().write([change], [], undefined, undefined, along(own(`Patient/alone${n}`)));
    }
    const alone = own('Patient/alone0');
    expect((await store().sharing.of([alone.via])).get(alone.via)?.openings).toEqual(alone.openings);
    const two = [place.change('Patient/x', 1), place.change('Patient/y', 1)];
    const openings = ['Patient/x', 'Patient/alone0'].map((at) => opening(place, at, { to: everybody(place) }));
    await store().write(two, [], undefined, undefined, along({ via: via('Patient/x'), was: 0, openings }));
    expect(await place.found(['Patient'], everything, reachAt(place))).toEqual(['alone0', 'alone1', 'x']);
    // What is written and opened by one write is open as that write says.
    const { generation } = (await store().sharing.of([via('Patient/x')])).get(via('Patient/x')) ?? { generation: -1 };
    const less = { via: via('Patient/x'), was: generation, openings: [opening(place, 'Patient/y')] };
    await store().write([place.change('Patient/x', 2)], [], undefined, undefined, along(less));
    expect(await place.found(['Patient'], everything, reachAt(place))).toEqual(['alone0', 'alone1', 'y']);
  });

  promise('what was opened anew meanwhile is a conflict, and then nothing is written', async () => {
    const place = places();
    await place.create({ 'Patient/a': [], 'Patient/b': [] });
    const attempts = (was: number) =>
      ['Patient/a', 'Patient/b', 'Patient/a'].map((at, n) =>
        store()
          .write([place.change(`Basic/${was}-${n}`, 1)], [], undefined, undefined, {
            opened: [open(place, 'case', was, [opening(place, at, { from: n })])],
          })
          .then(
            () => n,
            (error: unknown) => error,
          ),
      );
    for (let round = 0; round < 5; round += 1) {
      const via = `case-${place.name}`;
      const { generation } = (await store().sharing.of([via])).get(via) ?? { generation: -1 };
      const outcomes = await Promise.all(attempts(generation));
      const winners = outcomes.filter((one) => typeof one === 'number');
      expect(winners).toHaveLength(1);
      for (const one of outcomes.filter((some) => typeof some !== 'number'))
        expect(one).toMatchObject({ reason: 'conflict', at: via });
      const { openings } = (await store().sharing.of([via])).get(via) ?? { openings: [] };
      expect(openings.map(({ from }) => from)).toEqual(winners);
    }
    expect(await store().count(['Basic'], everything, place.reach, 99)).toBe(5);
  });

  promise('openings are written with all of a write or not at all', async () => {
    const place = places();
    await place.create({ 'Patient/a': [] });
    const along = { opened: [open(place, 'case', 0, [opening(place, 'Patient/a')])] };
    const guard = { name: place.name, type: 'Patient', plan: everything, reach: place.reach, matches: 7 };
    const refused: [Promise<void>, string][] = [
      [store().write([place.change('Patient/a', 9)], [], undefined, undefined, along), 'conflict'],
      [store().write([], [guard], undefined, undefined, along), 'guard'],
      [
        store().write(
          [place.change('Basic/b', 1)],
          [],
          { present: [place.key('Patient/a')], unreferred: [], reach: reachAt(place) },
          undefined,
          along,
        ),
        'missing',
      ],
    ];
    for (const [attempt, reason] of refused) await expect(attempt).rejects.toMatchObject({ reason });
    expect(await place.found(['Patient'], everything, reachAt(place))).toEqual([]);
    await write(...along.opened);
    expect(await place.found(['Patient'], everything, reachAt(place))).toEqual(['a']);
  });

  promise(
    'who writes a resource and who opens or closes it at the same time take nothing from each other',
    async () => {
      const place = places();
      await place.create({ 'Patient/a': [], 'Patient/b': [] });
      const via = `case-${place.name}`;
      const writer = async (at: string, rounds: number) => {
        for (let version = 2; version < rounds; version += 1) await store().write([place.change(at, version)]);
      };
      let last: Opening[] = [];
      const opener = async () => {
        for (let round = 1; round < 21; round += 1) {
          const { generation } = (await store().sharing.of([via])).get(via) ?? { generation: -1 };
          last = (round % 2 === 0 ? ['Patient/a'] : ['Patient/b']).map((at) => opening(place, at));
          await write({ via, was: generation, openings: last });
        }
      };
      await Promise.all([writer('Patient/a', 30), writer('Patient/b', 30), opener()]);
      expect((await store().sharing.of([via])).get(via)?.openings).toEqual(last);
      expect(await place.found(['Patient'], everything, reachAt(place))).toEqual(['a']);
      expect((await store().history({ type: 'Patient' }, { size: 99 }, reachAt(place))).items).toHaveLength(29);
    },
  );

  promise('what a caller owns and what is open to them make one order, in pages', async () => {
    const place = places();
    const mine = { owner: guest(place) };
    const dates = [3, 1, 4, 1, 5, 9, 2, 6, undefined, 5, 3, 5];
    for (const [n, date] of dates.entries())
      await place.create(
        { [`Observation/${String.fromCharCode(97 + n)}`]: date === undefined ? [] : [range('date', date)] },
        n % 3 === 0 ? mine : {},
      );
    // Three that stay closed lie between them.
    const closed = ['b', 'f', 'h'];
    const letters = dates.map((_, n) => String.fromCharCode(97 + n)).filter((one) => !closed.includes(one));
    await write(
      open(
        place,
        'case',
        0,
        letters.map((one) => opening(place, `Observation/${one}`)),
      ),
    );
    const natural = await place.search(['Observation'], everything, [], reachAt(place));
    expect([...natural].sort()).toEqual(letters);
    const keyOf = (letter: string) => dates[letter.charCodeAt(0) - 97] ?? -1;
    for (const order of [[], [{ param: 'date', descending: false }], [{ param: 'date', descending: true }]])
      for (const request of [{ size: 1 }, { size: 2 }, { size: 5 }, { size: 5, bytes: 150 }]) {
        const shown: string[] = [];
        for (let after: (string | number | null)[] | undefined, more = true; more; more = after !== undefined) {
          const page = { ...request, ...(after && { after }) };
          const found = await store().search(['Observation'], everything, order, page, reachAt(place));
          shown.push(...found.items.map(place.short));
          after = found.next;
        }
        const rank = (letter: string) => natural.indexOf(letter);
        const [first] = order;
        const expected = [...letters].sort((a, b) => {
          const difference = first === undefined ? 0 : keyOf(a) - keyOf(b);
          return (first?.descending ? -difference : difference) || 0 || rank(a) - rank(b);
        });
        if (first === undefined) expect(shown).toEqual(expected);
        else expect([shown.map(keyOf), [...shown].sort()]).toEqual([expected.map(keyOf), letters]);
      }
    const versions: string[] = [];
    for (let after: (string | number | null)[] | undefined, more = true; more; more = after !== undefined) {
      const page = await store().history({ type: 'Observation' }, { size: 2, ...(after && { after }) }, reachAt(place));
      versions.push(...page.items.map(place.short));
      after = page.next;
    }
    expect(versions).toEqual([...letters].reverse());
  });

  promise('who refers to what is to be deleted is named where they are open', async () => {
    const place = places();
    await place.create({ 'Patient/a': [] }, { owner: guest(place) });
    const entries = [text(REFERS, place.reference('Patient/a'))];
    await place.create({ 'Media/open': entries, 'Media/closed': entries });
    await write(open(place, 'case', 0, [opening(place, 'Media/open')]));
    const integrity = { present: [], unreferred: [place.key('Patient/a')], reach: reachAt(place) };
    const failure: unknown = await store()
      .write([place.deletion('Patient/a', 2, { owner: guest(place) })], [], integrity)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason: 'referred' });
    const { message } = failure as StoreError;
    expect(message).toContain(place.reference('Media/open'));
    expect(message).not.toContain('closed');
  });

  promise('openings are no versions: what moves and mends a store leaves them as they are', async () => {
    const own = await openStore(clock);
    try {
      const place = createPlaces(() => own.store)();
      const { keeping, sharing } = own.store;
      const first = place.change('Patient/a', 1, { entries: [text('code', 'x')] });
      await own.store.write([first]);
      const all = Array.from({ length: 100 }, (_, n) => open(place, `case${n}`, 0, [opening(place, 'Patient/a')]));
      await own.store.write([], [], undefined, undefined, { opened: all });
      const next = place.change('Patient/a', 2, { entries: [text('code', 'x')] });
      await keeping.load([next], () => '');
      await keeping.reindex([{ ...next, entries: [text('code', 'y')] }]);
      expect(await place.found(['Patient'], is('code', 'y'), reachAt(place))).toEqual(['a']);
      expect((await sharing.via([first])).get(place.reference('Patient/a'))).toHaveLength(100);
      const versions = [first, next].map(versionOf);
      const { versions: fed } = await own.store.changes(undefined, 9);
      expect(fed.sort((a, b) => a.version - b.version)).toEqual(versions);
      const { items } = await keeping.currents({ size: 9 });
      expect(items).toEqual(versions.slice(1));
    } finally {
      await own.close();
    }
  });

  promise('what is erased is open to nobody, and is no reason any more', async () => {
    const place = places();
    await place.create({ 'ServiceRequest/r': [], 'Patient/a': [], 'Patient/b': [] });
    const via = place.reference('ServiceRequest/r');
    const openings = ['ServiceRequest/r', 'Patient/a'].map((at) => opening(place, at));
    await write({ via, was: 0, openings }, open(place, 'other', 0, [opening(place, 'Patient/b')]));
    const doomed = ['ServiceRequest/r', 'Patient/b'].map((at) => ({ ...place.key(at), version: 1 }));
    await store().erasing.erase(doomed, place.change('AuditEvent/e', 1));
    expect(await store().sharing.of([via])).toEqual(new Map([[via, { generation: 0, openings: [] }]]));
    expect(await place.found(['Patient', 'ServiceRequest'], everything, reachAt(place))).toEqual([]);
    await place.create({ 'ServiceRequest/r': [], 'Patient/b': [] });
    expect(await place.found(['Patient', 'ServiceRequest'], everything, reachAt(place))).toEqual([]);
  });
}

/** False for this refusal; whatever else goes wrong is thrown. */
const isRefused = (reason: string) => (error: unknown) => {
  if (error instanceof StoreError && error.reason === reason) return false;
  throw error;
};
