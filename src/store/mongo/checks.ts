/**
 * What the store insists on before it starts. Each refusal is a sentence that says what to change: a server that starts
 * on weaker promises loses writes quietly, months later.
 */
import { MongoClient, type Document, type IndexDescriptionInfo } from 'mongodb';

export class MongoRefused extends Error {
  constructor(message: string) {
    super(`The MongoDB store does not start: ${message}`);
    this.name = 'MongoRefused';
  }
}

/** Settings that a URL may leave out or confirm, but not weaken. */
export function checkUrl(url: string): void {
  const { options } = new MongoClient(url);
  const { writeConcern, readConcern, readPreference } = options;
  // The driver's own default is present, or absent, where the URL says nothing; both are fine.
  const rows: [boolean, string][] = [
    [
      writeConcern?.w !== undefined && writeConcern.w !== 'majority',
      'w must be majority; take w=… out of MONGODB_URL, or writes that were acknowledged are lost when the primary falls.',
    ],
    [
      (writeConcern?.journal ?? writeConcern?.j) === false,
      'journal must be true; take journal=false out of MONGODB_URL.',
    ],
    [
      writeConcern?.wtimeoutMS !== undefined && writeConcern.wtimeoutMS < 5000,
      'wtimeoutMS must be 5000 or more; take it out of MONGODB_URL.',
    ],
    [
      readConcern?.level !== undefined && readConcern.level !== 'majority',
      'readConcernLevel must be majority; take it out of MONGODB_URL.',
    ],
    [
      readPreference.mode !== 'primary',
      'readPreference must be primary, so that a client reads what it wrote; take it out of MONGODB_URL.',
    ],
    [options.retryWrites === false, 'retryWrites must be on; take retryWrites=false out of MONGODB_URL.'],
    [options.retryReads === false, 'retryReads must be on; take retryReads=false out of MONGODB_URL.'],
  ];
  for (const [refused, sentence] of rows) if (refused) throw new MongoRefused(sentence);
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
