/** A refresh token, once: the answer brings the next one. For the same scopes, or fewer. (RFC 6749 6, RFC 9700 4.14.2) */
import { covers, parseScopes, printScopes } from '../../access/scopes.js';
import { limits } from '../../kit/limits.js';
import { OAuthFailure } from '../failure.js';
import type { GrantRecord } from '../grants.js';
import type { Exchange, ExchangeParts } from './index.js';
import { refuseGrantType, tokensFor } from './tokens.js';

export const refreshToken: Exchange = async (client, form, parts) => {
  refuseGrantType(client, 'refresh_token');
  const token = form.get('refresh_token');
  if (token === undefined) throw new OAuthFailure('invalid_request', 'refresh_token is missing.');
  const grant = await parts.grants.refresh(token);
  if (grant?.client !== client.id || !(await stands(grant, parts))) throw invalid();
  const scope = narrowed(grant, form.get('scope'), parts);
  if (!(await parts.grants.spendRefresh(token))) throw invalid();
  return tokensFor(grant, scope, parts);
};

/** The user is still there and, for online access, still signed in. */
async function stands({ session, user }: GrantRecord, { accounts, isOnline }: ExchangeParts): Promise<boolean> {
  if (user !== undefined && (await accounts.find(user)) === undefined) return false;
  return session === undefined || isOnline(session);
}

function narrowed(grant: GrantRecord, asked: string | undefined, { types }: ExchangeParts): string {
  if (asked === undefined) return grant.scope;
  if (asked.split(' ').length > limits.scopes)
    throw new OAuthFailure('invalid_scope', `More than ${limits.scopes} scopes.`);
  const scopes = parseScopes(asked, types);
  const some = scopes.others.length + scopes.resources.length > 0;
  if (!some || !covers(parseScopes(grant.scope), scopes)) {
    throw new OAuthFailure('invalid_scope', 'A refresh may ask for what was granted, or less.');
  }
  return printScopes(scopes);
}

const invalid = () =>
  new OAuthFailure('invalid_grant', 'The refresh token is unknown, expired, used, revoked, or not for this client.');
