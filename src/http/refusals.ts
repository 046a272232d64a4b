/** What Node's own HTTP would answer with bare words, before a request is one: told as an OperationOutcome instead. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { failure, operationOutcome, type FhirError } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

export type Listener = Server | TlsServer;

const malformed = failure('malformed', 'This is not HTTP/1.1 as RFC 9112 has it. Nothing was done.');
const tooLarge = failure(
  'headers-too-large',
  `A URL may have ${limits.urlBytes} bytes (limit urlBytes) and headers ${limits.headerBytes} together (limit headerBytes).`,
);
const tooSlow = failure('request-timeout', 'The head of the request did not arrive in time (limit headersMs).');
const noTunnel = failure('method-not-allowed', 'CONNECT is not served.');

/** Node's error code -> what it means. */
const told: Record<string, FhirError> = { HPE_HEADER_OVERFLOW: tooLarge, ERR_HTTP_REQUEST_TIMEOUT: tooSlow };

export function tellRefusals(server: Listener): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else answer(socket, told[error.code ?? ''] ?? malformed);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => answer(socket, noTunnel));
  // RFC 9110 10.1.1: an expectation that is not known may be passed over.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/** The connection ends with it: nobody knows where the next request would begin. */
function answer(socket: Duplex, { status, issues }: Pick<FhirError, 'status' | 'issues'>): void {
  socket.on('error', () => undefined);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { _httpMessage: pending } = socket as Duplex & { _httpMessage?: ServerResponse | null };
  if (pending?.req.complete === true) {
    // What came after a whole request is wrong, not that request: it gets its own answer, and then this is told.
    pending.once('close', () => answer(socket, { status, issues }));
    return;
  }
  if (pending?.headersSent === true) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(operationOutcome(issues));
  socket.end(
    `HTTP/1.1 ${status} \r\nContent-Type: application/fhir+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
