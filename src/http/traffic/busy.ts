/** The answer of a server that has too much to do. Made once: to tell it to many must cost next to nothing. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { failure, operationOutcome } from '../../fhir/outcome.js';

export const overloaded = failure(
  'unavailable',
  'The server has too much to do. Nothing was done; try again.',
  undefined,
  { 'Retry-After': '1' },
);

/** Why work is given up that nobody waits for any more: no fault of the server, and nobody hears it. */
export const left = failure('request-timeout', 'The client left before its answer was there.');

const body = Buffer.from(JSON.stringify(operationOutcome(overloaded.issues)));

const headers = {
  ...overloaded.headers,
  'Content-Type': 'application/fhir+json; charset=utf-8',
  'Content-Length': body.length,
  'Cache-Control': 'no-store',
};
const lastHeaders = { ...headers, Connection: 'close' };

/** A body of this size is read over, so that the connection can stay; a longer one is not waited for. */
const READ_OVER = 64 * 1024;

export function refuseBusy(request: IncomingMessage, response: ServerResponse): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  const stays = encoding === undefined && Number(length ?? 0) <= READ_OVER;
  response.writeHead(overloaded.status, stays ? headers : lastHeaders).end(body);
}
