/**
 * A client proves who it is by what only it can sign. Each thing that may be wrong is a row; for the client all of them
 * are `invalid_client`. (SMART client-confidential-asymmetric.html, RFC 7523)
 */
import {
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  importJWK,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose';
import { limits } from '../kit/limits.js';
import type { Client, Clients } from './clients.js';
import { OAuthFailure } from './failure.js';
import type { KeysOf } from './jwks.js';
import { createRecords, type Ground } from './records.js';
import { digest } from './secrets.js';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** TABLE: algorithm -> kind of key. */
export const algorithms = { RS384: 'RSA', ES384: 'EC' } as const satisfies Record<string, string>;
type Algorithm = keyof typeof algorithms;

export interface AssertionParts {
  ground: Ground;
  clients: Clients;
  keysOf: KeysOf;
  /** What the client may have written as `aud`. */
  audiences: readonly string[];
}

interface Assertion {
  header: ProtectedHeaderParameters;
  claims: JWTPayload;
  /** Seconds since 1970. */
  now: number;
  audiences: readonly string[];
}

/** TABLE: what must hold before any key is looked for, and what is said when it does not. */
const checks: readonly [string, (assertion: Assertion) => boolean][] = [
  ['typ is not JWT', ({ header }) => header.typ === 'JWT'],
  ['kid is missing', ({ header }) => isText(header.kid)],
  ['alg is none of RS384, ES384', ({ header }) => Object.hasOwn(algorithms, header.alg ?? '')],
  // An extension that must be understood is not. (RFC 7515 4.1.11)
  ['crit is not understood', ({ header }) => header.crit === undefined],
  ['iss and sub are not both the client_id', ({ claims }) => isText(claims.iss) && claims.iss === claims.sub],
  [
    'aud is not the token endpoint',
    ({ claims, audiences }) => [claims.aud].flat().some((one) => audiences.includes(one ?? '')),
  ],
  ['exp is missing', ({ claims }) => typeof claims.exp === 'number'],
  ['exp is past', ({ claims, now }) => Number(claims.exp) > now],
  [
    'exp is more than five minutes ahead',
    ({ claims, now }) => Number(claims.exp) <= now + (limits.assertionMs + limits.skewMs) / 1000,
  ],
  ['nbf is ahead', ({ claims, now }) => claims.nbf === undefined || claims.nbf <= now + limits.skewMs / 1000],
  ['iat is ahead', ({ claims, now }) => claims.iat === undefined || claims.iat <= now + limits.skewMs / 1000],
  ['jti is missing', ({ claims }) => isText(claims.jti)],
];

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 512;

export function createAssertions({ ground: { vault, clock }, clients, keysOf, audiences }: AssertionParts) {
  const used = createRecords<true>(vault, 'jti');

  /** The client that signed it. Throws `invalid_client`. */
  return async function clientOf(assertion: string): Promise<Client> {
    const { header, claims } = read(assertion);
    const now = clock.now() / 1000;
    const failed = checks.find(([, holds]) => !holds({ header, claims, now, audiences }));
    if (failed !== undefined) throw invalid(failed[0]);
    const { sub = '', jti = '', exp = 0 } = claims;
    const client = await clients.find(sub);
    if (client?.authentication !== 'private_key_jwt') throw invalid('no such client with a key');
    if (header.jku !== undefined && header.jku !== client.jwksUri) throw invalid('jku is not the registered one');
    await verify(assertion, client, header.alg as Algorithm, header.kid ?? '');
    // The last of all: what is not signed uses nothing up.
    const fresh = await used.claim(digest(`${sub} ${jti}`), true, exp * 1000 + limits.skewMs);
    if (!fresh) throw invalid('jti has been used');
    return client;
  };

  async function verify(assertion: string, client: Client, alg: Algorithm, kid: string): Promise<void> {
    const keys = await keysOf(client, kid, algorithms[alg]).catch((error: unknown) => {
      throw invalid(`the client's keys cannot be read: ${error instanceof Error ? error.message : 'unknown'}`);
    });
    const [key] = keys;
    if (key === undefined || keys.length > 1) throw invalid(`${keys.length} keys fit kid and kty, not one`);
    try {
      await compactVerify(assertion, await importJWK({ ...key, alg }, alg), { algorithms: [alg] });
    } catch {
      throw invalid('the signature does not fit');
    }
  }
}

function read(assertion: string): { header: ProtectedHeaderParameters; claims: JWTPayload } {
  try {
    return { header: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) };
  } catch {
    throw invalid('not a JWT');
  }
}

const invalid = (why: string): OAuthFailure => new OAuthFailure('invalid_client', `client_assertion: ${why}.`);
