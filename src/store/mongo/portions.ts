/**
 * Many documents in portions, a command each: the driver makes the bytes of all documents of a command before anybody
 * else has their turn of the event loop.
 */
import type { VersionDocument } from './schema.js';

/** Documents of one portion, and characters of their texts: some milliseconds of work. */
const MOST = 100;
const MOST_CHARACTERS = 256 * 1024;

export interface Portion {
  from: number;
  to: number;
}

export function portionsOf(documents: readonly Pick<VersionDocument, 'text'>[]): Portion[] {
  const portions: Portion[] = [];
  let [from, characters] = [0, 0];
  for (const [at, { text = '' }] of documents.entries()) {
    characters += text.length;
    if (at > from && (at - from === MOST || characters > MOST_CHARACTERS)) {
      portions.push({ from, to: at });
      [from, characters] = [at, text.length];
    }
  }
  if (from < documents.length) portions.push({ from, to: documents.length });
  return portions;
}
