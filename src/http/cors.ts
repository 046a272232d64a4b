/**
 * Which pages of other origins may read what (https://fetch.spec.whatwg.org/#http-cors-protocol; SMART App Launch 2.2
 * asks for it): documents that tell nothing of anybody are for all, FHIR and the token endpoints for origins that were
 * named. Cookies never travel, so whoever calls from a page brings a token.
 */
import type { NextFunction, Request, Response } from 'express';

/** TABLE: which URLs a page of another origin may call; what is in no row, such as the sign-in, none may. */
const rows: readonly { path: RegExp; for: 'everybody' | 'named' }[] = [
  { path: /^\/fhir\/(?:metadata|\.well-known\/)/, for: 'everybody' },
  { path: /^\/(?:\.well-known\/|auth\/(?:jwks|style\/))/, for: 'everybody' },
  { path: /^\/fhir(?:\/|\?|$)/, for: 'named' },
  { path: /^\/auth\/(?:token|revoke|introspect|register|userinfo)(?:\/|\?|$)/, for: 'named' },
];

/** Methods and headers that a page may send, and answers' headers that it may read. */
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED =
  'Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, If-Range, Prefer, Range, X-Security-Context';
const EXPOSED =
  'Accept-Ranges, Content-Disposition, Content-Location, Content-Range, ETag, Idempotent-Replayed, Last-Modified, Location, Retry-After, WWW-Authenticate, X-Request-Id';

/** Seconds for which a browser need not ask again. */
const MAX_AGE = '600';

/** `isNamed` says whether pages of this origin may call FHIR. */
export function cors(isNamed: (origin: string) => boolean | Promise<boolean>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const { origin } = request.headers;
    if (origin === undefined) {
      next();
      return;
    }
    const row = rows.find(({ path }) => path.test(request.url));
    const named = row?.for === 'named' ? isNamed(origin) : false;
    if (typeof named === 'boolean') answer(request, response, next, origin, row, named);
    // A store that does not answer names nobody.
    else {
      named.then(
        (is) => answer(request, response, next, origin, row, is),
        () => answer(request, response, next, origin, row, false),
      );
    }
  };
}

function answer(
  request: Request,
  response: Response,
  next: NextFunction,
  origin: string,
  row: (typeof rows)[number] | undefined,
  isNamed: boolean,
): void {
  // Even where this origin may not read: a cache must not give its answer to one that may.
  response.setHeader('Vary', 'Origin');
  const allowed = row?.for === 'everybody' ? '*' : isNamed ? origin : undefined;
  const asksFirst = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
  if (allowed !== undefined) {
    response.setHeader('Access-Control-Allow-Origin', allowed);
    response.setHeader('Access-Control-Expose-Headers', EXPOSED);
  }
  if (!asksFirst) {
    next();
    return;
  }
  if (allowed !== undefined) {
    response.setHeader('Access-Control-Allow-Methods', METHODS);
    response.setHeader('Access-Control-Allow-Headers', ALLOWED);
    response.setHeader('Access-Control-Max-Age', MAX_AGE);
  }
  // A browser takes the missing headers for the refusal; there is nothing to tell beyond that.
  response.writeHead(204).end();
}
