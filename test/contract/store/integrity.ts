/** References: they lead to what is there, and what is referred to is not deleted; also when both happen at once. */
import { everything } from '../../../src/search/plan.js';
import { REFERS, StoreError, type Integrity } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { createPlaces, text, type Place } from './place.js';

export function integrityContract({ promise, opened, open, places, clock }: Bench): void {
  const store = () => opened().store;
  const to = (place: Place, ...targets: string[]) => targets.map((at) => text(REFERS, place.reference(at)));
  const versionsOf = async (place: Place, ...at: string[]) =>
    (await store().read(at.map(place.key), place.reach)).map((found) => found?.version);

  function demand(place: Place, present: string[], unreferred: string[] = []): Integrity {
    return { present: present.map(place.key), unreferred: unreferred.map(place.key), reach: place.reach };
  }

  /** Creates a resource that refers to these. */
  function refer(place: Place, from: string, ...targets: string[]): Promise<void> {
    const change = place.change(from, 1, { entries: to(place, ...targets) });
    return store().write([change], [], demand(place, targets));
  }

  function remove(place: Place, at: string, version = 2): Promise<void> {
    return store().write([place.deletion(at, version)], [], demand(place, [], [at]));
  }

  promise('a reference to what is there is written', async () => {
    const place = places();
    await place.create({ 'Patient/a': [], 'Patient/b': [] });
    await refer(place, 'Task/one', 'Patient/a', 'Patient/b');
    await store().write(
      [place.change('Task/one', 2), place.change('Task/two', 1)],
      [],
      demand(place, ['Patient/a', 'Patient/b']),
    );
    expect(await versionsOf(place, 'Task/one', 'Task/two')).toEqual([2, 1]);
  });

  promise(
    'a reference to what is not there, is deleted, or is not seen is missing, and nothing is written',
    async () => {
      const [place, other] = [places(), places()];
      await place.create({ 'Patient/a': [], 'Patient/gone': [] });
      await store().write([place.deletion('Patient/gone', 2)]);
      await place.create({ 'Patient/foreign': [] }, { owner: other.owner });
      for (const at of ['Patient/none', 'Patient/gone', 'Patient/foreign']) {
        const missing = { reason: 'missing', at: place.reference(at) };
        await expect(refer(place, 'Task/one', 'Patient/a', at)).rejects.toMatchObject(missing);
        const several = [place.change('Task/one', 1), place.change('Patient/a', 2)];
        await expect(store().write(several, [], demand(place, [at]))).rejects.toMatchObject(missing);
        await expect(store().write([place.change('Patient/a', 2)], [], demand(place, [at]))).rejects.toMatchObject(
          missing,
        );
      }
      expect(await versionsOf(place, 'Task/one', 'Patient/a')).toEqual([undefined, 1]);
      expect(await place.found(['Task'], { node: 'all', of: [] })).toEqual([]);
    },
  );

  promise('what the same write creates or brings back is there; what it deletes is not', async () => {
    const place = places();
    await place.create({ 'Patient/gone': [], 'Patient/b': [] });
    await store().write([place.deletion('Patient/gone', 2)]);
    const task = place.change('Task/one', 1, { entries: to(place, 'Patient/a', 'Patient/gone') });
    const others = [place.change('Patient/a', 1), place.change('Patient/gone', 3)];
    await store().write([task, ...others], [], demand(place, ['Patient/a', 'Patient/gone']));
    const second = place.change('Task/two', 1, { entries: to(place, 'Patient/b') });
    const write = store().write(
      [second, place.deletion('Patient/b', 2)],
      [],
      demand(place, ['Patient/b'], ['Patient/b']),
    );
    await expect(write).rejects.toMatchObject({ reason: 'missing', at: place.reference('Patient/b') });
    expect(await versionsOf(place, 'Task/one', 'Task/two', 'Patient/b')).toEqual([1, undefined, 1]);
  });

  promise('what is referred to is not deleted, and the message says by whom', async () => {
    const place = places();
    await place.create({ 'Patient/a': [] });
    for (const n of [1, 2]) await refer(place, `Task/t${n}`, 'Patient/a');
    const failure: unknown = await remove(place, 'Patient/a').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreError);
    expect(failure).toMatchObject({ reason: 'referred', at: place.reference('Patient/a') });
    const { message } = failure as StoreError;
    for (const n of [1, 2]) expect(message).toContain(place.reference(`Task/t${n}`));
    expect(message).not.toContain('other');
    expect(await versionsOf(place, 'Patient/a')).toEqual([1]);
    // What was only about to be deleted can be referred to and changed as before.
    await refer(place, 'Task/t3', 'Patient/a');
    await store().write([place.change('Patient/a', 2)]);
    expect(await versionsOf(place, 'Task/t3', 'Patient/a')).toEqual([1, 2]);
  });

  promise('of those who refer to it five are named, and of other owners nobody', async () => {
    const [place, other] = [places(), places()];
    await place.create({ 'Patient/a': [], 'Patient/b': [] });
    for (let n = 0; n < 7; n += 1) await refer(place, `Task/t${n}`, 'Patient/a');
    const secret = place.change('Task/secret', 1, { owner: other.owner, entries: to(place, 'Patient/a', 'Patient/b') });
    await store().write([secret]);
    const messages = await Promise.all(
      ['Patient/a', 'Patient/b'].map((at) => remove(place, at).catch((error: unknown) => (error as Error).message)),
    );
    expect(messages[0]?.split('Task/')).toHaveLength(6);
    expect(messages[0]).toContain('and 3 others');
    expect(messages[1]).toContain('by 1 that you cannot see');
    expect(messages.join(' ')).not.toContain('secret');
  });

  promise('when nobody refers to it any more it is deleted', async () => {
    const place = places();
    await place.create({ 'Patient/a': [], 'Patient/b': [] });
    for (const n of [1, 2, 3]) await refer(place, `Task/t${n}`, 'Patient/a');
    await store().write(
      [place.change('Task/t1', 2, { entries: to(place, 'Patient/b') })],
      [],
      demand(place, ['Patient/b']),
    );
    await remove(place, 'Task/t2');
    await expect(remove(place, 'Patient/a')).rejects.toMatchObject({ reason: 'referred' });
    await store().write(
      [place.deletion('Task/t3', 2), place.deletion('Patient/a', 2)],
      [],
      demand(place, [], ['Task/t3', 'Patient/a']),
    );
    expect(await versionsOf(place, 'Patient/a', 'Task/t3')).toEqual([2, 2]);
    await expect(refer(place, 'Task/t4', 'Patient/a')).rejects.toMatchObject({ reason: 'missing' });
  });

  promise('what refers to each other or to itself can be deleted together', async () => {
    const place = places();
    const changes = [
      place.change('Patient/a', 1, { entries: to(place, 'Patient/a', 'Patient/b') }),
      place.change('Patient/b', 1, { entries: to(place, 'Patient/a') }),
      place.change('Patient/self', 1, { entries: to(place, 'Patient/self') }),
    ];
    await store().write(changes, [], demand(place, ['Patient/a', 'Patient/b', 'Patient/self']));
    await expect(remove(place, 'Patient/a')).rejects.toMatchObject({ reason: 'referred' });
    await store().write(
      [place.deletion('Patient/a', 2), place.deletion('Patient/b', 2)],
      [],
      demand(place, [], ['Patient/a', 'Patient/b']),
    );
    await remove(place, 'Patient/self');
    expect(await versionsOf(place, 'Patient/a', 'Patient/b', 'Patient/self')).toEqual([2, 2, 2]);
  });

  promise(
    'what a resource refers to comes back with its other search values, and when they are made anew',
    async () => {
      const place = places();
      await place.create({ 'Patient/a': [], 'Patient/b': [] });
      const task = place.change('Task/one', 1, { entries: [...to(place, 'Patient/a'), text('code', 'x')] });
      await store().write([task], [], demand(place, ['Patient/a']));
      const entries = async () => (await store().read([place.key('Task/one')], place.reach))[0]?.entries;
      expect(await entries()).toEqual(expect.arrayContaining(task.entries));
      await store().keeping.reindex([{ ...task, entries: to(place, 'Patient/b') }]);
      expect(await entries()).toEqual(to(place, 'Patient/b'));
      await remove(place, 'Patient/a');
      await expect(remove(place, 'Patient/b')).rejects.toMatchObject({ reason: 'referred' });
      await store().keeping.reindex([{ ...task, entries: [] }]);
      expect(await entries()).toEqual([]);
      await remove(place, 'Patient/b');
    },
  );

  promise(
    'of those who refer to it and those who delete it at the same time one side fails',
    async () => {
      const own = await open(clock);
      const place = createPlaces(() => own.store)();
      const outcomeOf = (write: Promise<void>): Promise<string> =>
        write.then(
          () => 'written',
          (error: unknown) => (error instanceof StoreError ? error.reason : String(error)),
        );
      const refer = async (target: string, ...from: string[]) => {
        const entries = [text(REFERS, place.reference(target))];
        const changes = from.map((at) => place.change(at, 1, { entries }));
        return outcomeOf(own.store.write(changes, [], demand(place, [target])));
      };
      const remove = (target: string) =>
        outcomeOf(own.store.write([place.deletion(target, 2)], [], demand(place, [], [target])));
      const removals: string[] = [];
      const until = performance.now() + 4000;
      /** One target after the other: two delete it, and two refer to it, one of them in a transaction. */
      const lane = async (who: number) => {
        for (let round = 0; round < 25 && performance.now() < until; round += 1) {
          const name = `${who}n${round}`;
          const target = `Patient/${name}`;
          await place.create({ [target]: [] });
          const [alone, several, ...removed] = await Promise.all([
            sooner().then(() => refer(target, `Task/${name}`)),
            sooner().then(() => refer(target, `Basic/${name}`, `Media/${name}`)),
            sooner().then(() => remove(target)),
            sooner().then(() => remove(target)),
          ]);
          removals.push(...removed);
          const gone = removed.includes('written');
          for (const one of [alone, several]) expect(gone ? ['missing'] : ['written', 'missing']).toContain(one);
          for (const one of removed) expect(['written', 'referred', 'conflict']).toContain(one);
          if (!gone) expect([alone, several]).toContain('written');
        }
      };
      try {
        await own.delayCommits?.(400);
        await Promise.all(Array.from({ length: 8 }, (_, who) => lane(who)));
        const find = (...types: string[]) => own.store.search(types, everything, [], { size: 1000 }, place.reach);
        const there = new Set((await find('Patient')).items.map(({ id }) => `Patient/${id}`));
        const referrers = (await find('Task', 'Basic', 'Media')).items;
        expect(
          referrers.flatMap((one) => one.entries.map(({ value }) => value).filter((at) => !there.has(at))),
        ).toEqual([]);
        expect(removals).toEqual(expect.arrayContaining(['written', 'referred']));
      } finally {
        await own.close();
      }
    },
    30_000,
  );
}

/** At once, in a moment, or in a while. */
const sooner = () => new Promise((resolve) => setTimeout(resolve, 300 * Math.random() ** 4));
