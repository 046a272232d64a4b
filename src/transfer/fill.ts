/**
 * Fills an empty store from a source, for restore and move alike. After each page the store notes, in the same write,
 * how far it is and the tally of what it got, so that an interrupted run goes on exactly there. A store whose note
 * `filling` stands is half a store, and no server starts on it. At the end everything is read back and compared.
 */
import type { BlobRef } from '../blob/port.js';
import { limits } from '../kit/limits.js';
import { withEntries, type Indexing } from '../repository/reindex.js';
import type { Change, Cursor, Store, Version } from '../store/port.js';
import { hashed } from './backup.js';
import type { Progress } from './progress.js';
import { Refused } from './refused.js';
import { recordsOf, storeSource, type Data, type Source } from './source.js';
import { add, emptyTally, same, type Tally } from './tally.js';
import { copyTrail, hasTrail } from './trail.js';

export type Task = 'restore' | 'move';

/** What a store notes while it is filled, and, after a move, for the next one from the same source. */
interface Note {
  task: Task;
  source: string;
  at?: Cursor;
  tally: Tally;
}

export interface Filled extends Tally {
  blobs: number;
  vault: number;
  /** Records of the audit trail. */
  audit: number;
}

export async function fill(
  task: Task,
  source: Source,
  target: Data,
  indexing: Indexing,
  progress: Progress,
): Promise<Filled> {
  const { keeping } = target.store;
  let note = await begin(task, source, target.store, indexing);
  for await (const { versions, cursor } of source.pages(note.at)) {
    // Bytes first: no version is ever there without those that it stands for.
    const refs = await copyBlobs(source, target, versions);
    const before = note;
    const changes = versions.map((version) => changeOf(indexing, version));
    await keeping.load(changes, (fresh: Change[]) => {
      note = { ...before, at: cursor, tally: add(before.tally, fresh) };
      return JSON.stringify(note);
    });
    await Promise.all(refs.map((ref) => target.blobs.settled(ref)));
    progress(`${note.tally.versions} versions`);
  }
  const vault = await copyVault(source, target.store);
  const audit = await copyTrail(source.trail, target.store.audit, progress);
  const { tally, blobs } = await readBack(target, progress);
  if (!same(tally, note.tally))
    throw new Refused(
      `The store does not hold what was put into it: ${tally.versions} versions instead of ${note.tally.versions}, or others. Empty it and begin anew.`,
    );
  // Only a source that lives on can have more later; a backup never has.
  if (task === 'move') await keeping.setNote('moved', JSON.stringify(note));
  await keeping.setNote('filling', undefined);
  return { ...tally, blobs, vault, audit };
}

function changeOf(indexing: Indexing, version: Version): Change {
  const change = withEntries(indexing, version);
  if (change !== undefined) return change;
  const { type, id } = version;
  throw new Refused(
    `${type}/${id} has more search values than this release allows (limits searchValues and combinations).`,
  );
}

/** Half a store is none: called before a server starts on it. A server that starts also ends what a move could go on with. */
export async function refuseHalf({ keeping }: Store): Promise<void> {
  const text = await keeping.note('filling');
  if (text !== undefined) throw new Refused(unfinished(JSON.parse(text) as Note));
  if ((await keeping.note('moved')) !== undefined) await keeping.setNote('moved', undefined);
}

const unfinished = ({ task, tally }: Note): string =>
  `A ${task} into this store was interrupted after ${tally.versions} versions: give the same ${task} command again and it goes on there, or empty the store.`;

async function begin(task: Task, source: Source, store: Store, { fingerprint }: Indexing): Promise<Note> {
  const { keeping } = store;
  const [filling, moved, index] = [
    await keeping.note('filling'),
    await keeping.note('moved'),
    await keeping.note('index'),
  ];
  const text = filling ?? moved;
  if (text !== undefined) {
    const note = JSON.parse(text) as Note;
    if (note.task !== task || note.source !== source.id)
      throw new Refused(filling === undefined ? notEmpty(task) : unfinished(note));
    await keeping.setNote('filling', text);
    // Made by two rules: the server makes them anew when it starts.
    if (index !== fingerprint) await keeping.setNote('index', undefined);
    return note;
  }
  const [first] = await store.vault.list(undefined, 1);
  const { versions } = await store.changes(undefined, 1);
  if (first !== undefined || versions.length > 0 || (await hasTrail(store.audit))) throw new Refused(notEmpty(task));
  const note: Note = { task, source: source.id, tally: emptyTally };
  await keeping.setNote('filling', JSON.stringify(note));
  await keeping.setNote('index', fingerprint);
  return note;
}

const notEmpty = (task: Task): string =>
  `The store is not empty, and a ${task} never overwrites: name another DATA_DIR or MONGODB_DATABASE for it, before a server has started there.`;

/** Several at once: each waits for its disk. */
const AT_ONCE = 8;

async function copyBlobs(source: Source, target: Data, versions: Version[]): Promise<BlobRef[]> {
  const refs = [...new Map(versions.flatMap(({ blob }) => (blob === undefined ? [] : [[blob.hash, blob]]))).values()];
  const stored: BlobRef[] = [];
  for (let at = 0; at < refs.length; at += AT_ONCE)
    stored.push(...(await Promise.all(refs.slice(at, at + AT_ONCE).map((ref) => copyBlob(source, target, ref)))));
  return stored;
}

async function copyBlob(source: Source, { blobs }: Data, ref: BlobRef): Promise<BlobRef> {
  const bytes = await source.blob(ref);
  if (bytes === undefined)
    throw new Refused(`The blob ${ref.hash} is missing in the source, though a Binary refers to it.`);
  const stored = await blobs.put(bytes, Math.max(ref.size, limits.binaryBytes));
  if (stored.hash !== ref.hash || stored.size !== ref.size)
    throw new Refused(`The blob ${ref.hash} is damaged in the source: its bytes have another hash.`);
  return stored;
}

/** All records as they are, and none that the source has no more. */
async function copyVault(source: Source, store: Store): Promise<number> {
  const kept = new Set<string>();
  for await (const record of source.vault()) {
    kept.add(record.key);
    await store.vault.put(record.key, record.value, record.expires);
  }
  for await (const { key } of recordsOf(store)) if (!kept.has(key)) await store.vault.take(key);
  return kept.size;
}

/** The tally of what is there, every blob read and hashed. */
async function readBack(target: Data, progress: Progress): Promise<{ tally: Tally; blobs: number }> {
  let [tally, blobs] = [emptyTally, 0];
  const source = await storeSource(target);
  for await (const { versions } of source.pages(undefined)) {
    tally = add(tally, versions);
    for (const { blob } of versions) {
      if (blob === undefined) continue;
      const bytes = await target.blobs.get(blob);
      if (bytes === undefined || (await hashed(bytes)) !== blob.hash)
        throw new Refused(
          `The blob ${blob.hash} is not in the store as it was put there. Empty the store and begin anew.`,
        );
      blobs += 1;
    }
    progress(`read back: ${tally.versions} versions`);
  }
  return { tally, blobs };
}
