/**
 * Blobs in MongoDB, in GridFS's own format, so that its tools can read them. Pieces are written under an id of their own
 * while they are hashed; the file that makes a blob of them comes last and carries the hash, which is unique.
 *
 * The note in `incoming` that names the pieces is also the hold of the put: it carries the hash from before the file is
 * published until what refers to it is written. A removal first marks the file as aside, then looks for holds, then asks
 * whether the blob is used, and takes it only if the mark still stands: a put of the same bytes takes the mark away.
 */
import { createHash } from 'node:crypto';
import { Readable as ReadableStream, type Readable } from 'node:stream';
import type { Collection, ObjectId } from 'mongodb';
import { failure } from '../fhir/outcome.js';
import type { Clock } from '../kit/clock.js';
import { TooManyBytes, type BlobRef, type Blobs, type ListedBlob, type RemovalTerms } from './port.js';

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
  const files = db.collection<FileDocument>(`${BUCKET}.files`);
  const chunks = db.collection<ChunkDocument>(`${BUCKET}.chunks`);
  const incoming = db.collection<IncomingDocument>(`${BUCKET}.incoming`);
  const timed = { maxTimeMS: OPERATION_MS };
  const holds = new WeakMap<BlobRef, ObjectId>();

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

  /** Makes a file of the pieces, or renews the one that has this hash already; false when it did that. */
  async function publish(_id: ObjectId, { hash, size }: BlobRef): Promise<boolean> {
    for (let attempt = 0; attempt < PUBLISH_ATTEMPTS; attempt += 1) {
      const uploadDate = new Date(clock.now());
      try {
        await files.insertOne({ _id, filename: hash, length: size, chunkSize: PIECE, uploadDate }, timed);
        return true;
      } catch (error) {
        if (!(error instanceof driver.MongoServerError && error.code === DUPLICATE_KEY)) throw error;
      }
      const renewal = { $set: { uploadDate }, $unset: { aside: 1 } } as const;
      const { matchedCount } = await files.updateOne({ filename: { $eq: hash } }, renewal, timed);
      // When a collector took it in between, the pieces that just came are needed after all.
      if (matchedCount === 1) return false;
    }
    throw failure('unavailable', 'These bytes are being removed and stored at the same time. Try again.');
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
    // If this fails, the blob may be there all the same: what to keep is for a later sweep to find out.
    await incoming.updateOne({ _id: { $eq: id } }, { $set: { hash: ref.hash, since: clock.now() } }, timed);
    if (!(await publish(id, ref))) await chunks.deleteMany({ files_id: { $eq: id } }, timed);
    holds.set(ref, id);
    return ref;
  }

  async function settled(ref: BlobRef): Promise<void> {
    const id = holds.get(ref);
    if (id !== undefined) await incoming.deleteOne({ _id: { $eq: id } }, timed);
    holds.delete(ref);
  }

  async function get(ref: BlobRef, range?: { start: number; end: number }): Promise<Readable | undefined> {
    const file = await files.findOne({ filename: { $eq: ref.hash } }, timed);
    if (file === null) return undefined;
    const { start, end } = range ?? { start: 0, end: file.length - 1 };
    return ReadableStream.from(piecesOf(file, start, Math.min(end, file.length - 1)), { highWaterMark: 1 });
  }

  /** GridFS's own reader takes 16 MB of pieces at once into memory for each one who reads. */
  async function* piecesOf({ _id, chunkSize }: FileDocument, start: number, end: number): AsyncGenerator<Buffer> {
    const [first, last] = [Math.floor(start / chunkSize), Math.floor(end / chunkSize)];
    const few = { ...timed, batchSize: PIECES_AT_ONCE, promoteBuffers: true, sort: { n: 1 } } as const;
    let next = first;
    if (end < start) return;
    for await (const { n, data } of chunks.find({ files_id: { $eq: _id }, n: { $gte: first, $lte: last } }, few)) {
      if (n !== next) break;
      next += 1;
      yield data.subarray(n === first ? start - n * chunkSize : 0, n === last ? end - n * chunkSize + 1 : data.length);
    }
    if (next !== last + 1) throw new Error(`A blob of GridFS has no piece ${next}.`);
  }

  async function* list(): AsyncGenerator<ListedBlob> {
    await sweep();
    for await (const { filename, length, uploadDate } of files.find({}, { ...timed, projection: { _id: 0 } }))
      yield { hash: filename, size: length, since: uploadDate.getTime() };
  }

  async function remove(hash: string, { before, heldBefore, isUsed }: RemovalTerms): Promise<boolean> {
    const aside = new driver.ObjectId();
    const old = { filename: { $eq: hash }, uploadDate: { $lt: new Date(before) } };
    const file = await files.findOneAndUpdate(old, { $set: { aside } }, timed);
    if (file === null) return false;
    const mark = { _id: { $eq: file._id }, aside: { $eq: aside } };
    let stays = true;
    try {
      // In this order: a hold ends only after that is written which `isUsed` then sees.
      const held = await incoming.findOne({ hash: { $eq: hash }, since: { $gte: heldBefore } }, timed);
      stays = held !== null || (await isUsed());
    } finally {
      if (stays) await files.updateOne(mark, { $unset: { aside: 1 } }, timed);
    }
    if (stays) return false;
    // The note comes first: should this process fall between file and pieces, a sweep finds them by it.
    const note = { $set: { since: clock.now() }, $unset: { hash: 1 } } as const;
    await incoming.updateOne({ _id: { $eq: file._id } }, note, { ...timed, upsert: true });
    const { deletedCount } = await files.deleteOne(mark, timed);
    if (deletedCount === 1) await discard(file._id);
    return deletedCount === 1;
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
    await makeIndexes(files, chunks, incoming);
    await sweep();
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    put: (bytes, atMost) => whole(put(bytes, atMost)),
    get: (ref, range) => whole(get(ref, range)),
    settled: (ref) => whole(settled(ref)),
    list,
    remove: (hash, terms) => whole(remove(hash, terms)),
    close: () => client.close(),
  };
}

interface FileDocument {
  _id: ObjectId;
  filename: string;
  length: number;
  chunkSize: number;
  uploadDate: Date;
  /** A removal of this name is under way. */
  aside?: ObjectId;
}

interface IncomingDocument {
  _id: ObjectId;
  since: number;
  /** The blob is held until this note goes; before the pieces are whole it is not known. */
  hash?: string;
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
const PUBLISH_ATTEMPTS = 10;
const PIECES_AT_ONCE = 1;

const BUCKET = 'blobs';

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

async function makeIndexes(
  files: Collection<FileDocument>,
  chunks: Collection<ChunkDocument>,
  incoming: Collection<IncomingDocument>,
): Promise<void> {
  await incoming.createIndex({ hash: 1 }, { name: 'holds' }, {});
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
