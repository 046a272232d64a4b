/** What is refused before anything else looks at a request. */
import type { IncomingMessage } from 'node:http';
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

export function guard(request: IncomingMessage, loopbackOnly: boolean): void {
  if ((request.url?.length ?? 0) > limits.urlBytes) {
    throw failure(
      'url-too-long',
      `A URL may have at most ${limits.urlBytes} bytes (limit urlBytes); use POST _search.`,
    );
  }
  if (loopbackOnly) refuseStrangers(request);
}

/**
 * In open mode everybody who reaches the server is its operator. A page of another site must not become one: neither
 * under a name that it has made to point here (DNS rebinding), nor by a request that a browser sends for it.
 */
function refuseStrangers(request: IncomingMessage): void {
  const host = nameOf(request.headers.host ?? '');
  if (!LOOPBACK_NAMES.has(host)) {
    throw failure('forbidden', `In open mode this server answers to localhost only, not to "${host.slice(0, 60)}".`);
  }
  const origin = request.headers.origin;
  if (origin !== undefined && !LOOPBACK_NAMES.has(nameOf(origin.replace(/^https?:\/\//, '')))) {
    throw failure(
      'forbidden',
      `In open mode no page of another site is answered, such as of "${origin.slice(0, 60)}".`,
    );
  }
}

const nameOf = (host: string): string => host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
