/** A request's body, read within its bounds: how many bytes, and how long they may take. */
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { failure } from '../fhir/outcome.js';
import { limits, type LimitName } from '../kit/limits.js';
import { Turns } from '../kit/turns.js';
import type { Ticket } from './traffic/admission.js';
import { overloaded } from './traffic/busy.js';
import type { Traffic } from './traffic/index.js';

/** A request that was let in, and what counts its bytes. */
export interface Arrival {
  request: IncomingMessage;
  ticket: Ticket;
  traffic: Traffic;
  /** Told of a body that is read as a whole, piece by piece. */
  submission?: { add(chunk: Buffer): void };
}

/**
 * The whole body, when the request's turn has come: while it arrives it keeps nobody from being served. Rejects with
 * 413 before more than the limit is kept, 408 when the bytes do not come, 400 when they stop half way, and 503 when the
 * bodies of all requests together are too much.
 */
export async function readBody(arrival: Arrival, limit: LimitName): Promise<Buffer> {
  const { request, ticket } = arrival;
  refuseEncoding(request);
  refuseLength(request, limit);
  const body = await joined(await arrived(arrival, limit));
  await ticket.turn();
  return body;
}

function arrived({ request, ticket, traffic, submission }: Arrival, limit: LimitName): Promise<Buffer[]> {
  const atMost = limits[limit];
  const { bodyMs } = traffic.limits;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const held = traffic.bodies.open(() => stop(overloaded));
    ticket.whenLeft(() => held.release());
    const timer = setTimeout(() => {
      stop(failure('request-timeout', `The body did not arrive within ${bodyMs} ms (limit bodyMs).`));
    }, bodyMs);
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > atMost) stop(tooLarge(limit));
      else if (held.grow(chunk.length)) {
        chunks.push(chunk);
        submission?.add(chunk);
      } else stop(overloaded);
    };
    const onEnd = () => {
      held.settle();
      detach();
      resolve(chunks);
    };
    const onClose = () => stop(endedEarly());
    const detach = () => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const stop = (reason: Error) => {
      held.release();
      detach();
      request.on('error', () => undefined);
      reject(reason);
    };
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** In memory of its own. Of a long one, others have their turns while it is copied. */
async function joined(chunks: Buffer[]): Promise<Buffer> {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const body = Buffer.allocUnsafe(chunks.reduce((size, { length }) => size + length, 0));
  const turns = new Turns();
  let at = 0;
  for (const chunk of chunks) {
    if (turns.over) await turns.next();
    at += chunk.copy(body, at);
  }
  return body;
}

/**
 * The body as a stream of its own: whoever stops reading it leaves the connection open for the answer. It fails with
 * 400 when the body stops half way, and 408 when it comes too slowly.
 */
export function bodyStream({ request, ticket, traffic }: Arrival): Readable {
  ticket.transfer();
  const stream = new PassThrough();
  const stop = () => {
    if (!request.complete) stream.destroy(endedEarly());
  };
  request.on('close', stop).on('error', stop);
  // A write that is refused before it reads leaves nobody who would hear of this stream's end.
  stream.on('error', () => undefined);
  const moved = () => (stream.writableNeedDrain ? Infinity : request.socket.bytesRead);
  const unwatch = traffic.pace.watch(moved, () => stream.destroy(tooSlow(traffic)));
  stream.once('close', unwatch);
  return request.pipe(stream);
}

/** Compressed bodies would have to be bounded by what they become; nobody needs them here. */
export function refuseEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw failure(
      'unsupported-media-type',
      `Content-Encoding ${encoding.slice(0, 40)} is not read; send the body as it is.`,
    );
  }
}

/** A body that announces too much is refused before a byte of it is read. */
export function refuseLength(request: IncomingMessage, limit: LimitName): void {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits[limit]) throw tooLarge(limit);
}

const endedEarly = () => failure('malformed', 'The body ended before it was complete. Nothing was written.');

const tooSlow = ({ limits: { paceBytes, paceMs } }: Traffic) =>
  failure(
    'request-timeout',
    `Less than ${paceBytes} bytes of the body came in ${paceMs} ms (limits paceBytes, paceMs). Nothing was written.`,
  );

const tooLarge = (limit: LimitName) =>
  failure('too-large', `The body has more than the ${limits[limit]} bytes it may have (limit ${limit}).`, undefined, {
    Connection: 'close',
  });
