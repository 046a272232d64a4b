/**
 * Blobs as files: `ab/cd/<hash>` below one folder. Bytes go to a temporary file while they are hashed; it gets its
 * name only when it is whole and on the disk, so that a name never stands for half a blob.
 */
import { createHash, randomUUID, type Hash } from 'node:crypto';
import { access, mkdir, open, readdir, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { failure } from '../fhir/outcome.js';
import type { Clock } from '../kit/clock.js';
import { TooManyBytes, type BlobRef, type Blobs } from './port.js';

/** A temporary file that is older was left by a process that fell; a younger one may still be written by another. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

export async function createFileBlobs({ folder, clock }: { folder: string; clock: Clock }): Promise<Blobs> {
  const incoming = join(folder, 'incoming');
  await mkdir(incoming, { recursive: true });
  await removeAbandoned(incoming, clock);

  async function put(bytes: Readable, atMost: number): Promise<BlobRef> {
    const path = join(incoming, randomUUID());
    try {
      const ref = await receive(bytes, path, atMost);
      await settle(path, pathOf(folder, ref.hash));
      return ref;
    } catch (error) {
      bytes.destroy();
      await rm(path, { force: true });
      throw codeOf(error) === 'ENOSPC' ? failure('full', 'There is no room for these bytes.') : error;
    }
  }

  async function get(ref: BlobRef, range?: { start: number; end: number }): Promise<Readable | undefined> {
    // A hash becomes a path, so that nothing but a hash may be one.
    if (!/^[0-9a-f]{64}$/.test(ref.hash)) return undefined;
    const file = await openIfThere(pathOf(folder, ref.hash));
    return file?.createReadStream({ ...(range ?? {}), highWaterMark: 256 * 1024 });
  }

  return { put, get, close: () => Promise.resolve() };
}

const pathOf = (folder: string, hash: string): string => join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);

async function receive(bytes: Readable, path: string, atMost: number): Promise<BlobRef> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    const size = await writeAll(bytes, file, hash, atMost);
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
  if (await isThere(name)) {
    await unlink(path);
    return;
  }
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

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
