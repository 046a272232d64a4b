/**
 * backup: a snapshot of a server's data in a folder that no store is needed to read. Versions come first and the blobs
 * they refer to after them, which is safe: a blob is stored before its version and stays as long as a version needs it.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BlobRef } from '../blob/port.js';
import { instantText } from '../fhir/datetime.js';
import type { Clock } from '../kit/clock.js';
import { writePart, type Part } from './lines.js';
import { FORMAT, FORMAT_NAME, writeManifest, type Manifest } from './manifest.js';
import type { Progress } from './progress.js';
import { Refused } from './refused.js';
import type { Source } from './source.js';
import { lineOf } from './tally.js';
import { lineOfLink } from './trail.js';

/** Bytes of JSON in one part: a part is what a damage costs, and what a copy that breaks off begins anew. */
const PART_BYTES = 64 * 1024 * 1024;

export async function backup(source: Source, folder: string, clock: Clock, progress: Progress): Promise<Manifest> {
  if ((await made(folder)) > 0) throw new Refused(`${folder} is not empty: a backup takes a folder of its own.`);
  try {
    return await write(source, folder, clock, progress);
  } catch (error) {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    throw error;
  }
}

/** Makes the folder where there is none, and says how much stands in it. */
async function made(folder: string): Promise<number> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return (await readdir(folder)).length;
  } catch (error) {
    throw new Refused(`${folder} cannot be a folder for a backup: ${String(error)}`, { cause: error });
  }
}

async function write(source: Source, folder: string, clock: Clock, progress: Progress): Promise<Manifest> {
  const instant = instantText(clock.now());
  const taken = { versions: 0, blobs: 0, blobBytes: 0, vault: 0, audit: 0 };
  const refs: BlobRef[] = [];
  const parts: Part[] = [];

  async function* versions(): AsyncGenerator<string> {
    for await (const page of source.pages(undefined)) {
      for (const version of page.versions) {
        if (version.blob !== undefined) refs.push(version.blob);
        yield lineOf(version);
      }
      taken.versions += page.versions.length;
      progress(`${taken.versions} versions`);
    }
  }

  async function* heads(): AsyncGenerator<string> {
    for (const head of await source.trail.heads()) yield JSON.stringify(head);
  }

  async function* links(): AsyncGenerator<string> {
    for await (const link of source.trail.links()) {
      taken.audit += link.keys.length;
      yield lineOfLink(link);
    }
  }

  const all = versions();
  const left = { any: true };
  const some = () => upTo(PART_BYTES, all, () => (left.any = false));

  async function* blobs(): AsyncGenerator<string> {
    for (const ref of refs.splice(0)) {
      if (!(await copyBlob(source, folder, ref))) continue;
      taken.blobs += 1;
      taken.blobBytes += ref.size;
      progress(`${taken.versions} versions, ${taken.blobs} blobs`);
      yield JSON.stringify({ hash: ref.hash, size: ref.size });
    }
  }

  async function* vault(): AsyncGenerator<string> {
    for await (const record of source.vault()) {
      taken.vault += 1;
      yield JSON.stringify(record);
    }
  }

  for (let part = 1; left.any; part += 1) {
    const number = String(part).padStart(6, '0');
    parts.push(await writePart(folder, 'versions', `versions-${number}.ndjson.gz`, some()));
    // Part by part, so that only one part's references are held.
    parts.push(await writePart(folder, 'blobs', `blobs-${number}.ndjson.gz`, blobs()));
  }
  parts.push(await writePart(folder, 'vault', 'vault-000001.ndjson.gz', vault()));
  parts.push(await writePart(folder, 'heads', 'heads-000001.ndjson.gz', heads()));
  const trail = links();
  for (let [part, more] = [1, true]; more; part += 1) {
    const name = `audit-${String(part).padStart(6, '0')}.ndjson.gz`;
    parts.push(
      await writePart(
        folder,
        'audit',
        name,
        upTo(PART_BYTES, trail, () => (more = false)),
      ),
    );
    progress(`${taken.audit} records of the audit trail`);
  }
  const manifest: Manifest = { format: FORMAT_NAME, version: FORMAT, store: source.id, made: instant, ...taken, parts };
  await writeManifest(folder, manifest);
  return manifest;
}

/** The lines of one part; what is left stays for the next one. */
async function* upTo(most: number, lines: AsyncIterator<string>, ended: () => void): AsyncGenerator<string> {
  for (let bytes = 0; bytes < most;) {
    const next = await lines.next();
    if (next.done === true) {
      ended();
      return;
    }
    bytes += next.value.length;
    yield next.value;
  }
}

export const blobPath = (folder: string, hash: string): string => join(folder, 'blobs', hash.slice(0, 2), hash);

/** False when it is in the backup already. */
async function copyBlob(source: Source, folder: string, ref: BlobRef): Promise<boolean> {
  const path = blobPath(folder, ref.hash);
  if (await isThere(path)) return false;
  const bytes = await source.blob(ref);
  if (bytes === undefined)
    throw new Refused(`The blob ${ref.hash} is missing in the store, though a Binary refers to it. Nothing was kept.`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600);
  try {
    if ((await hashed(bytes, (chunk) => file.writeFile(chunk))) !== ref.hash)
      throw new Refused(`The blob ${ref.hash} is damaged in the store: its bytes have another hash. Nothing was kept.`);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

/** The hash of the bytes, each chunk of which goes somewhere on the way. */
export async function hashed(
  bytes: Readable,
  to: (chunk: Buffer) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    hash.update(chunk);
    await to(chunk);
  }
  return hash.digest('hex');
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
