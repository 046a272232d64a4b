/**
 * What the store insists on before it starts. Each refusal is a sentence that says what to change: a server that starts
 * on weaker promises loses writes quietly, months later.
 */
import type { MongoClient, Document, IndexDescriptionInfo } from 'mongodb';

export class MongoRefused extends Error {
  constructor(message: string) {
    super(`The MongoDB store does not start: ${message}`);
    this.name = 'MongoRefused';
  }
}

/** Settings that a URL may leave out or confirm, but not weaken; in lower case, as the driver compares them. */
const urlSettings: Record<string, { fits: (value: string) => boolean; must: string }> = {
  w: {
    fits: (value) => value === 'majority',
    must: 'w must be majority, or acknowledged writes are lost in a failover',
  },
  journal: {
    fits: (value) => value === 'true',
    must: 'journal must be true, or acknowledged writes are lost in a crash',
  },
  j: { fits: (value) => value === 'true', must: 'j must be true, or acknowledged writes are lost in a crash' },
  wtimeoutms: { fits: (value) => Number(value) >= 5000, must: 'wtimeoutMS must be 5000 or more' },
  wtimeout: { fits: (value) => Number(value) >= 5000, must: 'wtimeout must be 5000 or more' },
  readconcernlevel: { fits: (value) => value === 'majority', must: 'readConcernLevel must be majority' },
  readpreference: {
    fits: (value) => value === 'primary',
    must: 'readPreference must be primary, so that clients read what they wrote',
  },
  retrywrites: { fits: (value) => value === 'true', must: 'retryWrites must be true' },
  retryreads: { fits: (value) => value === 'true', must: 'retryReads must be true' },
};

export function checkUrl(url: string): void {
  const [, query = ''] = url.split('?', 2);
  for (const [name, value] of new URLSearchParams(query)) {
    const lower = name.toLowerCase();
    const setting = Object.hasOwn(urlSettings, lower) ? urlSettings[lower] : undefined;
    if (setting !== undefined && !setting.fits(value))
      throw new MongoRefused(`${setting.must}. Take "${name}=${value}" out of MONGODB_URL.`);
  }
}

/** MongoDB 6.0. */
const WIRE_VERSION = 17;

export async function checkServer(client: MongoClient): Promise<void> {
  const hello: Document = await client.db('admin').command({ hello: 1 });
  if (typeof hello.setName !== 'string' && hello.msg !== 'isdbgrid')
    throw new MongoRefused(
      'this mongod is not a member of a replica set, so it has neither transactions nor a change stream. ' +
        'Start it with --replSet rs0 and run rs.initiate() once; one node is enough.',
    );
  if (Number(hello.maxWireVersion) < WIRE_VERSION) throw new MongoRefused('it needs MongoDB 6.0 or later.');
}

/** An index as it must be: uniqueness and expiry are promises that data depends on. */
export interface ExpectedIndex {
  name: string;
  key: Record<string, 1 | -1>;
  unique?: true;
  partialFilterExpression?: Document;
  expireAfterSeconds?: number;
}

export function checkIndex(collection: string, expected: ExpectedIndex, found: IndexDescriptionInfo | undefined): void {
  const shape = (index: ExpectedIndex | IndexDescriptionInfo | undefined): string =>
    JSON.stringify([
      Object.entries(index?.key ?? {}),
      index?.unique ?? false,
      index?.partialFilterExpression ?? null,
      index?.expireAfterSeconds ?? null,
    ]);
  if (shape(expected) === shape(found)) return;
  throw new MongoRefused(
    `the index "${expected.name}" of the collection "${collection}" is not the one this version needs. ` +
      `Run db.${collection}.dropIndex("${expected.name}") and start again; the index is then built anew.`,
  );
}
