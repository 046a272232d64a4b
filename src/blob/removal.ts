/**
 * How files that nobody refers to go, while others put the same bytes, in this process or another.
 *
 * A put leaves a mark in `held/` before its file gets its name, and takes it back when what refers to it is written. A
 * removal first moves the file to `aside/`, then looks for marks, then asks whether the blob is used. Whoever named the
 * file before it was moved is seen by his mark or by what he wrote; whoever named it after has put a file of his own.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, opendir, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kit/clock.js';
import type { BlobRef, Blobs, ListedBlob, RemovalTerms } from './port.js';

export interface Removal extends Pick<Blobs, 'list' | 'remove' | 'settled'> {
  /** Marks the blob as held by this reference. */
  hold(ref: BlobRef): Promise<void>;
  /** Where the blob may be while somebody looks whether it is used. */
  asideOf(hash: string): Promise<string[]>;
}

export async function createRemoval(folder: string, clock: Clock): Promise<Removal> {
  const held = join(folder, 'held');
  const aside = join(folder, 'aside');
  const marks = new WeakMap<BlobRef, string>();
  for (const one of [held, aside]) await mkdir(one, { recursive: true });

  async function hold(ref: BlobRef): Promise<void> {
    const mark = join(held, `${ref.hash}.${randomUUID()}`);
    const file = await open(mark, 'wx');
    try {
      const seconds = clock.now() / 1000;
      await file.utimes(seconds, seconds);
    } finally {
      await file.close();
    }
    marks.set(ref, mark);
  }

  async function settled(ref: BlobRef): Promise<void> {
    const mark = marks.get(ref);
    if (mark !== undefined) await rm(mark, { force: true });
    marks.delete(ref);
  }

  const namesOf = async (place: string, hash: string): Promise<string[]> =>
    (await readdir(place)).filter((name) => name.startsWith(`${hash}.`)).map((name) => join(place, name));

  async function isHeld(hash: string, heldBefore: number): Promise<boolean> {
    for (const mark of await namesOf(held, hash)) {
      const since = await modified(mark);
      if (since !== undefined && since >= heldBefore) return true;
      await rm(mark, { force: true });
    }
    return false;
  }

  async function remove(hash: string, { before, heldBefore, isUsed }: RemovalTerms): Promise<boolean> {
    if (!isHash(hash)) return false;
    const name = pathOf(folder, hash);
    const since = await modified(name);
    if (since === undefined || since >= before) return false;
    const place = join(aside, `${hash}.${randomUUID()}`);
    if (!(await moved(name, place))) return false;
    let stays = true;
    try {
      // In this order: a hold ends only after that is written which `isUsed` then sees.
      stays = (await isHeld(hash, heldBefore)) || (await isUsed());
    } finally {
      if (stays) await moved(place, name);
    }
    return !stays && (await gone(place));
  }

  /** Brings back what a process set aside before it fell. To bring back is always safe: the next removal asks anew. */
  async function restore(): Promise<void> {
    for (const name of await readdir(aside)) {
      const hash = name.slice(0, 64);
      if (isHash(hash)) await moved(join(aside, name), pathOf(folder, hash));
    }
  }

  async function* list(): AsyncGenerator<ListedBlob> {
    await restore();
    for (const first of (await readdir(folder)).filter(isByte)) {
      for (const second of (await readdir(join(folder, first))).filter(isByte)) {
        for await (const { name } of await opendir(join(folder, first, second))) {
          const found = isHash(name) ? await statIfThere(join(folder, first, second, name)) : undefined;
          if (found !== undefined) yield { hash: name, size: found.size, since: Math.round(found.mtimeMs) };
        }
      }
    }
  }

  await restore();
  return { hold, settled, remove, list, asideOf: (hash) => namesOf(aside, hash) };
}

export const pathOf = (folder: string, hash: string): string => join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);

/** A hash becomes a path, so that nothing but a hash may be one. */
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

const isByte = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);

export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** What `work` resolves to; undefined when the file is not there, because somebody else was faster. */
async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const statIfThere = (path: string) => ifThere(stat(path));

/** In whole milliseconds, as the clock that set it gave it. */
async function modified(path: string): Promise<number | undefined> {
  const found = await statIfThere(path);
  return found && Math.round(found.mtimeMs);
}

const moved = async (from: string, to: string) => (await ifThere(rename(from, to).then(() => true))) ?? false;
const gone = async (path: string) => (await ifThere(unlink(path).then(() => true))) ?? false;
