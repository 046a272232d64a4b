/** Where the data of a whole server can be read from: a store that may be in use meanwhile, or the folder of a backup. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { BlobRef, Blobs } from '../blob/port.js';
import { limits } from '../kit/limits.js';
import type { Cursor, Store, VaultRecord, Version } from '../store/port.js';
import { trailOf, type TrailSource } from './trail.js';

export interface Source {
  /** Which data this is: the same each time, and different from all others'. */
  id: string;
  /** Everything up to one moment, in pages; each comes with the cursor behind it, from which it can go on. */
  pages(after: Cursor | undefined): AsyncGenerator<SourcePage>;
  blob(ref: BlobRef): Promise<Readable | undefined>;
  /** The records of the vault that have not expired. */
  vault(): AsyncGenerator<VaultRecord>;
  /** To be read after the versions: so nothing is there that it does not tell of. */
  trail: TrailSource;
}

export interface SourcePage {
  versions: Version[];
  cursor: Cursor;
}

/** Both halves of where a server keeps its data. */
export interface Data {
  store: Store;
  blobs: Blobs;
}

export async function storeSource({ store, blobs }: Data): Promise<Source> {
  return {
    id: await idOf(store),
    async *pages(after) {
      for (let cursor = after; ;) {
        const page = await store.keeping.snapshot(cursor, limits.keepingVersions);
        cursor = page.cursor;
        yield { versions: page.versions, cursor };
        if (page.done) return;
      }
    },
    blob: (ref) => blobs.get(ref),
    vault: () => recordsOf(store),
    trail: trailOf(store.audit),
  };
}

export async function* recordsOf({ vault }: Store): AsyncGenerator<VaultRecord> {
  for (let after: string | undefined; ;) {
    const records = await vault.list(after, limits.keepingVersions);
    yield* records;
    if (records.length < limits.keepingVersions) return;
    after = records.at(-1)?.key;
  }
}

async function idOf({ keeping }: Store): Promise<string> {
  const known = await keeping.note('id');
  if (known !== undefined) return known;
  const id = randomUUID();
  await keeping.setNote('id', id);
  return id;
}
