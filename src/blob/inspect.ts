/**
 * Do the bytes contradict the media type that they came with? Only the first few KB are looked at, while they pass. What
 * has no known beginning passes (text, HL7, raw frames), and so does what shares a container: a Word file is a zip, an
 * iPhone's photo and its film are the same boxes.
 */
import { Readable } from 'node:stream';
import { failure } from '../fhir/outcome.js';
import { parseMediaType } from '../kit/media-type.js';
import { beginnings, families, generic, isExecutable, isTextual, textFormats } from './families.js';

/** The same bytes; the stream fails with 422 before more than its beginning has passed, when they contradict. */
export function inspected(bytes: Readable, declared: string): Readable {
  return Readable.from(passing(bytes, declared), { highWaterMark: 1 });
}

const HEAD_BYTES = 4100;

async function* passing(bytes: Readable, declared: string): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  let seen = false;
  for await (const chunk of bytes) {
    if (seen) {
      yield chunk as Buffer;
      continue;
    }
    held.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size < HEAD_BYTES) continue;
    await refuseContradiction(Buffer.concat(held), declared);
    seen = true;
    yield* held;
    held = [];
  }
  if (seen || size === 0) return;
  await refuseContradiction(Buffer.concat(held), declared);
  yield* held;
}

async function refuseContradiction(bytes: Buffer, declared: string): Promise<void> {
  const found = await mediaTypeOf(bytes.subarray(0, HEAD_BYTES));
  if (found === undefined || !contradicts(declared, found, isPlainText(bytes.subarray(0, HEAD_BYTES)))) return;
  throw failure(
    'unprocessable',
    `The media type says ${declared.slice(0, 100)}, but the bytes are ${found}. Nothing was written; send them under their own type.`,
    'Binary.contentType',
  );
}

/** What the beginning shows; undefined when it shows nothing. */
export async function mediaTypeOf(head: Buffer): Promise<string | undefined> {
  const text = isPlainText(head) ? head.toString('latin1') : undefined;
  if (text !== undefined && HTML.test(text)) return 'text/html';
  if (text?.startsWith('#!') === true) return 'text/x-shellscript';
  if (head.toString('latin1', 128, 132) === 'DICM') return 'application/dicom';
  // Loaded with the first upload: a server that starts need not wait for it.
  const { fileTypeFromBuffer } = await import('file-type');
  const start = head.toString('latin1', 0, 8);
  const found = (await fileTypeFromBuffer(head))?.mime ?? beginnings.find(([magic]) => start.startsWith(magic))?.[1];
  // Two letters make an executable or a bitmap for file-type, and a word of a CSV file too.
  return text !== undefined && found !== undefined && !textFormats.has(essenceOf(found)) ? undefined : found;
}

export function contradicts(declared: string, found: string, isText: boolean): boolean {
  const [said, is] = [essenceOf(declared), essenceOf(found)];
  if (said === is || generic.has(said)) return false;
  if (isTextual(said)) return !isText;
  if (isExecutable(is) || is === 'text/html') return true;
  const [saidFamilies, isFamilies] = [said, is].map((type) => families.filter(({ has }) => has(type)));
  if (saidFamilies === undefined || isFamilies === undefined) return false;
  if (saidFamilies.some((family) => isFamilies.includes(family))) return false;
  // What is declared has a beginning that is known, and the bytes have another.
  if (saidFamilies.length > 0) return true;
  return isMedia(said) && kindOf(said) !== kindOf(is) && !isFamilies.some(({ container }) => container === true);
}

/** No NUL and no control character but white space and escape: in whatever encoding, somebody wrote it to be read. */
function isPlainText(head: Buffer): boolean {
  for (const byte of head) if (byte < 0x20 && byte !== 0x1b && (byte < 0x09 || byte > 0x0d)) return false;
  return head.length > 0;
}

/** What browsers take for HTML (mimesniff.spec.whatwg.org section 7.1), after white space and a byte order mark. */
const HTML =
  /^(?:\xef\xbb\xbf)?\s{0,512}<(?:!--|(?:!doctype html|html|head|body|script|iframe|style|title|table|div|h1|a|p|br|b)[\s>])/i;

const essenceOf = (type: string): string => parseMediaType(type)?.essence ?? type.toLowerCase();
const kindOf = (essence: string): string => {
  const kind = essence.split('/')[0] ?? '';
  return kind === 'audio' ? 'video' : kind;
};
const isMedia = (essence: string): boolean => ['image', 'video'].includes(kindOf(essence));
