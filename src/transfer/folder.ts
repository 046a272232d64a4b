/** The folder of a backup: checked as a whole against its manifest, then read like a store. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { BlobRef } from '../blob/port.js';
import { limits } from '../kit/limits.js';
import type { AuditHead, VaultRecord, Version } from '../store/port.js';
import { blobPath, hashed } from './backup.js';
import { damaged, readPart, type Part } from './lines.js';
import { readManifest, type Manifest } from './manifest.js';
import type { Progress } from './progress.js';
import type { Source } from './source.js';
import { versionOf } from './tally.js';
import { linkIn } from './trail.js';

/** Reads all of it once; rejects when anything is missing or not what was written. */
export async function checkedFolder(
  folder: string,
  progress: Progress,
): Promise<{ source: Source; manifest: Manifest }> {
  const { manifest, seal } = await readManifest(folder);
  let [versions, blobs] = [0, 0];
  for (const part of partsOf(manifest, 'blobs')) {
    for await (const ref of readPart(folder, part, refOf)) {
      await checkBlob(folder, ref);
      blobs += 1;
      progress(`checking: ${blobs} of ${manifest.blobs} blobs`);
    }
  }
  for (const part of partsOf(manifest, 'versions')) {
    for await (const { blob } of readPart(folder, part, versionOf)) {
      if (blob !== undefined && (await sizeOf(blobPath(folder, blob.hash))) !== blob.size)
        throw damaged(`blob ${blob.hash}`);
      versions += 1;
      progress(`checking: ${versions} of ${manifest.versions} versions`);
    }
  }
  let records = 0;
  for (const part of partsOf(manifest, 'vault'))
    for await (const _record of readPart(folder, part, recordOf)) records += 1;
  let audit = 0;
  for (const part of partsOf(manifest, 'heads')) for await (const _head of readPart(folder, part, headIn)) continue;
  for (const part of partsOf(manifest, 'audit'))
    for await (const { keys } of readPart(folder, part, linkIn)) audit += keys.length;
  if (audit !== (manifest.audit ?? 0)) throw damaged('manifest.json');
  if (records !== manifest.vault || versions !== manifest.versions || blobs !== manifest.blobs)
    throw damaged('manifest.json');
  return { source: folderSource(folder, manifest, seal), manifest };
}

/** A cursor: the part, and how many of its lines are behind. */
interface Place {
  part: number;
  lines: number;
}

function folderSource(folder: string, manifest: Manifest, id: string): Source {
  return {
    id,
    async *pages(after) {
      const from: Place = after === undefined ? { part: 0, lines: 0 } : (JSON.parse(after) as Place);
      for (const [at, part] of partsOf(manifest, 'versions').entries()) {
        if (at < from.part) continue;
        yield* pagesOf(folder, part, at, at === from.part ? from.lines : 0);
      }
    },
    blob: (ref) => Promise.resolve(createReadStream(blobPath(folder, ref.hash), { highWaterMark: 256 * 1024 })),
    async *vault() {
      for (const part of partsOf(manifest, 'vault')) yield* readPart(folder, part, recordOf);
    },
    trail: {
      async heads() {
        const heads: AuditHead[] = [];
        for (const part of partsOf(manifest, 'heads'))
          for await (const head of readPart(folder, part, headIn)) heads.push(head);
        return heads;
      },
      async *links() {
        for (const part of partsOf(manifest, 'audit')) yield* readPart(folder, part, linkIn);
      },
    },
  };
}

async function* pagesOf(folder: string, part: Part, at: number, skipped: number) {
  let versions: Version[] = [];
  let [lines, bytes] = [0, 0];
  const page = () => ({ versions, cursor: JSON.stringify({ part: at, lines } satisfies Place) });
  for await (const version of readPart(folder, part, versionOf)) {
    lines += 1;
    if (lines <= skipped) continue;
    versions.push(version);
    bytes += version.text?.length ?? 0;
    if (versions.length < limits.keepingVersions && bytes < limits.keepingBytes) continue;
    yield page();
    [versions, bytes] = [[], 0];
  }
  if (versions.length > 0) yield page();
}

const refOf = (line: string): BlobRef => JSON.parse(line) as BlobRef;

const headIn = (line: string): AuditHead => JSON.parse(line) as AuditHead;

const recordOf = (line: string): VaultRecord => JSON.parse(line) as VaultRecord;

const partsOf = ({ parts }: Manifest, kind: Part['kind']): Part[] => parts.filter((part) => part.kind === kind);

async function checkBlob(folder: string, { hash, size }: BlobRef): Promise<void> {
  const path = blobPath(folder, hash);
  if ((await sizeOf(path)) !== size || (await hashed(createReadStream(path))) !== hash) throw damaged(`blob ${hash}`);
}

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
