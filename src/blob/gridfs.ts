/**
 * Blobs in MongoDB, in GridFS's own format, so that its tools can read them. Pieces are written under an id of their own
 * while they are hashed; the file that makes a blob of them comes last and carries the hash, which is unique.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Collection, GridFSBucketOptions, ObjectId } from 'mongodb';
import { failure } from '../fhir/outcome.js';
import type { Clock } from '../kit/clock.js';
import { TooManyBytes, type BlobRef, type Blobs } from './port.js';

export interface GridFsOptions {
  url: string;
  database?: string;
  clock: Clock;
}

/** The driver is loaded here and not above: those who keep blobs in files do not wait for it. */
export async function createGridFsBlobs({ url, database = 'afferent', clock }: GridFsOptions): Promise<Blobs> {
  const driver = await import('mongodb');
  const client = new driver.MongoClient(url, settings);
  const db = client.db(database);
  const files = db.collection<FileDocument>(`${bucket.bucketName}.files`);
  const chunks = db.collection<ChunkDocument>(`${bucket.bucketName}.chunks`);
  const incoming = db.collection<{ _id: ObjectId; since: number }>(`${bucket.bucketName}.incoming`);
  const timed = { maxTimeMS: OPERATION_MS };

  /** Writes all pieces one after the other, so that none is on its way any more when something fails. */
  async function receive(bytes: Readable, id: ObjectId, atMost: number): Promise<BlobRef> {
    const hash = createHash('sha256');
    let size = 0;
    let n = 0;
    for await (const data of inPieces(counted(bytes, atMost))) {
      hash.update(data);
      size += data.length;
      await chunks.insertOne({ _id: new driver.ObjectId(), files_id: id, n, data }, timed);
      n += 1;
    }
    return { hash: hash.digest('hex'), size };
  }

  /** False when a blob of this hash is there already. */
  async function publish(_id: ObjectId, { hash, size }: BlobRef): Promise<boolean> {
    const uploadDate = new Date(clock.now());
    try {
      await files.insertOne({ _id, filename: hash, length: size, chunkSize: PIECE, uploadDate }, timed);
      return true;
    } catch (error) {
      if (error instanceof driver.MongoServerError && error.code === DUPLICATE_KEY) return false;
      throw error;
    }
  }

  async function discard(id: ObjectId): Promise<void> {
    await chunks.deleteMany({ files_id: { $eq: id } }, timed);
    await incoming.deleteOne({ _id: { $eq: id } }, timed);
  }

  async function put(bytes: Readable, atMost: number): Promise<BlobRef> {
    const id = new driver.ObjectId();
    let ref: BlobRef;
    try {
      await incoming.insertOne({ _id: id, since: clock.now() }, timed);
      ref = await receive(bytes, id, atMost);
    } catch (error) {
      bytes.destroy();
      // Should this fail too, the next start sweeps it up.
      await discard(id).catch(() => undefined);
      throw error;
    }
    // If this fails, the blob may be there all the same: what to keep is for the next start to find out.
    if (await publish(id, ref)) await incoming.deleteOne({ _id: { $eq: id } }, timed);
    else await discard(id);
    return ref;
  }

  async function get(ref: BlobRef, range?: { start: number; end: number }): Promise<Readable | undefined> {
    const file = await files.findOne({ filename: { $eq: ref.hash } }, timed);
    if (file === null) return undefined;
    const reader = new driver.GridFSBucket(db, bucket);
    // GridFS leaves the end out, a Blob counts it in.
    return reader.openDownloadStream(file._id, range === undefined ? {} : { start: range.start, end: range.end + 1 });
  }

  /** Removes the pieces that a process left behind when it fell; younger ones may still be coming. */
  async function sweep(): Promise<void> {
    for await (const { _id } of incoming.find({ since: { $lt: clock.now() - ABANDONED_MS } }, timed)) {
      const published = await files.findOne({ _id: { $eq: _id } }, timed);
      if (published === null) await discard(_id);
      else await incoming.deleteOne({ _id: { $eq: _id } }, timed);
    }
  }

  async function whole<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      if (error instanceof driver.MongoNetworkError || error instanceof driver.MongoServerSelectionError)
        throw failure('unavailable', 'MongoDB, which keeps the bytes, does not answer at the moment.');
      throw error;
    });
  }

  try {
    await client.connect();
    await makeIndexes(files, chunks);
    await sweep();
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    put: (bytes, atMost) => whole(put(bytes, atMost)),
    get: (ref, range) => whole(get(ref, range)),
    close: () => client.close(),
  };
}

interface FileDocument {
  _id: ObjectId;
  filename: string;
  length: number;
  chunkSize: number;
  uploadDate: Date;
}

interface ChunkDocument {
  _id: ObjectId;
  files_id: ObjectId;
  n: number;
  data: Buffer;
}

const PIECE = 1024 * 1024;
const OPERATION_MS = 10_000;
const ABANDONED_MS = 24 * 60 * 60 * 1000;
const DUPLICATE_KEY = 11000;

const bucket = { bucketName: 'blobs', chunkSizeBytes: PIECE } satisfies GridFSBucketOptions;

/** As the store beside it: what is acknowledged is on a majority of the members, in their journals. */
const settings = {
  appName: 'afferent-blobs',
  writeConcern: { w: 'majority', j: true, wtimeoutMS: 5000 },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  retryWrites: true,
  retryReads: true,
  connectTimeoutMS: 5000,
  socketTimeoutMS: 30_000,
  serverSelectionTimeoutMS: 10_000,
  waitQueueTimeoutMS: 10_000,
  maxPoolSize: 16,
} as const;

async function makeIndexes(files: Collection<FileDocument>, chunks: Collection<ChunkDocument>): Promise<void> {
  await files.createIndex({ filename: 1 }, { name: 'hash', unique: true }, {});
  await chunks.createIndex({ files_id: 1, n: 1 }, { name: 'pieces', unique: true }, {});
}

async function* counted(bytes: Readable, atMost: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of bytes) {
    const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array | string);
    size += piece.length;
    if (size > atMost) throw new TooManyBytes(atMost);
    yield piece;
  }
}

/** The same bytes in pieces of one size; only the last one may be smaller. */
async function* inPieces(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    held.push(chunk);
    size += chunk.length;
    if (size < PIECE) continue;
    const whole = Buffer.concat(held);
    let at = 0;
    for (; whole.length - at >= PIECE; at += PIECE) yield whole.subarray(at, at + PIECE);
    held = [whole.subarray(at)];
    size = whole.length - at;
  }
  if (size > 0) yield Buffer.concat(held);
}
