/** The manifest of a backup: what is in it and the hash of each part. It is written last, so that a folder without one is no backup. */
import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { damaged, type Part } from './lines.js';
import { Refused } from './refused.js';

export interface Manifest {
  format: string;
  /** Of the format; a later one is refused. */
  version: number;
  /** The store that was backed up, and when. */
  store: string;
  made: string;
  versions: number;
  blobs: number;
  blobBytes: number;
  vault: number;
  /** Records of the audit trail; format 1 had none. */
  audit?: number;
  parts: Part[];
}

export const FORMAT_NAME = 'afferent-backup';
export const FORMAT = 2;
const NAME = 'manifest.json';

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, NAME);
  const file = await open(`${path}.new`, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify({ ...manifest, sha256: sealOf(manifest) }, undefined, 2));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** The manifest and the hash that it carries of itself, which names this backup. */
export async function readManifest(folder: string): Promise<{ manifest: Manifest; seal: string }> {
  const text = await readFile(join(folder, NAME), 'utf8').catch((error: unknown) => {
    throw new Refused(`${folder} is no backup, or one that was not finished: it has no ${NAME}.`, { cause: error });
  });
  const { sha256, ...manifest } = parsed(text);
  if (manifest.format !== FORMAT_NAME || sha256 !== sealOf(manifest)) throw damaged(NAME);
  if (manifest.version > FORMAT)
    throw new Refused(
      `The backup has format ${manifest.version} and this release reads up to ${FORMAT}: use a later release.`,
    );
  return { manifest, seal: sha256 };
}

function parsed(text: string): Manifest & { sha256: string } {
  try {
    return JSON.parse(text) as Manifest & { sha256: string };
  } catch (error) {
    throw damaged(NAME, error);
  }
}

const sealOf = (manifest: Manifest): string => createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
