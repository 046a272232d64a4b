/**
 * Parts of a Binary's bytes (RFC 9110 section 14): a download that broke goes on where it stood, a player seeks. Never
 * for JSON, which has no bytes of its own to count.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { failure } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import type { Reply } from './reply.js';

/** Both ends are included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** What is there to be sent in parts. */
export interface Whole {
  size: number;
  contentType: string;
  headers: Record<string, string>;
  /** Whether the Last-Modified among the headers stands for this version alone. */
  datedAlone: boolean;
  open: (range?: ByteRange) => Promise<Readable>;
}

/** The whole, or the parts of it that a GET asks for. Throws 416 for ranges that cannot be met. */
export function wholeOrParts(method: string, request: IncomingHttpHeaders, whole: Whole): Reply {
  const headers = { ...whole.headers, 'Accept-Ranges': 'bytes' };
  // RFC 9110 14.2: a Range is for GET, and 13.1.5: after If-Range only while the client's part is still of this whole.
  const asked = method === 'GET' && ifRangeHolds(request, whole) ? request.range : undefined;
  const ranges = asked === undefined ? undefined : rangesOf(asked, whole.size);
  const { size, contentType, open } = whole;
  if (ranges === undefined) return { status: 200, headers, bytes: { stream: () => open(), size, contentType } };
  const [only] = ranges;
  if (ranges.length > 1 || only === undefined) return { status: 206, headers, bytes: multipart(whole, ranges) };
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': contentRange(only, size) },
    bytes: { stream: () => open(only), size: only.end - only.start + 1, contentType },
  };
}

/**
 * The ranges of a header, in the order asked for, overlapping and adjacent ones as one; undefined when all is to be
 * sent. Throws 416 when the header is malformed, when none of the ranges begins within the bytes, and when they are
 * more than a client needs that means well (RFC 9110 14.2 and 15.5.17 leave it to the server).
 */
export function rangesOf(header: string, size: number): ByteRange[] | undefined {
  const equals = header.indexOf('=');
  const unit = header.slice(0, equals).trim().toLowerCase();
  // A unit that is not known must be passed over.
  if (equals === -1 || unit !== 'bytes') return undefined;
  const specs = header
    .slice(equals + 1)
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0) throw notSatisfiable(size, `"${header.slice(0, 60)}" names no range`);
  if (specs.length > limits.ranges) {
    throw notSatisfiable(
      size,
      `${specs.length} ranges are more than the ${limits.ranges} of one request (limit ranges)`,
    );
  }
  const asked = specs.map((spec) => rangeOf(spec, size));
  // Nothing has no last bytes that a Content-Range could name.
  if (size === 0 && asked.some((range) => range !== undefined)) return undefined;
  const found = asked.filter((range) => range !== undefined);
  if (found.length === 0) throw notSatisfiable(size, `"${header.slice(0, 60)}" lies outside of the ${size} bytes`);
  return merged(found);
}

/** `first-last`, `first-` or `-length`; undefined when it lies outside. */
function rangeOf(spec: string, size: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^([0-9]*)-([0-9]*)$/.exec(spec) ?? [];
  if ((first === '' && last === '') || (first !== '' && last !== '' && Number(last) < Number(first))) {
    throw notSatisfiable(size, `"${spec.slice(0, 60)}" is not a range such as 0-499, 500- or -500`);
  }
  if (first === '') return Number(last) === 0 ? undefined : { start: Math.max(0, size - Number(last)), end: size - 1 };
  const start = Number(first);
  return start >= size ? undefined : { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

/** Each one goes into the first that it touches, so that no byte is sent twice. */
function merged(ranges: ByteRange[]): ByteRange[] {
  let result: ByteRange[] = [];
  for (const range of ranges) {
    const touches = (other: ByteRange) => other.start <= range.end + 1 && range.start <= other.end + 1;
    const at = result.findIndex(touches);
    if (at === -1) {
      result.push(range);
      continue;
    }
    const group = [range, ...result.filter(touches)];
    const joined = {
      start: Math.min(...group.map(({ start }) => start)),
      end: Math.max(...group.map(({ end }) => end)),
    };
    result = result.flatMap((other, n) => (n === at ? [joined] : touches(other) ? [] : [other]));
  }
  return result;
}

/**
 * RFC 9110 13.1.5 compares strongly: a weak ETag never holds, and a date only if nothing else was of that second.
 * Without If-Range there is nothing to hold.
 */
function ifRangeHolds({ 'if-range': ifRange }: IncomingHttpHeaders, { headers, datedAlone }: Whole): boolean {
  if (typeof ifRange !== 'string') return true;
  const validator = ifRange.trim();
  if (/^(W\/)?"/.test(validator)) return validator === headers.ETag && !validator.startsWith('W/');
  return datedAlone && validator === headers['Last-Modified'];
}

function multipart({ size, contentType, open }: Whole, ranges: ByteRange[]): NonNullable<Reply['bytes']> {
  const boundary = randomUUID();
  const heads = ranges.map(
    (range) =>
      `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
  );
  const tail = `\r\n--${boundary}--\r\n`;
  const length = ranges.reduce((sum, { start, end }) => sum + end - start + 1, heads.join('').length + tail.length);
  async function* parts(first: Readable): AsyncGenerator<Buffer> {
    for (const [n, range] of ranges.entries()) {
      yield Buffer.from(heads[n] ?? '', 'latin1');
      for await (const piece of n === 0 ? first : await open(range)) yield piece as Buffer;
    }
    yield Buffer.from(tail, 'latin1');
  }
  return {
    // The first part is opened before the head goes out: bytes that are gone are an error, not a broken answer.
    stream: async () => Readable.from(parts(await open(ranges[0])), { highWaterMark: 1 }),
    size: length,
    contentType: `multipart/byteranges; boundary=${boundary}`,
  };
}

const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end}/${size}`;

const notSatisfiable = (size: number, what: string) =>
  failure('range-not-satisfiable', `Range: ${what}.`, 'http.Range', {
    'Content-Range': `bytes */${size}`,
    'Accept-Ranges': 'bytes',
  });
