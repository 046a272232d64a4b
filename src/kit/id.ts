/** Ids and tokens: those of resources sort by time, and none can be guessed. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Instant } from './clock.js';

/**
 * A resource id that the server assigns: a UUID of version 7 (RFC 9562), so that ids sort by time and new rows land
 * at the end of an index. 74 bits are random: nobody guesses one.
 */
export function timeOrderedId(now: Instant): string {
  const time = now.toString(16).padStart(12, '0');
  // A UUID of version 4 comes from a stock of random bytes; asking for bytes of one's own takes twenty times as long.
  const random = randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

export const requestId = (): string => randomUUID();

/** 256 random bits as base64url. */
export const unguessableToken = (): string => randomBytes(32).toString('base64url');
