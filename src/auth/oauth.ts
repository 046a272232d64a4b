/**
 * The one file that knows oauth2orize. It dispatches: which grant answers an authorization request, which exchange a
 * token request. What it would pass (parameters twice, plain PKCE, objects from forms, any scope) was refused before;
 * what it lacks (single use, rotation, assertions, OpenID Connect) stands in the files around. Requests and responses
 * are plain objects here: nothing of HTTP reaches it, and nothing it says reaches a client unseen.
 */
import oauth2orize from 'oauth2orize';
import { unguessableToken } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Client } from './clients.js';
import { exchanges, type ExchangeParts, type TokenResponse } from './exchanges/index.js';
import { asError, isOAuthCode, OAuthFailure } from './failure.js';
import type { Form } from './form.js';
import type { GrantRecord } from './grants.js';
import type { LaunchContext } from './launch.js';
import { createRecords } from './records.js';
import { printedScope, type AuthorizationRequest } from './request.js';
import { digest } from './secrets.js';

/** An authorization request that waits for its user. */
export interface Transaction {
  client: string;
  redirectUri: string;
  state: string;
  scope: string;
  challenge: string;
  nonce?: string;
  prompt: readonly string[];
  maxAge?: number;
  launch?: string;
  /** When it was asked, in milliseconds. */
  at: number;
  /** What the user has picked so far; `null`: there is none, and they were asked. */
  patient?: string;
  encounter?: string | null;
}

/** What the user decided. */
export type Decision =
  { allow: false } | { allow: true; grant: Omit<GrantRecord, 'id' | 'at'>; context: LaunchContext };

export interface OAuth {
  /** Keeps the request until its user has decided; the id that names it meanwhile. */
  begin(request: AuthorizationRequest): Promise<string>;
  find(id: string): Promise<Transaction | undefined>;
  update(id: string, transaction: Transaction): Promise<void>;
  /** To exactly one: a decision is made once. */
  take(id: string): Promise<Transaction | undefined>;
  /** Where the browser goes next: with a code, or with `access_denied`. */
  decide(transaction: Transaction, client: Client, decision: Decision): Promise<string>;
  /** Where the browser goes with an error of which the app is told. */
  refuse(
    transaction: Pick<Transaction, 'redirectUri'> & { state?: string | undefined },
    error: string,
    description?: string,
  ): string;
  /** Answers a token request. Throws an OAuthFailure. */
  token(form: Form, client: Client): Promise<TokenResponse>;
}

export function createOAuth(parts: ExchangeParts): OAuth {
  const { clock, issuer, vault } = parts.ground;
  const transactions = createRecords<Transaction>(vault, 'transaction');
  const server = oauth2orize.createServer({ store: nothingKept });

  /** Writes parameters behind a redirect URI without touching a byte of it, and says whose they are. (RFC 9207) */
  const toRedirect = (txn: { redirectURI: string }, res: Redirected, params: Record<string, string>) => {
    res.redirect(withParameters(txn.redirectURI, { ...params, iss: issuer }));
  };

  server.grant(
    oauth2orize.grant.code(
      { modes: { query: toRedirect } } as never,
      ((
        _client: Client,
        redirectUri: string,
        _user: unknown,
        { grant }: { grant: Omit<GrantRecord, 'id' | 'at'> },
        { challenge }: { challenge: string },
        issued: (error: unknown, code?: string) => void,
      ) => {
        parts.grants
          .open(grant)
          .then(({ id }) => parts.grants.issueCode({ grant: id, redirectUri, challenge }))
          .then((code) => issued(null, code), issued);
      }) as never,
    ) as never,
  );

  for (const [type, exchange] of Object.entries(exchanges)) {
    server.exchange(type, ((
      request: { form: Form; user: Client },
      response: Answered,
      next: (error: unknown) => void,
    ) => {
      exchange(request.user, request.form, parts).then(response.end, next);
    }) as never);
  }

  function decide(transaction: Transaction, client: Client, decision: Decision): Promise<string> {
    const { challenge, redirectUri, state } = transaction;
    const oauth2 = {
      client,
      redirectURI: redirectUri,
      req: { type: 'code', clientID: client.id, redirectURI: redirectUri, state, challenge },
      transactionID: '',
    };
    const decided = server.decision(
      { loadTransaction: false } as never,
      ((_request: unknown, done: (error: null, answer: unknown) => void) => done(null, decision)) as never,
    ) as unknown as Middleware;
    return new Promise((resolve, reject) => {
      decided({ body: {}, oauth2, user: {} }, { redirect: resolve, end: () => undefined }, reject);
    });
  }

  function token(form: Form, client: Client): Promise<TokenResponse> {
    const type = form.get('grant_type');
    if (type === undefined) return Promise.reject(new OAuthFailure('invalid_request', 'grant_type is missing.'));
    const answer = server.token() as unknown as Middleware;
    return new Promise<TokenResponse>((resolve, reject) => {
      answer({ body: { grant_type: type }, form, user: client }, { end: resolve, redirect: () => undefined }, (error) =>
        reject(told(error)),
      );
    });
  }

  return {
    async begin({ client, scopes, ...request }) {
      const id = unguessableToken();
      const transaction = { ...request, client: client.id, scope: printedScope(scopes), at: clock.now() };
      await transactions.put(digest(id), transaction, clock.now() + limits.signInMs);
      return id;
    },
    find: (id) => transactions.get(digest(id)),
    update: (id, transaction) => transactions.put(digest(id), transaction, transaction.at + limits.signInMs),
    take: (id) => transactions.take(digest(id)),
    decide,
    refuse: ({ redirectUri, state }, error, description) =>
      withParameters(redirectUri, {
        error,
        ...(description === undefined ? {} : { error_description: description }),
        ...(state === undefined ? {} : { state }),
        iss: issuer,
      }),
    token,
  };
}

interface Redirected {
  redirect: (location: string) => void;
}
interface Answered {
  end: (response: TokenResponse) => void;
}
type Middleware = (
  request: unknown,
  response: Redirected & { end: (response: never) => void },
  next: (error?: unknown) => void,
) => void;

/** Transactions stand in the vault, under ids that nobody guesses; oauth2orize's own would be 8 characters in a session. */
const nothingKept = {
  load: (_request: unknown, done: (error: Error) => void) => done(new Error('transactions are handed in')),
  store: (_request: unknown, _transaction: unknown, done: (error: null, id: string) => void) => done(null, ''),
  update: (_request: unknown, _id: unknown, _transaction: unknown, done: (error: null) => void) => done(null),
  remove: (_request: unknown, _id: unknown, done: () => void) => done(),
};

/** oauth2orize says 501 for a grant type that it does not know; RFC 6749 5.2 says 400. */
function told(error: unknown): Error {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  if (error instanceof OAuthFailure || !isOAuthCode(code)) return asError(error);
  return new OAuthFailure(code, code === 'unsupported_grant_type' ? 'No such grant_type here.' : (message ?? ''));
}

export function withParameters(uri: string, parameters: Record<string, string>): string {
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${uri}${uri.includes('?') ? '&' : '?'}${query.join('&')}`;
}
