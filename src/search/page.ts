/**
 * Page cursors: where a page ended, signed and bound to the query it belongs to, so that nobody makes one up or uses
 * it with another query. A cursor outlives a restart as long as the secret does.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

/** Plain JSON, as the store gives it. */
export type CursorPosition = (string | number | null)[];

export interface Cursors {
  /** @param binding what the cursor belongs to: the types and the applied query */
  seal(position: CursorPosition, binding: string): string;
  /** Throws a FhirError for whatever this server did not seal for this binding. */
  open(text: string, binding: string): CursorPosition;
}

export function createCursors(secret: string): Cursors {
  const signature = (payload: string, binding: string): string => {
    const bound = createHash('sha256').update(binding).digest('hex');
    return createHmac('sha256', secret).update(`${bound}.${payload}`).digest('base64url');
  };
  return {
    seal(position, binding) {
      const payload = Buffer.from(JSON.stringify(position)).toString('base64url');
      return `${payload}.${signature(payload, binding)}`;
    },
    open(text, binding) {
      const [payload = '', signed = '', ...rest] = text.length > limits.urlBytes ? [] : text.split('.', 3);
      const genuine = rest.length === 0 && payload !== '' && sameText(signed, signature(payload, binding));
      if (!genuine) throw failure('value', NOT_OURS, 'http._cursor');
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as CursorPosition;
    },
  };
}

const NOT_OURS =
  'The _cursor is not one that this server made for this query. Follow the next link of a page as it is, ' +
  'or leave _cursor out to begin anew.';

/** In a time that does not tell how much was right. */
function sameText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
