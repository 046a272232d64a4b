/** Backup, restore and move: nothing is lost, changed or added, whatever interrupts them and whoever writes meanwhile. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/kit/clock.js';
import { backup } from '../../src/transfer/backup.js';
import { fill, refuseHalf, type Task } from '../../src/transfer/fill.js';
import { checkedFolder } from '../../src/transfer/folder.js';
import { storeSource, type Data } from '../../src/transfer/source.js';
import {
  blob,
  contents,
  indexing,
  kinds,
  openWorld,
  populate,
  version,
  write,
  type Kind,
  type World,
} from './world.js';

const quiet = () => undefined;
let folder: string;
let open: World[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afferent-transfer-'));
  open = [];
});
afterEach(async () => {
  for (const world of open) await world.close();
  await rm(folder, { recursive: true });
});

async function world(kind: Kind): Promise<World> {
  const opened = await openWorld(kind);
  open.push(opened);
  return opened;
}

const save = async (data: Data) => backup(await storeSource(data), join(folder, 'b'), systemClock, quiet);
const restore = async (target: Data) =>
  fill('restore', (await checkedFolder(join(folder, 'b'), quiet)).source, target, indexing, quiet);
const move = async (source: Data, target: Data) => fill('move', await storeSource(source), target, indexing, quiet);

describe.each(kinds)('from %s', (kind) => {
  test('a backup restores into either kind of store as it was', async () => {
    const source = await world(kind);
    await populate(source);
    const was = await contents(source);
    const manifest = await save(source);
    expect(manifest).toMatchObject({ versions: was.versions.length, blobs: 3, vault: 2 });
    for (const other of kinds) {
      const target = await world(other);
      await restore(target);
      expect(await contents(target)).toEqual(was);
      await refuseHalf(target.store);
      expect(await target.store.keeping.note('index')).toBe(indexing.fingerprint);
    }
  });

  test('a backup under eight writers is whole: all that was acknowledged, no version without its bytes', async () => {
    const source = await world(kind);
    const acknowledged: string[] = [];
    let stop = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      // So many at most, or the backup never catches up on a slow machine.
      for (let n = 1; !stop && n <= 100; n += 1) {
        const ref = await blob(source, `${writer} ${n}`);
        await write(source, version('Binary', `w${writer}`, n, { blob: ref }), version('Basic', `w${writer}`, n));
        await source.blobs.settled(ref);
        acknowledged.push(`Binary/w${writer}/${n}`, `Basic/w${writer}/${n}`);
      }
    });
    try {
      while (acknowledged.length < 200) await new Promise((resolve) => setTimeout(resolve, 5));
      const before = [...acknowledged];
      await save(source);
      const target = await world('sqlite');
      await restore(target);
      const { order } = await contents(target);
      const inside = new Set(Object.entries(order).flatMap(([key, numbers]) => numbers.map((n) => `${key}/${n}`)));
      expect(before.filter((one) => !inside.has(one))).toEqual([]);
      for (let writer = 0; writer < 8; writer += 1)
        expect(order[`Binary/w${writer}`]).toEqual(order[`Basic/w${writer}`]);
    } finally {
      stop = true;
      await Promise.all(writers);
    }
  }, 60_000);

  test('interrupted before or after any page, it goes on and ends the same; no server starts meanwhile', async () => {
    const source = await world(kind);
    await populate(source);
    await save(source);
    const was = await contents(source);
    for (const task of ['restore', 'move'] satisfies Task[]) {
      const target = await world(kinds.find((one) => one !== kind) ?? kind);
      const again = () => (task === 'restore' ? restore : (to: Data) => move(source, to));
      for (const when of ['before', 'after'] as const) {
        await expect(again()(breaking(target, when))).rejects.toThrow('The power went.');
        await expect(refuseHalf(target.store)).rejects.toThrow(`A ${task} into this store was interrupted`);
      }
      const done = await again()(target);
      expect(done.versions).toBe(was.versions.length);
      expect(await contents(target)).toEqual(was);
      await refuseHalf(target.store);
    }
  });

  test('a store that holds anything is not restored into, nor moved into', async () => {
    const source = await world(kind);
    await write(source, version('Patient', 'a', 1));
    await save(source);
    const target = await world(kind);
    await write(target, version('Patient', 'b', 1));
    const was = await contents(target);
    await expect(restore(target)).rejects.toThrow(/not empty.*never overwrites/);
    await expect(move(source, target)).rejects.toThrow(/not empty.*never overwrites/);
    expect(await contents(target)).toEqual(was);
    await refuseHalf(target.store);
  });
});

test('moved to the other store and back, everything is as it was', async () => {
  const worlds: World[] = [];
  for (const kind of ['sqlite', ...kinds.slice(1), 'sqlite'] as const) worlds.push(await world(kind));
  const [first, ...others] = worlds;
  if (first === undefined) throw new Error('There is one at least.');
  await populate(first);
  const was = await contents(first);
  let from = first;
  for (const to of others) {
    await move(from, to);
    expect(await contents(to)).toEqual(was);
    from = to;
  }
});

test.each(kinds)('a second move from %s brings only what is new, unless a server has started there', async (kind) => {
  const [source, target] = [await world(kind), await world(kinds.find((one) => one !== kind) ?? kind)];
  await populate(source);
  await move(source, target);
  await write(source, version('Patient', 'p0', 5), version('Patient', 'late', 1));
  await write(source, version('Binary', 'late', 1, { blob: await blob(source, 'late') }));
  await source.store.vault.take('code');
  await move(source, target);
  expect(await contents(target)).toEqual(await contents(source));
  await refuseHalf(target.store);
  await expect(move(source, target)).rejects.toThrow(/not empty/);
});

describe('a damaged backup', () => {
  /** Every file of the backup, by its path in it. */
  const files = async () =>
    (await readdir(join(folder, 'b'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  test('is refused whichever file is flipped, cut or gone, and nothing is written', async () => {
    const source = await world('sqlite');
    await populate(source);
    await save(source);
    const target = await world('sqlite');
    const all = await files();
    expect(all.length).toBe(9);
    for (const file of all) {
      const bytes = await readFile(file);
      const flipped = Buffer.from(bytes);
      const middle = bytes.length >> 1;
      flipped[middle] = (flipped[middle] ?? 0) ^ 1;
      const damages = [
        ...(bytes.length === 0 ? [] : [() => writeFile(file, flipped), () => truncate(file, bytes.length - 1)]),
        () => writeFile(file, Buffer.concat([bytes, Buffer.from('x')])),
        () => rm(file),
      ];
      for (const damage of damages) {
        await damage();
        await expect(restore(target)).rejects.toThrow(/The backup is damaged|is no backup/);
        await writeFile(file, bytes);
      }
    }
    expect((await contents(target)).versions).toEqual([]);
    await refuseHalf(target.store);
    await restore(target);
    expect(await contents(target)).toEqual(await contents(source));
  });

  test('a blob that the store has lost or damaged fails the backup, which leaves nothing', async () => {
    const source = await world('sqlite');
    await write(source, version('Binary', 'lost', 1, { blob: { hash: 'ab'.repeat(32), size: 3 } }));
    await expect(save(source)).rejects.toThrow(/blob abab.* is missing in the store/);
    expect(await readdir(join(folder, 'b'))).toEqual([]);
  });

  test('a folder that holds something is not backed up into', async () => {
    const source = await world('sqlite');
    await save(source);
    await expect(save(source)).rejects.toThrow(/not empty/);
    await restore(await world('sqlite'));
  });
});

/** Breaks in the second page: before the store has it, or when it has it and nobody knows. */
function breaking(data: Data, when: 'before' | 'after'): Data {
  let pages = 0;
  const { keeping } = data.store;
  const load: typeof keeping.load = async (...given) => {
    pages += 1;
    if (pages === 1 || when === 'after') await keeping.load(...given);
    if (pages === 2 || when === 'after') throw new Error('The power went.');
  };
  return { ...data, store: { ...data.store, keeping: { ...keeping, load } } };
}
