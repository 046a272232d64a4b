/**
 * Binary: its bytes live in the blob store and its resource document holds only what they are. The JSON form is put
 * together when somebody asks for it (R4 binary.html).
 */
import type { Readable } from 'node:stream';
import { Readable as ReadableStream } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspected } from '../blob/inspect.js';
import type { BlobRef, Blobs } from '../blob/port.js';
import { TooManyBytes } from '../blob/port.js';
import { failure } from '../fhir/outcome.js';
import { parseReference } from '../fhir/reference.js';
import type { Resource } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { parseJson, stringify } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import type { Version } from '../store/port.js';
import { decoded, splitData } from './data.js';

/** Streams the bytes of a Binary into the blob store: 413 when they are too many, 422 when they are something else. */
export async function storeBytes(
  blobs: Blobs,
  contentType: unknown,
  bytes: Readable,
  limit: 'binaryBytes' | 'binaryInJsonBytes' = 'binaryBytes',
): Promise<BlobRef> {
  const declared = typeof contentType === 'string' ? contentType : '';
  if (!isHeaderSafe(declared)) {
    const say = 'The media type becomes a header again: at most 255 characters of printable ASCII, such as image/jpeg.';
    throw failure('value', say, 'Binary.contentType');
  }
  try {
    return await blobs.put(inspected(bytes, declared), limits[limit]);
  } catch (error) {
    if (!(error instanceof TooManyBytes)) throw error;
    const say = `A Binary may have at most ${limits[limit]} bytes in this form (limit ${limit}).`;
    throw failure('too-large', say, 'Binary', { Connection: 'close' });
  }
}

/** A line break in a header would begin another one, and Node refuses to send what is not Latin-1. */
export const isHeaderSafe = (value: string): boolean => /^[\x20-\x7e]{1,255}$/.test(value);

/** Whose access the Binary follows must be a reference that can be followed (R4 binary.html#security). */
export function refuseOddContext(reference: string | undefined): void {
  if (reference === undefined) return;
  const parsed = /^[\x21-\x7e]{1,1024}$/.test(reference) ? parseReference(reference) : undefined;
  if (parsed?.kind === 'resource') return;
  const say = 'X-Security-Context names one resource, such as Patient/123.';
  throw failure('value', say, 'http.X-Security-Context');
}

/** Moves `data` of the JSON form into the blob store: what remains is the document to store. */
export async function withoutData(blobs: Blobs, binary: Resource): Promise<{ document: Resource; blob: BlobRef }> {
  const { document, base64 } = splitData(binary);
  const bytes = ReadableStream.from(decoded(base64), { highWaterMark: 1 });
  return { document, blob: await storeBytes(blobs, document.contentType, bytes, 'binaryInJsonBytes') };
}

/** A Binary as JSON: its parts before and after the base64, and what they come to. */
export interface JsonForm {
  size: number;
  stream: () => Promise<Readable>;
}

/** The JSON form with `data`, written as it is read; 413 when that is more than JSON may carry. */
export function jsonForm(blobs: Blobs, version: Version, layout: (json: string) => string): JsonForm {
  assert(version.blob !== undefined && version.text !== undefined, 'a Binary that is not deleted has bytes');
  const { size } = version.blob;
  if (size > limits.binaryInJsonBytes) {
    throw failure(
      'too-large',
      `The ${size} bytes of this Binary are more than the ${limits.binaryInJsonBytes} that JSON may carry ` +
        `(limit binaryInJsonBytes). Ask for its own media type instead: Accept: */*.`,
      'Binary.data',
    );
  }
  // FHIR has no empty strings: no bytes are no data.
  const json = layout(size === 0 ? version.text : `${version.text.slice(0, -1)},"data":""}`);
  const cut = size === 0 ? json.length : json.lastIndexOf('""') + 1;
  const [head, tail] = [Buffer.from(json.slice(0, cut)), Buffer.from(json.slice(cut))];
  return {
    size: head.length + Math.ceil(size / 3) * 4 + tail.length,
    stream: async () => {
      const bytes = await openBytes(blobs, version);
      return ReadableStream.from(framed(head, bytes, tail), { highWaterMark: 1 });
    },
  };
}

async function* framed(head: Buffer, bytes: Readable, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* encoded(bytes);
  yield tail;
}

/** Three bytes make four characters: what is left of a piece waits for the next one. */
async function* encoded(bytes: Readable): AsyncGenerator<Buffer> {
  let left: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const piece = left.length === 0 ? (chunk as Buffer) : Buffer.concat([left, chunk as Buffer]);
    const whole = piece.length - (piece.length % 3);
    if (whole > 0) yield Buffer.from(piece.toString('base64', 0, whole), 'latin1');
    left = piece.subarray(whole);
  }
  if (left.length > 0) yield Buffer.from(left.toString('base64'), 'latin1');
}

/** The document as it may stand in a Bundle: with its data when they are few, else marked as a subset. */
export async function inBundle(blobs: Blobs, version: Version): Promise<string> {
  assert(version.text !== undefined, 'a deletion has no place among resources');
  if (version.blob === undefined || version.blob.size <= limits.binaryInBundleBytes) {
    return text(await jsonForm(blobs, version, (json) => json).stream());
  }
  // R4 search.html#summary: what is left out must be told, so that nobody writes the half back as the whole.
  const document = parseJson(version.text, limits.depth) as Resource;
  const tag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
  const tags = (document.meta?.tag ?? []) as unknown[];
  return stringify({ ...document, meta: { ...document.meta, tag: [...tags, tag] } });
}

export async function openBytes(
  blobs: Blobs,
  version: Version,
  range?: { start: number; end: number },
): Promise<Readable> {
  assert(version.blob !== undefined, 'a Binary that is not deleted has bytes');
  const stream = await blobs.get(version.blob, range);
  assert(stream !== undefined, 'the bytes of a Binary are gone from the blob store');
  return stream;
}
