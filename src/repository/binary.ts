/**
 * Binary: its bytes live in the blob store and its resource document holds only what they are. The JSON form is put
 * together when somebody asks for it (R4 binary.html).
 */
import type { Readable } from 'node:stream';
import { Readable as ReadableStream } from 'node:stream';
import type { BlobRef, Blobs } from '../blob/port.js';
import { TooManyBytes } from '../blob/port.js';
import { failure } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { limits } from '../kit/limits.js';
import type { Version } from '../store/port.js';

/** Streams bytes into the blob store; more than a Binary may have is refused with 413. */
export async function storeBytes(blobs: Blobs, bytes: Readable): Promise<BlobRef> {
  try {
    return await blobs.put(bytes, limits.binaryBytes);
  } catch (error) {
    if (!(error instanceof TooManyBytes)) throw error;
    const say = `A Binary may have at most ${limits.binaryBytes} bytes (limit binaryBytes).`;
    throw failure('too-large', say, 'Binary', { Connection: 'close' });
  }
}

/** Moves `data` of the JSON form into the blob store: what remains is the document to store. */
export async function withoutData(blobs: Blobs, binary: Resource): Promise<{ document: Resource; blob: BlobRef }> {
  const { data, ...document } = binary;
  const bytes = Buffer.from(typeof data === 'string' ? data : '', 'base64');
  return { document, blob: await storeBytes(blobs, ReadableStream.from([bytes])) };
}

/** The JSON form with `data`; 413 when that is more than JSON may carry. */
export async function withData(blobs: Blobs, version: Version): Promise<string> {
  assert(version.blob !== undefined && version.text !== undefined, 'a Binary that is not deleted has bytes');
  if (version.blob.size > limits.binaryInJsonBytes) {
    throw failure(
      'too-large',
      `The ${version.blob.size} bytes of this Binary are more than the ${limits.binaryInJsonBytes} that JSON may carry ` +
        `(limit binaryInJsonBytes). Ask for its own media type instead: Accept: */*.`,
      'Binary.data',
    );
  }
  const stream = await openBytes(blobs, version);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const data = Buffer.concat(chunks).toString('base64');
  return data === '' ? version.text : `${version.text.slice(0, -1)},"data":"${data}"}`;
}

/** The document as it may stand in a Bundle: with its data when they are few, else marked as a subset. */
export async function inBundle(blobs: Blobs, version: Version): Promise<string> {
  assert(version.text !== undefined, 'a deletion has no place among resources');
  if (version.blob === undefined || version.blob.size <= limits.binaryInBundleBytes) {
    return withData(blobs, version);
  }
  // R4 search.html#summary: what is left out must be told, so that nobody writes the half back as the whole.
  const document = JSON.parse(version.text) as Resource;
  const tag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
  const tags = (document.meta?.tag ?? []) as unknown[];
  return JSON.stringify({ ...document, meta: { ...document.meta, tag: [...tags, tag] } });
}

export async function openBytes(blobs: Blobs, version: Version): Promise<Readable> {
  assert(version.blob !== undefined, 'a Binary that is not deleted has bytes');
  const stream = await blobs.get(version.blob);
  assert(stream !== undefined, `the bytes of Binary/${version.id} are gone from the blob store`);
  return stream;
}
