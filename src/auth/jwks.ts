/** The public keys of a client: those that it was registered with, or those at its URL, kept as long as they say. */
import type { JWK } from 'jose';
import type { Clock, Instant } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { Client } from './clients.js';
import type { Fetch } from './outbound.js';

/** The keys that fit: how many there are is for the caller to judge. Throws when they cannot be had. */
export type KeysOf = (client: Client, kid: string, kty: string) => Promise<JWK[]>;

interface Kept {
  keys: JWK[];
  until: Instant;
  /** When a key that was not there may be looked for again. */
  again: Instant;
}

export function createKeysOf(fetch: Fetch, clock: Clock): KeysOf {
  const kept = new Map<string, Kept>();
  const asking = new Map<string, Promise<Kept>>();

  async function ask(url: string): Promise<Kept> {
    const { text, freshMs } = await fetch(url);
    const now = clock.now();
    const found = { keys: keysIn(JSON.parse(text)), until: now + freshMs, again: now + limits.jwksAgainMs };
    for (const oldest of kept.keys()) {
      if (kept.size < limits.clients) break;
      kept.delete(oldest);
    }
    kept.set(url, found);
    return found;
  }

  /** One question at a time for one URL, however many clients' requests wait for it. */
  function askOnce(url: string): Promise<Kept> {
    const going = asking.get(url) ?? ask(url).finally(() => asking.delete(url));
    asking.set(url, going);
    return going;
  }

  return async ({ jwks, jwksUri }, kid, kty) => {
    const fitting = (keys: JWK[]) => keys.filter((key) => key.kid === kid && key.kty === kty);
    if (jwksUri === undefined) return fitting(jwks?.keys ?? []);
    const there = kept.get(jwksUri);
    const now = clock.now();
    if (there !== undefined && now < there.until) {
      const found = fitting(there.keys);
      // A key that came since: one more look, and no more than one a minute.
      if (found.length > 0 || now < there.again) return found;
    }
    return fitting((await askOnce(jwksUri)).keys);
  };
}

/** What is no key is passed over, and so is what tells a private one. */
function keysIn(document: unknown): JWK[] {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('no JSON Web Key Set');
  return (keys as unknown[])
    .slice(0, limits.jwksKeys)
    .filter((key): key is JWK => typeof key === 'object' && key !== null && !('d' in key) && !('k' in key));
}
