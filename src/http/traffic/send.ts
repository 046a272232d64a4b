/** Bodies of answers on their way: counted while they stand in memory, and cut where nobody takes them. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bytesOf, lengthOf, type Piece, type Pieces } from '../../kit/pieces.js';
import { Turns } from '../../kit/turns.js';
import { overloaded } from './busy.js';
import type { Traffic } from './index.js';

/** What is written at once; of more than this, progress can be seen only slice by slice. */
const SLICE = 256 * 1024;

/** A string of so few characters goes out together with the head, in one piece; a longer one would be copied for that. */
const SHORT = 16 * 1024;

/** Ends the answer with the body. Throws 503, before the head is out, when too many bytes are under way already. */
export async function sendBody(
  response: ServerResponse,
  head: (bytes: number) => ServerResponse,
  given: string | Pieces,
  traffic: Traffic,
): Promise<void> {
  const text = given.length === 1 && typeof given[0] === 'string' ? given[0] : given;
  if (lengthOf(text) <= SLICE) {
    const body = typeof text === 'string' ? (text.length <= SHORT ? text : Buffer.from(text)) : bytesOf(text);
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    head(bytes).end(body);
    // Nearly always the system has taken all of it by now.
    if ((response.socket?.writableLength ?? 0) > 0) hold(response, bytes, traffic);
    return;
  }
  const pieces = await encoded(text);
  const bytes = pieces.reduce((size, { length }) => size + length, 0);
  if (!hold(response, bytes, traffic)) throw overloaded;
  await pipeline(Readable.from(pieces), head(bytes));
}

/** The same pieces, between which others have their turns: many who read files do not keep new connections out. */
export async function* passing(pieces: AsyncIterable<Buffer>, { admission }: Traffic): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    const turn = admission.pass();
    if (turn !== undefined) await turn;
    yield piece;
  }
}

/** Cuts a line on which too little moves. When nothing waits to be sent, it is the server that is slow. */
export function keepPace(response: ServerResponse, { pace }: Traffic): void {
  const { socket } = response;
  if (socket === null) return;
  const moved = () => (socket.writableLength === 0 ? Infinity : socket.bytesWritten - socket.writableLength);
  response.once(
    'close',
    pace.watch(moved, () => response.destroy()),
  );
}

/** False when there is no room for it. */
function hold(response: ServerResponse, bytes: number, traffic: Traffic): boolean {
  const held = traffic.answers.open(() => response.destroy());
  if (!held.grow(bytes)) {
    held.release();
    return false;
  }
  response.once('close', () => held.release());
  keepPace(response, traffic);
  return true;
}

/** As UTF-8, in slices. Others have their turns between: 64 MB at once would take 200 ms. */
async function encoded(text: string | Pieces): Promise<Buffer[]> {
  const slices: Buffer[] = [];
  const turns = new Turns();
  // Putting the text together has taken a turn already.
  await turns.next();
  for (const some of typeof text === 'string' ? [[text]] : gathered(text)) {
    const [only] = some;
    if (turns.over) await turns.next();
    if (some.length > 1 || only === undefined) slices.push(bytesOf(some));
    else for await (const slice of slicesOf(only, turns)) slices.push(slice);
  }
  return slices;
}

/** Together as many as a slice may have; longer ones alone. */
function* gathered(pieces: Pieces): Generator<Piece[]> {
  let some: Piece[] = [];
  let length = 0;
  for (const piece of pieces) {
    if (some.length > 0 && length + piece.length > SLICE) {
      yield some;
      [some, length] = [[], 0];
    }
    some.push(piece);
    length += piece.length;
  }
  if (some.length > 0) yield some;
}

async function* slicesOf(piece: Piece, turns: Turns): AsyncGenerator<Buffer> {
  for (let at = 0, end = 0; at < piece.length; at = end) {
    if (turns.over) await turns.next();
    end = Math.min(piece.length, at + SLICE);
    if (typeof piece !== 'string') {
      yield Buffer.from(piece.buffer, piece.byteOffset + at, end - at);
      continue;
    }
    // Half of a surrogate pair would become something else.
    if (isHighSurrogate(piece.charCodeAt(end - 1)) && end < piece.length) end += 1;
    yield Buffer.from(piece.slice(at, end));
  }
}

/** How many bytes it is as UTF-8. */
export function bytesIn(text: string | Pieces): number {
  if (typeof text === 'string') return Buffer.byteLength(text);
  return text.reduce((sum, piece) => sum + (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length), 0);
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
