/** The request headers that steer an interaction: Prefer and the conditional ones (R4 http.html#ops, #concurrency). */
import type { IncomingHttpHeaders } from 'node:http';
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

const ETAG = /^(?:W\/)?"([^"]{0,64})"$/;

/** `If-Match` and `If-None-Match: *` of a write. */
export function conditionsOf(headers: IncomingHttpHeaders): Conditions {
  const conditions: Conditions = {};
  const ifMatch = headers['if-match'];
  if (ifMatch === '*') conditions.ifMatch = '*';
  else if (ifMatch !== undefined) {
    const tag = ETAG.exec(ifMatch.trim())?.[1];
    if (tag === undefined) {
      throw failure('value', `If-Match: ${ifMatch.slice(0, 60)} is not an ETag such as W/"3".`, 'http.If-Match');
    }
    // A tag of another form is none of ours, so no version of ours can match it.
    conditions.ifMatch = /^[1-9][0-9]{0,14}$/.test(tag) ? Number(tag) : -1;
  }
  if (headers['if-none-match'] === '*') conditions.ifAbsent = true;
  return conditions;
}

/** Does the client hold this version already? `If-None-Match` wins over `If-Modified-Since` (RFC 9110 13.2.2). */
export function notModified(headers: IncomingHttpHeaders, version: number, updated: number): boolean {
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return true;
    return ifNoneMatch.split(',').some((tag) => ETAG.exec(tag.trim())?.[1] === String(version));
  }
  const since = headers['if-modified-since'];
  if (since === undefined) return false;
  const time = Date.parse(since);
  // HTTP dates have no milliseconds.
  return !Number.isNaN(time) && Math.floor(updated / 1000) * 1000 <= time;
}
