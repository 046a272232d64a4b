/** Erasing: what is gone is gone everywhere, and nobody who pages or follows the feed is led astray. */
import { everything } from '../../../src/search/plan.js';
import { REFERS, type Change, type Doomed, type Version } from '../../../src/store/port.js';
import type { Bench } from '../store.js';
import { changeOf, range, text, type Place } from './place.js';

export function erasingContract({ promise, opened, places }: Bench): void {
  const store = () => opened().store;
  const doomed = (place: Place, at: string, version: number): Doomed => ({ ...place.key(at), version });
  const refers = (place: Place, at: string) => text(REFERS, place.reference(at));
  const isOf = (place: Place) => (version: Version) => version.owner === place.owner;

  async function mentioned(place: Place, mark: string, size = 500): Promise<string[]> {
    const found: Version[] = [];
    for (let after: Change['version'][] | undefined | (string | number | null)[]; ;) {
      const page = await store().erasing.mentions(
        mark,
        { size, ...(after === undefined ? {} : { after }) },
        place.reach,
      );
      found.push(...page.items);
      if (page.next === undefined) break;
      after = page.next;
    }
    return found.map((version) => `${place.short(version)}/${version.version}`).sort();
  }

  async function fed(from?: string): Promise<{ versions: Version[]; cursor: string }> {
    const versions: Version[] = [];
    let cursor = from;
    for (let quiet = 0; quiet < 3;) {
      const read = await store().changes(cursor, 500);
      versions.push(...read.versions);
      cursor = read.cursor;
      quiet = read.versions.length === 0 ? quiet + 1 : 0;
    }
    return { versions, cursor: cursor ?? '' };
  }

  promise('finds every version whose text has something in it, old ones too, of its reach only', async () => {
    const [place, other] = [places(), places()];
    const mark = `mark.${place.name}$[x]`;
    const told = (value: string) => ({ text: JSON.stringify({ resourceType: 'Basic', note: value }) });
    await store().write([place.change('Basic/a', 1, told(mark)), place.change('Basic/b', 1, told('nothing'))]);
    await store().write([place.change('Basic/a', 2, told('no more')), other.change('Basic/a', 1, told(mark))]);
    await store().write([place.deletion('Basic/a', 3), place.change('Basic/b', 2, told(`x${mark}y`))]);
    for (const size of [500, 3, 1]) expect(await mentioned(place, mark, size)).toEqual(['a/1', 'b/2']);
    expect(await mentioned(place, mark.replace('.', '-'))).toEqual([]);
  });

  promise('tells who refers to what is to go, and not of what goes with it', async () => {
    const place = places();
    await place.create({
      'Patient/a': [],
      'Basic/b': [refers(place, 'Patient/a')],
      'Basic/c': [refers(place, 'Patient/a'), refers(place, 'Basic/b'), text('code', 'x')],
    });
    await store().write([place.change('Basic/old', 1, { entries: [refers(place, 'Patient/a')] })]);
    await store().write([place.change('Basic/old', 2)]);
    const found = await store().erasing.referrers([place.key('Patient/a'), place.key('Basic/b')], 10);
    expect(found.map(({ type, id, to }) => `${type}/${id} ${to}`).sort()).toEqual(
      ['Basic/b', 'Patient/a'].map((to) => `${place.reference('Basic/c')} ${place.reference(to)}`).sort(),
    );
    expect(await store().erasing.referrers([place.key('Patient/a')], 1)).toHaveLength(1);
    expect(await store().erasing.referrers([place.key('Basic/c')], 10)).toEqual([]);
    expect(await store().erasing.referrers([place.key('Patient/a')], 10, 'Patient')).toEqual([]);
    expect(await store().erasing.referrers([place.key('Patient/a')], 10, 'Basic')).toHaveLength(2);
    expect(await store().erasing.referrers([place.key('Patient/a')], 10, undefined, place.owner)).toEqual([]);
    expect(await store().erasing.referrers([place.key('Patient/a')], 10, undefined, 'nobody')).toHaveLength(2);
  });

  promise('erases all versions and search values, and writes the record', async () => {
    const place = places();
    const blob = { hash: 'cd'.repeat(32), size: 3 };
    const entries = [text('name', 'ada'), range('born', 7), refers(place, 'Patient/kept')];
    await place.create({ 'Patient/kept': [text('name', 'ada')] });
    const { cursor } = await fed();
    await store().write([place.change('Patient/a', 1, { entries }), place.change('Binary/b', 1, { blob })]);
    await store().write([place.change('Patient/a', 2, { entries }), place.change('Patient/c', 1, { entries })]);
    await store().write([place.deletion('Patient/c', 2)]);
    const gone = [doomed(place, 'Patient/a', 2), doomed(place, 'Binary/b', 1), doomed(place, 'Patient/c', 2)];
    const record = place.change('AuditEvent/e', 1, { entries: [text('name', 'record')] });
    await store().erasing.erase(gone, record);
    expect((await store().read([...gone, place.key('AuditEvent/e')], place.reach)).map(changeOf)).toEqual([
      undefined,
      undefined,
      undefined,
      { ...record, entries: record.entries },
    ]);
    for (const { version, ...key } of gone) {
      for (let n = 1; n <= version; n += 1) expect(await store().version(key, n, place.reach)).toBeUndefined();
      expect((await store().history(key, { size: 10 }, place.reach)).items).toEqual([]);
    }
    expect(await place.found(['Patient', 'AuditEvent'], everything)).toEqual(['e', 'kept']);
    expect(await place.search(['Patient'], everything, [{ param: 'born', descending: true }])).toEqual(['kept']);
    expect(await store().erasing.referrers([place.key('Patient/kept')], 10)).toEqual([]);
    expect(await store().blobsInUse([blob.hash])).toEqual(new Set());
    // Also for a reader who stood before all of it.
    expect((await fed(cursor)).versions.filter(isOf(place)).map(place.short)).toEqual(['e']);
    const all = await store().history({}, { size: 100 }, place.reach);
    expect(all.items.map(place.short)).toEqual(['e', 'kept']);
  });

  promise('a resource at another version is a conflict, and then it stays', async () => {
    const place = places();
    await place.create({ 'Patient/a': [text('name', 'a')], 'Patient/b': [] });
    await store().write([place.change('Patient/b', 2)]);
    const wrong = [doomed(place, 'Patient/a', 1), doomed(place, 'Patient/b', 1)];
    for (const list of [wrong, [doomed(place, 'Patient/b', 3)], [doomed(place, 'Patient/never', 1)]])
      await expect(store().erasing.erase(list, place.change('AuditEvent/e', 1))).rejects.toMatchObject({
        reason: 'conflict',
      });
    expect(await place.found(['Patient', 'AuditEvent'], everything)).toEqual(['a', 'b']);
  });

  promise('what was erased can be written anew, from version 1 on', async () => {
    const place = places();
    await place.create({ 'Patient/a': [text('name', 'old')] });
    await store().write([place.change('Patient/a', 2, { entries: [text('name', 'old')] })]);
    await store().erasing.erase([doomed(place, 'Patient/a', 2)], place.change('AuditEvent/e', 1));
    const anew = place.change('Patient/a', 1, { entries: [text('name', 'new')] });
    await store().write([anew]);
    expect((await store().read([anew], place.reach))[0]?.text).toBe(anew.text);
    expect((await store().history(place.key('Patient/a'), { size: 9 }, place.reach)).items).toHaveLength(1);
  });

  promise('five hundred go together, and others write meanwhile', async () => {
    const place = places();
    const names = Array.from({ length: 500 }, (_, n) => `Observation/o${n}`);
    await place.create(Object.fromEntries(names.map((name, n) => [name, [text('code', 'x'), range('date', n)]])));
    const gone = names.map((name) => doomed(place, name, 1));
    const others = Array.from({ length: 20 }, (_, n) => store().write([place.change(`Patient/p${n}`, 1)]));
    await Promise.all([store().erasing.erase(gone, place.change('AuditEvent/e', 1)), ...others]);
    expect(await place.found(['Observation'], everything)).toEqual([]);
    expect(await store().count(['Patient'], everything, place.reach, 100)).toBe(20);
    await store().erasing.compact();
  });

  promise('a reader of the feed misses nothing of what is written after an erasure', async () => {
    const place = places();
    await place.create({ 'Patient/a': [] });
    const { cursor } = await fed();
    await store().erasing.erase([doomed(place, 'Patient/a', 1)], place.change('AuditEvent/e', 1));
    await place.create({ 'Patient/b': [], 'Patient/c': [] });
    expect((await fed(cursor)).versions.filter(isOf(place)).map(place.short)).toEqual(['e', 'b', 'c']);
  });

  promise('histories since a time, and pages begun before, go on over the gaps', async () => {
    const place = places();
    const names = Array.from({ length: 12 }, (_, n) => `Basic/n${String(n).padStart(2, '0')}`);
    for (const name of names) await store().write([place.change(name, 1)]);
    const times = (await store().history({}, { size: 50 }, place.reach)).items.map(({ updated }) => updated).reverse();
    const first = await store().history({}, { size: 2 }, place.reach);
    const page = await store().search(['Basic'], everything, [], { size: 3 }, place.reach);
    const gone = names.filter((_, n) => n % 3 !== 0).map((name) => doomed(place, name, 1));
    await store().erasing.erase(gone, place.change('AuditEvent/e', 1));
    const left = ['n00', 'n03', 'n06', 'n09'];
    for (const [at, since] of times.entries()) {
      const { items } = await store().history({ type: 'Basic', since }, { size: 50 }, place.reach);
      expect(items.map(place.short).reverse()).toEqual(left.filter((name) => Number(name.slice(1)) >= at));
    }
    const after = first.next ?? [];
    const rest = await store().history({ type: 'Basic' }, { size: 50, after }, place.reach);
    expect(rest.items.map(place.short).reverse()).toEqual(left);
    const more = await store().search(['Basic'], everything, [], { size: 50, after: page.next ?? [] }, place.reach);
    expect(more.items.map(place.short)).toEqual(left.slice(1));
  });
}
