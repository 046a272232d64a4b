/** What is refused before anything else looks at a request. */
import type { IncomingMessage } from 'node:http';
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

/** The names and addresses of this machine's own network: 127.0.0.0/8, ::1 and localhost. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.[0-9]{1,3}){3}$/.test(host);

export function guard(request: IncomingMessage, loopbackOnly: boolean): void {
  if ((request.url?.length ?? 0) > limits.urlBytes) {
    throw failure(
      'url-too-long',
      `A URL may have at most ${limits.urlBytes} bytes (limit urlBytes); use POST _search.`,
    );
  }
  if (bytesOf(request.rawHeaders) > limits.headerBytes) {
    throw failure('headers-too-large', `Headers may have ${limits.headerBytes} bytes together (limit headerBytes).`);
  }
  if (request.headers.host === undefined && request.httpVersion === '1.1') {
    throw failure('malformed', 'HTTP/1.1 asks for a Host header (RFC 9112 3.2).', 'http.Host');
  }
  if (loopbackOnly) refuseStrangers(request);
}

/** Names and values with what stands between them. */
function bytesOf(rawHeaders: string[]): number {
  let bytes = rawHeaders.length * 2;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

/**
 * In open mode everybody who reaches the server is its operator. A page of another site must not become one: neither
 * under a name that it has made to point here (DNS rebinding), nor by a request that a browser sends for it.
 */
function refuseStrangers(request: IncomingMessage): void {
  const host = nameOf(request.headers.host ?? '');
  if (!isLoopback(host)) {
    throw failure('forbidden', `In open mode this server answers to localhost only, not to "${host.slice(0, 60)}".`);
  }
  const origin = request.headers.origin;
  if (origin !== undefined && !isLoopback(nameOf(origin.replace(/^https?:\/\//, '')))) {
    throw failure(
      'forbidden',
      `In open mode no page of another site is answered, such as of "${origin.slice(0, 60)}".`,
    );
  }
}

const nameOf = (host: string): string => host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
