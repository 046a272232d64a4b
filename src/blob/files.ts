/**
 * Blobs as files: `ab/cd/<hash>` below one folder. Bytes go to a temporary file while they are hashed; it gets its
 * name only when it is whole and on the disk, so that a name never stands for half a blob. The same bytes put again
 * take the name again: a blob's age is that of its last put. Removal is in `removal.ts`.
 */
import { createHash, randomUUID, type Hash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { failure } from '../fhir/outcome.js';
import type { Clock } from '../kit/clock.js';
import { TooManyBytes, type BlobRef, type Blobs } from './port.js';
import { codeOf, createRemoval, isHash, pathOf } from './removal.js';

/** A temporary file that is older was left by a process that fell; a younger one may still be written by another. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
const OPEN_ATTEMPTS = 10;

export async function createFileBlobs({ folder, clock }: { folder: string; clock: Clock }): Promise<Blobs> {
  const incoming = join(folder, 'incoming');
  await mkdir(incoming, { recursive: true });
  await removeAbandoned(incoming, clock);
  const removal = await createRemoval(folder, clock);

  async function put(bytes: Readable, atMost: number): Promise<BlobRef> {
    const path = join(incoming, randomUUID());
    try {
      const ref = await receive(bytes, path, atMost, clock);
      // Held first, named then: a collector that finds no hold has set aside what was there before.
      await removal.hold(ref);
      await settle(path, pathOf(folder, ref.hash));
      return ref;
    } catch (error) {
      bytes.destroy();
      await rm(path, { force: true });
      throw codeOf(error) === 'ENOSPC' ? failure('full', 'There is no room for these bytes.') : error;
    }
  }

  async function get(ref: BlobRef, range?: { start: number; end: number }): Promise<Readable | undefined> {
    if (!isHash(ref.hash)) return undefined;
    const name = pathOf(folder, ref.hash);
    const file = (await openIfThere(name)) ?? (await openAside(name, ref.hash));
    return file?.createReadStream({ ...(range ?? {}), highWaterMark: 256 * 1024 });
  }

  /** A collector may have set it aside for a moment, to look whether it is used, and may be bringing it back. */
  async function openAside(name: string, hash: string): Promise<FileHandle | undefined> {
    for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt += 1) {
      for (const path of [...(await removal.asideOf(hash)), name]) {
        const file = await openIfThere(path);
        if (file !== undefined) return file;
      }
    }
    return undefined;
  }

  return {
    put,
    get,
    settled: removal.settled,
    list: removal.list,
    remove: removal.remove,
    close: () => Promise.resolve(),
  };
}

async function receive(bytes: Readable, path: string, atMost: number, clock: Clock): Promise<BlobRef> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    const size = await writeAll(bytes, file, hash, atMost);
    const seconds = clock.now() / 1000;
    await file.utimes(seconds, seconds);
    await file.sync();
    return { hash: hash.digest('hex'), size };
  } finally {
    await file.close();
  }
}

async function writeAll(bytes: Readable, file: FileHandle, hash: Hash, atMost: number): Promise<number> {
  let size = 0;
  for await (const chunk of bytes) {
    const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array | string);
    size += piece.length;
    if (size > atMost) throw new TooManyBytes(atMost);
    hash.update(piece);
    for (let written = 0; written < piece.length;)
      written += (await file.write(piece, written, piece.length - written)).bytesWritten;
  }
  return size;
}

/** Gives the finished file its name. The folders are synced too: without them a name is lost with the power. */
async function settle(path: string, name: string): Promise<void> {
  const folder = dirname(name);
  await mkdir(folder, { recursive: true });
  await rename(path, name);
  for (const one of [folder, dirname(folder), dirname(dirname(folder))]) await syncFolder(one);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function removeAbandoned(incoming: string, clock: Clock): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs < clock.now() - ABANDONED_MS) await rm(path, { force: true });
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
