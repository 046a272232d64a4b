/** The data of a Binary's JSON form, base64, as the bytes that they stand for (R4 binary.html). */
import { failure } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';

/** The document that is stored, and its data still in base64. */
export function splitData({ data, ...document }: Resource): { document: Resource; base64: string } {
  if (data === undefined) {
    // Whoever read the document without its data would erase the bytes by writing it back.
    throw failure(
      'invalid',
      'A Binary needs its data, as base64 here or as raw bytes under its own media type.',
      'Binary.data',
    );
  }
  return { document, base64: typeof data === 'string' ? data : '' };
}

/** In pieces, so that text and bytes are not both held as a whole. R4 allows white space in it. */
export function* decoded(data: string): Generator<Buffer> {
  const base64 = /\s/.test(data) ? data.replace(/\s+/g, '') : data;
  for (let at = 0; at < base64.length; at += DECODED_AT_ONCE)
    yield Buffer.from(base64.slice(at, at + DECODED_AT_ONCE), 'base64');
}

/** Characters; a multiple of the four that make three bytes. */
const DECODED_AT_ONCE = 256 * 1024;

/** All bytes at once, in memory of their own, which can be handed to another thread. */
export function decodedData(binary: Resource): { document: Resource; bytes: Uint8Array } {
  const { document, base64 } = splitData(binary);
  const bytes = new Uint8Array(Math.ceil(base64.length / 4) * 3);
  let size = 0;
  for (const piece of decoded(base64)) {
    bytes.set(piece, size);
    size += piece.length;
  }
  return { document, bytes: bytes.subarray(0, size) };
}
