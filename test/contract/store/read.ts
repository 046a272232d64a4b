/** Reading current versions and old ones, as far as the reach goes. */
import { createHash } from 'node:crypto';
import type { Bench } from '../store.js';
import { changeOf, text, versionOf } from './place.js';

export function readContract({ promise, opened, places }: Bench): void {
  const store = () => opened().store;

  promise('reads many keys in their order, with gaps for what is not there', async () => {
    const place = places();
    const [b, a] = [place.change('Patient/b', 1), place.change('Patient/a', 1)];
    const gone = place.deletion('Patient/gone', 2);
    await store().write([a, b, place.change('Patient/gone', 1)]);
    await store().write([gone]);
    const keys = ['Patient/b', 'Patient/none', 'Device/a', 'Patient/a', 'Patient/b', 'Patient/gone'].map(place.key);
    expect((await store().read(keys, place.reach)).map(changeOf)).toEqual([b, undefined, undefined, a, b, gone]);
    expect(await store().read([], place.reach)).toEqual([]);
  });

  promise('who does not look at search values gets the same versions without them', async () => {
    const place = places();
    const [a, gone] = [place.change('Patient/a', 1, { entries: [text('name', 'x')] }), place.deletion('Patient/b', 2)];
    await store().write([a, place.change('Patient/b', 1)]);
    await store().write([gone]);
    const keys = ['Patient/a', 'Patient/b', 'Patient/none'].map(place.key);
    // Both in one turn: a store may join the questions of one, and must not mix what they ask for.
    const [bare, whole] = await Promise.all([store().read(keys, place.reach, true), store().read(keys, place.reach)]);
    expect(bare.map((one) => one && versionOf(one))).toEqual([versionOf(a), versionOf(gone), undefined]);
    expect(whole[0]?.entries).toEqual(a.entries);
    const page = await store().search(['Patient'], { node: 'all', of: [] }, [], { size: 5, bare: true }, place.reach);
    expect(page.items.map(versionOf)).toEqual([versionOf(a)]);
  });

  promise('tells whose each resource is, whoever asks, also of one that was deleted', async () => {
    const [place, other] = [places(), places()];
    await store().write([place.change('Patient/a', 1), other.change('Patient/b', 1)]);
    await store().write([other.deletion('Patient/b', 2)]);
    const keys = [other.key('Patient/b'), place.key('Patient/none'), place.key('Patient/a')];
    expect(await store().ownersOf(keys)).toEqual([other.reach.owners[0], undefined, place.reach.owners[0]]);
    expect(await store().ownersOf([])).toEqual([]);
  });

  promise('tells what has a value of a parameter, of whatever owner, each once, and only what is current', async () => {
    const [place, other] = [places(), places()];
    const [ada, bob] = [place.reference('Practitioner/ada'), place.reference('PractitionerRole/bob')];
    const having = async (type: string, values: string[], atMost = 10) =>
      (await store().having({ type, param: 'participant' }, values, atMost))
        .map((key) => `${key.type}/${key.id}`)
        .sort();
    expect(await having('CareTeam', [ada, bob])).toEqual([]);
    const both = [text('participant', ada), text('participant', bob)];
    await place.create({ 'CareTeam/a': both, 'CareTeam/b': [text('subject', ada)], 'Encounter/a': both });
    await other.create({ 'CareTeam/c': [text('participant', bob), text('participant', 'x')], 'CareTeam/d': both });
    const [a, c, d] = [place.reference('CareTeam/a'), other.reference('CareTeam/c'), other.reference('CareTeam/d')];
    expect(await having('CareTeam', [ada, bob])).toEqual([a, c, d].sort());
    expect(await having('CareTeam', [ada])).toEqual([a, d].sort());
    expect(await having('CareTeam', [ada, bob], 2)).toHaveLength(2);
    expect([await having('CareTeam', []), await having('Group', [ada])]).toEqual([[], []]);
    await store().write([place.change('CareTeam/a', 2), other.deletion('CareTeam/d', 2)]);
    await store().write([place.change('CareTeam/b', 2, { entries: both })]);
    expect(await having('CareTeam', [ada, bob])).toEqual([place.reference('CareTeam/b'), c].sort());
  });

  promise('knows which blobs any version refers to, of whatever owner, also an old or a deleted one', async () => {
    const place = places();
    const hashOf = (name: string) =>
      createHash('sha256')
        .update(`${place.key('x/y').id}${name}`)
        .digest('hex');
    const blob = (name: string) => ({ blob: { hash: hashOf(name), size: 1 } });
    await store().write([place.change('Binary/a', 1, blob('old'))]);
    await store().write([place.change('Binary/a', 2, { ...blob('new'), owner: 'somebody-else' })]);
    await store().write([place.deletion('Binary/a', 3)]);
    await store().write([place.change('Binary/b', 1, blob('new')), place.change('Binary/c', 1)]);
    const asked = ['old', 'new', 'none'].map(hashOf);
    expect(await store().blobsInUse(asked)).toEqual(new Set(asked.slice(0, 2)));
    expect(await store().blobsInUse([])).toEqual(new Set());
    const many = Array.from({ length: 500 }, (_, n) => hashOf(String(n)));
    expect(await store().blobsInUse([...many, hashOf('old')])).toEqual(new Set([hashOf('old')]));
  });

  promise('reads a few thousand keys at once', async () => {
    const place = places();
    await store().write(Array.from({ length: 300 }, (_, n) => place.change(`Device/${n}`, 1)));
    const keys = Array.from({ length: 3000 }, (_, n) => place.key(`Device/${n}`));
    const found = await store().read(keys, place.reach);
    expect(found.map((one) => one?.id)).toEqual(keys.map((key, n) => (n < 300 ? key.id : undefined)));
  });

  promise('keeps every version as it was written', async () => {
    const place = places();
    const versions = [
      place.change('Patient/a', 1, { method: 'POST', text: '{"n":1}' }),
      place.change('Patient/a', 2, { method: 'PATCH', text: '{"n":2}', entries: [text('name', 'ada')] }),
      place.deletion('Patient/a', 3),
      place.change('Patient/a', 4, { text: '{"n":4}' }),
    ];
    for (const version of versions) await store().write([version]);
    for (const version of versions)
      expect(await store().version(place.key('Patient/a'), version.version, place.reach)).toEqual(versionOf(version));
    for (const none of [0, 5, -1, 1.5, 2 ** 60])
      expect(await store().version(place.key('Patient/a'), none, place.reach)).toBeUndefined();
    expect(await store().version(place.key('Patient/b'), 1, place.reach)).toBeUndefined();
    expect(await store().version(place.key('Device/a'), 1, place.reach)).toBeUndefined();
  });

  promise('what belongs to others does not exist', async () => {
    const [place, other] = [places(), places()];
    await store().write([place.change('Patient/a', 1)]);
    await store().write([place.change('Patient/a', 2, { owner: other.owner })]);
    await store().write([place.change('Patient/b', 1, { owner: other.owner })]);
    await store().write([place.change('Patient/b', 2)]);
    const keys = ['Patient/a', 'Patient/b'].map(place.key);
    const [a, b] = ['Patient/a', 'Patient/b'].map(place.key);
    const seen = async (owners: string[]) => (await store().read(keys, { owners })).map((found) => found?.version);
    expect(await seen([place.owner])).toEqual([undefined, 2]);
    expect(await seen([other.owner])).toEqual([2, undefined]);
    expect(await seen([other.owner, place.owner])).toEqual([2, 2]);
    expect(await seen([])).toEqual([undefined, undefined]);
    expect(await store().version(a!, 2, place.reach)).toBeUndefined();
    expect((await store().version(a!, 1, place.reach))?.version).toBe(1);
    expect(await store().version(b!, 1, place.reach)).toBeUndefined();
    expect((await store().version(b!, 1, other.reach))?.version).toBe(1);
  });

  promise('answers a ping while it is open', async () => {
    await expect(store().ping()).resolves.toBeUndefined();
  });
}
