/** Which client asks: one way of four, and never two at once. (RFC 6749 2.3, SMART client-confidential-symmetric.html) */
import { ASSERTION_TYPE } from './assertion.js';
import type { Client, ClientAuthentication, Clients } from './clients.js';
import { OAuthFailure } from './failure.js';
import type { Form } from './form.js';
import { digest, isSame } from './secrets.js';

/** Throws `invalid_client`, which never says whether there is such a client. */
export type ClientAuthenticator = (form: Form, authorization: string | undefined) => Promise<Client>;

export function createClientAuthentication(
  clients: Clients,
  clientOfAssertion: (assertion: string) => Promise<Client>,
  /** The `client_id` for which a refresh token was given. */
  ownerOf: (refreshToken: string) => Promise<string | undefined>,
): ClientAuthenticator {
  async function bySecret(id: string, secret: string, headers: Record<string, string>): Promise<Client> {
    const client = await clients.find(id);
    const fits = isSame(digest(secret), client?.secret ?? '');
    if (client?.authentication !== 'client_secret' || !fits) throw invalid('client_id or secret is wrong.', headers);
    return client;
  }

  async function byName(id: string): Promise<Client> {
    const client = await clients.find(id);
    if (client?.authentication !== 'none') throw invalid('the client is unknown, or has to authenticate.');
    return client;
  }

  /** Many apps send no client_id with a refresh; the token itself is bound to one, and of a public client that is enough. */
  async function byRefreshToken(token: string): Promise<Client> {
    const id = await ownerOf(token);
    if (id === undefined)
      throw new OAuthFailure('invalid_grant', 'The refresh token is unknown, expired, used or revoked.');
    return byName(id);
  }

  return async (form, authorization) => {
    const basic = authorization !== undefined && /^basic /i.test(authorization);
    const ways = [basic, form.has('client_secret'), form.has('client_assertion')].filter(Boolean).length;
    if (ways > 1) throw new OAuthFailure('invalid_request', 'More than one way of client authentication.');
    const id = form.get('client_id');
    const client = basic
      ? await bySecret(...credentialsOf(authorization), CHALLENGE)
      : form.has('client_secret')
        ? await bySecret(id ?? '', form.get('client_secret') ?? '', {})
        : form.has('client_assertion') || form.has('client_assertion_type')
          ? await clientOfAssertion(assertionOf(form))
          : id === undefined && form.get('grant_type') === 'refresh_token' && form.has('refresh_token')
            ? await byRefreshToken(form.get('refresh_token') ?? '')
            : await byName(id ?? '');
    if (id !== undefined && id !== client.id) throw invalid('client_id is not that of the credentials.');
    return client;
  };
}

/** `token_endpoint_auth_methods_supported`, by what a client is registered as. */
export const methods: Record<ClientAuthentication, string[]> = {
  client_secret: ['client_secret_basic', 'client_secret_post'],
  private_key_jwt: ['private_key_jwt'],
  none: ['none'],
};

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="token", charset="UTF-8"' };

/** Both are form-encoded before they are joined, so a colon or a percent sign stays what it is. (RFC 6749 2.3.1) */
function credentialsOf(authorization: string): [string, string] {
  const text = Buffer.from(authorization.slice('basic '.length).trim(), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) throw invalid('the Authorization header is not Basic authentication.', CHALLENGE);
  try {
    const decoded = (part: string) => decodeURIComponent(part.replaceAll('+', ' '));
    return [decoded(text.slice(0, colon)), decoded(text.slice(colon + 1))];
  } catch {
    throw invalid('the Authorization header is not percent-encoded properly.', CHALLENGE);
  }
}

function assertionOf(form: Form): string {
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
    throw invalid(`client_assertion_type is not ${ASSERTION_TYPE}.`);
  }
  return form.get('client_assertion') ?? '';
}

const invalid = (why: string, headers?: Record<string, string>): OAuthFailure =>
  new OAuthFailure('invalid_client', `Client authentication failed: ${why}`, headers);
