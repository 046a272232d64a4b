/**
 * `Idempotency-Key`: a client that did not hear the answer sends the same request again, and gets that answer. Its body
 * is hashed as it arrives, because the same key with another body is a mistake that must be told.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { failure } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import { parseMediaType } from '../../kit/media-type.js';
import type { Once } from '../../repository/once.js';
import type { Interaction } from './routes.js';

export interface Submission {
  /** Told of each piece of a body that is read as a whole. */
  add(chunk: Buffer): void;
  /** When the body is there; `part` is an entry of a batch. */
  once(part?: number): Once;
}

/** Undefined without the header, and for what may be repeated anyway. Throws 400 for what is no key. */
export function submissionOf(
  { headers, method, url }: IncomingMessage,
  interaction: Interaction,
): Submission | undefined {
  const key = headers[HEADER];
  if (key === undefined || !WRITING.has(interaction)) return undefined;
  if (typeof key !== 'string' || !isKey(key)) {
    const say = `An Idempotency-Key is 1 to ${limits.idempotencyKeyCharacters} characters of printable ASCII`;
    throw failure('value', `${say}, such as a UUID, and each request has its own.`, 'http.Idempotency-Key');
  }
  const type = headers['content-type'];
  const hash = createHash('sha256');
  const said = [method, url, type === undefined ? '' : (parseMediaType(type)?.essence ?? type)];
  hash.update(JSON.stringify([...said, ...MEANING.map((name) => headers[name] ?? '')]));
  let request: string | undefined;
  return {
    add: (chunk) => hash.update(chunk),
    once(part) {
      request ??= hash.digest('hex');
      return { key, request, ...(part === undefined ? {} : { part }) };
    },
  };
}

const HEADER = 'idempotency-key';

const WRITING: ReadonlySet<Interaction> = new Set(['create', 'update', 'patch', 'delete', 'transaction']);

/** Headers without which the same body would ask for something else. */
const MEANING = ['if-match', 'if-none-match', 'if-none-exist', 'x-security-context'] as const;

const isKey = (text: string): boolean => text.length <= limits.idempotencyKeyCharacters && /^[\x20-\x7e]+$/.test(text);

/** What an answer says that was given before. */
export const replayedHeader = (replayed: boolean | undefined): Record<string, string> =>
  replayed === true ? { 'Idempotent-Replayed': 'true' } : {};
