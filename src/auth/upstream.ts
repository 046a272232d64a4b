/**
 * People sign in where they already have an account: at an OpenID Provider that the operator named. It says who they
 * are; whom they act for, and what they may do, is said by their account here. (OpenID Connect Core 3.1)
 */
import { createHash } from 'node:crypto';
import * as openid from 'openid-client';
import type { Clock } from '../kit/clock.js';
import { unguessableToken } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Vault } from '../store/port.js';
import { OAuthFailure } from './failure.js';
import { createRecords } from './records.js';
import { digest } from './secrets.js';
import type { SignInRequest } from './strategies.js';

export interface UpstreamSettings {
  /** The provider's `iss`. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** What a SMART server wants to know as `aud`; else empty. */
  audience: string;
  /** Ours, as it was registered there. */
  redirectUri: string;
}

export interface Upstream {
  /** As people know it: its host. */
  name: string;
  /** Its origin. */
  place: string;
  /** Where the browser goes to sign in there, for this authorization request of ours, and what its session keeps. */
  begin(transaction: string): Promise<{ location: string; state: string }>;
  /** Whom the provider says it is. `undefined` for an answer to a question that this browser never asked. */
  identify(request: SignInRequest): Promise<{ issuer: string; subject: string } | undefined>;
  /** The authorization request for which the browser was sent away. */
  transactionOf(state: string): Promise<string | undefined>;
}

interface Question {
  verifier: string;
  nonce: string;
  transaction: string;
}

export function createUpstream(settings: UpstreamSettings, vault: Vault, clock: Clock): Upstream {
  const questions = createRecords<Question>(vault, 'question');
  const back = createRecords<string>(vault, 'returns');
  let found: Promise<openid.Configuration> | undefined;

  /** Read once; when the provider did not answer, the next one who signs in asks again. */
  function provider(): Promise<openid.Configuration> {
    found ??= openid
      .discovery(new URL(settings.issuer), settings.clientId, settings.clientSecret, undefined, {
        timeout: limits.jwksMs / 1000,
        // A provider on this machine is for trying things out; elsewhere the library insists on https.
        ...(isLoopback(settings.issuer) ? { execute: [insecurely] } : {}),
      })
      .catch((error: unknown) => {
        found = undefined;
        throw new OAuthFailure(
          'temporarily_unavailable',
          `${settings.issuer} does not answer as it should: ${told(error)}`,
        );
      });
    return found;
  }

  return {
    name: new URL(settings.issuer).host,
    place: new URL(settings.issuer).origin,
    async begin(transaction) {
      const configuration = await provider();
      const [state, verifier, nonce] = [unguessableToken(), unguessableToken(), unguessableToken()];
      await questions.put(digest(state), { verifier, nonce, transaction }, clock.now() + limits.signInMs);
      await back.put(digest(state), transaction, clock.now() + limits.signInMs);
      const location = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: settings.redirectUri,
        scope: 'openid',
        state,
        nonce,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...(settings.audience === '' ? {} : { aud: settings.audience }),
      });
      return { location: location.href, state };
    },
    async identify(request) {
      const url = new URL(settings.redirectUri);
      url.search = new URL(request.url ?? '/', 'http://here').search;
      const state = url.searchParams.get('state') ?? '';
      // Once, and only in the browser that was sent there: nobody signs somebody else in as themselves.
      const asked = (request.session as { upstream?: string } | undefined)?.upstream;
      const question = asked === state && state !== '' ? await questions.take(digest(state)) : undefined;
      if (question === undefined) return undefined;
      const checks = { pkceCodeVerifier: question.verifier, expectedState: state, expectedNonce: question.nonce };
      // The user may have refused there; whatever else it is, nobody is signed in by it.
      const tokens = await openid
        .authorizationCodeGrant(await provider(), url, { ...checks, idTokenExpected: true })
        .catch(() => undefined);
      const { iss, sub } = tokens?.claims() ?? {};
      return iss === undefined || sub === undefined ? undefined : { issuer: iss, subject: sub };
    },
    transactionOf: (state) => back.get(digest(state)),
  };
}

/** Marked as deprecated so that nobody uses it by mistake; here it is for this machine alone. */
const insecurely: (configuration: openid.Configuration) => void = Reflect.get(openid, 'allowInsecureRequests');

const told = (error: unknown): string => (error instanceof Error ? error.message : 'unknown').slice(0, 200);

const isLoopback = (url: string): boolean => /^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(url);
