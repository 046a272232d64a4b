/** Ids and tokens: those of resources sort by time, and none can be guessed. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Instant } from './clock.js';

/**
 * A resource id that the server assigns: a UUID of version 7 (RFC 9562), so that ids sort by time and new rows land
 * at the end of an index. 74 bits are random: nobody guesses one.
 */
export function timeOrderedId(now: Instant): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const requestId = (): string => randomUUID();

/** 256 random bits as base64url. */
export const unguessableToken = (): string => randomBytes(32).toString('base64url');
