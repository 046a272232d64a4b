/** A request's body, read within its bounds: how many bytes, and how long they may take. */
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { failure } from '../fhir/outcome.js';
import { limits, type LimitName } from '../kit/limits.js';

/** Rejects with 413 before more than the limit is kept, 408 when the bytes do not come, 400 when they stop half way. */
export function readBody(request: IncomingMessage, limit: LimitName): Promise<Buffer> {
  const atMost = limits[limit];
  refuseEncoding(request);
  refuseLength(request, limit);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => {
      stop(failure('request-timeout', `The body did not arrive within ${limits.requestMs} ms (limit requestMs).`));
    }, limits.requestMs);
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > atMost) stop(tooLarge(limit));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      detach();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    };
    const onClose = () => stop(endedEarly());
    const detach = () => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const stop = (reason: Error) => {
      detach();
      request.on('error', () => undefined);
      reject(reason);
    };
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/**
 * The body as a stream of its own: whoever stops reading it leaves the connection open for the answer. It fails with
 * 400 when the body stops half way.
 */
export function bodyStream(request: IncomingMessage): Readable {
  const stream = new PassThrough();
  const stop = () => {
    if (!request.complete) stream.destroy(endedEarly());
  };
  request.on('close', stop).on('error', stop);
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

const tooLarge = (limit: LimitName) =>
  failure('too-large', `The body has more than the ${limits[limit]} bytes it may have (limit ${limit}).`, undefined, {
    Connection: 'close',
  });
