/**
 * The keys that id_tokens are signed by. Time is cut into periods, and each has its key: made by whichever process needs
 * it first, shown before it signs, and shown on until the last token that it signed has expired. So keys rotate by
 * themselves, without a gap, and all processes of one store agree without a word. (OpenID Connect Core 10.1.1)
 */
import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';
import { assert } from '../kit/assert.js';
import { limits } from '../kit/limits.js';
import { createRecords, type Ground } from './records.js';

export interface Keys {
  /** The public keys as JSON, and for how many milliseconds they stay right. */
  jwks(): Promise<{ text: string; freshMs: number }>;
  /** Signs by the key of this moment: RS256, the one algorithm that all clients know. */
  sign(claims: Record<string, unknown>): Promise<string>;
}

/** How long before its period a key is shown, and after it. */
const AROUND_MS = 24 * 3600 * 1000;
/** Private keys of this process are read from the vault once. */
const KEPT = 4;

export function createKeys({ vault, clock }: Ground): Keys {
  const records = createRecords<JWK>(vault, 'key');
  const known = new Map<number, Promise<JWK>>();

  const periodAt = (instant: number) => Math.floor(instant / limits.keyMs);

  function keyOf(period: number): Promise<JWK> {
    let key = known.get(period);
    if (key === undefined) {
      key = made(period);
      known.set(period, key);
      key.catch(() => known.delete(period));
      for (const old of known.keys()) if (known.size > KEPT) known.delete(old);
    }
    return key;
  }

  async function made(period: number): Promise<JWK> {
    const there = await records.get(String(period));
    if (there !== undefined) return there;
    const { privateKey } = await generateKeyPair('RS256', { extractable: true, modulusLength: 2048 });
    const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: `${period}-${crypto.randomUUID()}` };
    await records.claim(String(period), jwk, (period + 1) * limits.keyMs + 2 * AROUND_MS);
    // Another process may have been faster.
    const kept = await records.get(String(period));
    assert(kept !== undefined, 'the key was just put into the vault');
    return kept;
  }

  return {
    async jwks() {
      const now = clock.now();
      const periods = new Set([periodAt(now - AROUND_MS), periodAt(now), periodAt(now + AROUND_MS)]);
      // What ended before this store signed anything was never made, and is not made up now.
      const keys = [];
      for (const period of periods) {
        const key = period < periodAt(now) ? await records.get(String(period)) : await keyOf(period);
        if (key !== undefined) keys.push(publicOf(key));
      }
      return { text: JSON.stringify({ keys }), freshMs: limits.keysFreshMs };
    },
    async sign(claims) {
      const jwk = await keyOf(periodAt(clock.now()));
      const { kid } = jwk;
      assert(kid !== undefined, 'our keys have names');
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
        .sign(await importJWK(jwk, 'RS256'));
    },
  };
}

const publicOf = ({ kty, n, e, alg, use, kid }: JWK) => ({ kty, n, e, alg, use, kid });
