/** Small worlds for backup, restore and move: every odd thing that a version can be, and how to compare two stores. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { MongoClient } from 'mongodb';
import { createFileBlobs } from '../../src/blob/files.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { systemClock as clock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { createIndexing, withEntries } from '../../src/repository/reindex.js';
import { createRegistry } from '../../src/search/registry.js';
import type { Version } from '../../src/store/port.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { storeSource, recordsOf, type Data } from '../../src/transfer/source.js';
import { lineOf } from '../../src/transfer/tally.js';
import { freshDatabase, mongoUrl } from '../support/mongo.js';

export const indexing = createIndexing(createRegistry(loadDefinitions()), 'http://127.0.0.1:3000/fhir');

export interface World extends Data {
  close(): Promise<void>;
}

export type Kind = 'sqlite' | 'mongodb';

/** The kinds of store that there are here. */
export const kinds: Kind[] = mongoUrl() === undefined ? ['sqlite'] : ['sqlite', 'mongodb'];

export async function openWorld(kind: Kind): Promise<World> {
  if (kind === 'sqlite') {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-world-'));
    const store = openSqliteStore({ file: join(folder, 'afferent.sqlite'), clock });
    const blobs = await createFileBlobs({ folder: join(folder, 'blobs'), clock });
    return {
      store,
      blobs,
      async close() {
        await blobs.close();
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  }
  const { openMongoStore } = await import('../../src/store/mongo/index.js');
  const { createGridFsBlobs } = await import('../../src/blob/gridfs.js');
  const options = { url: mongoUrl() ?? '', database: freshDatabase(), clock };
  const [store, blobs] = [await openMongoStore(options), await createGridFsBlobs(options)];
  return {
    store,
    blobs,
    async close() {
      await blobs.close();
      await store.close();
      const client = await MongoClient.connect(options.url);
      await client.db(options.database).dropDatabase();
      await client.close();
    },
  };
}

let instant = Date.UTC(2026, 0, 1);

/** A version as the repository would make it. */
export function version(type: string, id: string, number: number, parts: Partial<Version> = {}): Version {
  instant += 7;
  const body = {
    resourceType: type,
    id,
    meta: { versionId: String(number) },
    ...(type === 'Patient' ? { gender: 'other' } : {}),
  };
  const base = { type, id, version: number, updated: instant, owner: 'home', method: 'PUT' as const };
  return { ...base, text: JSON.stringify(body), ...parts };
}

export async function write({ store }: Data, ...versions: Version[]): Promise<void> {
  await store.write(versions.map((one) => withEntries(indexing, one)).filter((change) => change !== undefined));
}

export async function blob({ blobs }: Data, bytes: string | Buffer) {
  return blobs.put(Readable.from([Buffer.from(bytes)]), limits.binaryBytes);
}

/** More than two pages of versions, with deletions, returns, owners, blobs, odd characters and the vault. */
export async function populate(data: Data): Promise<void> {
  const ids = Array.from({ length: 500 }, (_, n) => `p${n}`);
  await write(data, ...ids.map((id) => version('Patient', id, 1, { method: 'POST' })));
  await write(data, ...ids.slice(0, 300).map((id) => version('Patient', id, 2)));
  await write(data, ...ids.slice(0, 200).map((id) => version('Patient', id, 3, { method: 'DELETE', text: undefined })));
  await write(data, ...ids.slice(0, 100).map((id) => version('Patient', id, 4)));
  await write(data, version('Patient', 'elsewhere', 1, { owner: 'org-2' }));
  const odd = { resourceType: 'Basic', id: 'odd', code: { text: 'a\u2028b\u0085c\u{1F600} "\\ \u00e9' } };
  await write(data, version('Basic', 'odd', 1, { text: `${JSON.stringify(odd).slice(0, -1)},"x":1.10}` }));
  for (const [n, bytes] of ['', 'same', 'same', 'x'.repeat(300_000)].entries())
    await write(data, version('Binary', `b${n}`, 1, { blob: await blob(data, bytes) }));
  await data.store.vault.put('cursor-key', 'secret "\u2028', clock.now() + 1e9);
  await data.store.vault.put('code', 'c', clock.now() + 2e9);
}

/** All that a server's data is, in an order that does not depend on the store. */
export async function contents(data: Data) {
  const versions: string[] = [];
  const order = new Map<string, number[]>();
  const blobs = new Map<string, string>();
  for await (const page of (await storeSource(data)).pages(undefined)) {
    for (const one of page.versions) {
      versions.push(lineOf(one));
      const key = `${one.type}/${one.id}`;
      order.set(key, [...(order.get(key) ?? []), one.version]);
      if (one.blob !== undefined) blobs.set(one.blob.hash, await bytesOf(data, one.blob));
    }
  }
  const vault = [];
  for await (const record of recordsOf(data.store)) vault.push(record);
  const owners = { owners: ['home', 'org-2'] };
  const history: Record<string, number[]> = {};
  for (const id of ['p0', 'p150', 'p250', 'p499', 'elsewhere'])
    history[id] = (await data.store.history({ type: 'Patient', id }, { size: 10 }, owners)).items.map(
      (one) => one.version,
    );
  const everything = { node: 'all' as const, of: [] };
  const other = { node: 'entry' as const, param: 'gender', test: { kind: 'text' as const, value: { is: ['other'] } } };
  return {
    versions: versions.sort(),
    order: Object.fromEntries([...order].sort()),
    blobs: Object.fromEntries([...blobs].sort()),
    vault,
    history,
    current: await data.store.count(['Patient', 'Basic', 'Binary'], everything, owners, 10_000),
    found: await data.store.count(['Patient'], other, owners, 10_000),
  };
}

async function bytesOf({ blobs }: Data, ref: { hash: string; size: number }): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of (await blobs.get(ref)) ?? []) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
