/** The request headers that steer an interaction: Prefer and the conditional ones (R4 http.html#ops, #concurrency). */
import type { IncomingHttpHeaders } from 'node:http';
import { versionsNamed } from '../../fhir/etag.js';
import { failure } from '../../fhir/outcome.js';
import type { Conditions } from '../../repository/conditions.js';

export interface Prefer {
  return: 'minimal' | 'representation' | 'OperationOutcome';
  lenient: boolean;
}

const RETURNS = ['minimal', 'representation', 'OperationOutcome'] as const;

/** A preference that is not known is passed over, as RFC 7240 asks. */
export function preferOf(headers: IncomingHttpHeaders): Prefer {
  const header = headers.prefer;
  const prefer: Prefer = { return: 'representation', lenient: false };
  if (header === undefined) return prefer;
  for (const part of String(header).split(/[,;]/)) {
    const [name = '', value = ''] = part.split('=').map((text) => text.trim());
    if (name === 'return') prefer.return = RETURNS.find((known) => known === value) ?? prefer.return;
    if (name === 'handling') prefer.lenient = value === 'lenient';
  }
  return prefer;
}

/** `If-Match` and `If-None-Match` of a write. A condition that is not served is refused: ignored, it would lie. */
export function conditionsOf(headers: IncomingHttpHeaders): Conditions {
  if (headers['if-unmodified-since'] !== undefined) {
    const say = 'If-Unmodified-Since is not served; name the version by If-Match instead.';
    throw failure('not-supported', say, 'http.If-Unmodified-Since');
  }
  const ifMatch = tagsOf('If-Match', headers['if-match']);
  const ifNoneMatch = tagsOf('If-None-Match', headers['if-none-match']);
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

function tagsOf(name: string, header: string | undefined): string[] | '*' | undefined {
  if (header === undefined) return undefined;
  const versions = versionsNamed(header);
  if (versions !== undefined) return versions;
  throw failure('value', `${name}: ${header.slice(0, 60)} is not an ETag such as W/"3".`, `http.${name}`);
}

/** Does the client hold this version already? `If-None-Match` wins over `If-Modified-Since` (RFC 9110 13.2.2). */
export function notModified(headers: IncomingHttpHeaders, version: number, updated: number): boolean {
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    const versions = versionsNamed(ifNoneMatch);
    return versions === '*' || versions?.includes(String(version)) === true;
  }
  const since = headers['if-modified-since'];
  if (since === undefined) return false;
  const time = Date.parse(since);
  // HTTP dates have no milliseconds.
  return !Number.isNaN(time) && Math.floor(updated / 1000) * 1000 <= time;
}
