/** Bodies of answers on their way: counted while they stand in memory, and cut where nobody takes them. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Turns } from '../../kit/turns.js';
import { overloaded } from './busy.js';
import type { Traffic } from './index.js';

/** What is written at once; of more than this, progress can be seen only slice by slice. */
const SLICE = 256 * 1024;

const SHORT = 16 * 1024;

/** Ends the answer with the body. Throws 503, before the head is out, when too many bytes are under way already. */
export async function sendBody(
  response: ServerResponse,
  head: (bytes: number) => ServerResponse,
  text: string,
  traffic: Traffic,
): Promise<void> {
  if (text.length <= SLICE) {
    // A short text goes out together with the head, in one piece; a long one would be copied for that.
    const body = text.length <= SHORT ? text : Buffer.from(text);
    const bytes = Buffer.byteLength(body);
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
async function encoded(text: string): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  const turns = new Turns();
  // Putting the text together has taken a turn already.
  await turns.next();
  for (let at = 0, end = 0; at < text.length; at = end) {
    if (turns.over) await turns.next();
    end = Math.min(text.length, at + SLICE);
    // Half of a surrogate pair would become something else.
    if (isHighSurrogate(text.charCodeAt(end - 1)) && end < text.length) end += 1;
    pieces.push(Buffer.from(text.slice(at, end)));
  }
  return pieces;
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
