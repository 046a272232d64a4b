/** What a client gets for a grant: the tokens, and the context in which it was launched. */
import type { Client, GrantType } from '../clients.js';
import { OAuthFailure } from '../failure.js';
import type { GrantRecord } from '../grants.js';
import { idToken } from '../identity.js';
import { contextMembers } from '../members.js';
import type { ExchangeParts, TokenResponse } from './index.js';

export async function tokensFor(
  grant: GrantRecord,
  scope: string,
  parts: ExchangeParts,
  nonce?: string,
): Promise<TokenResponse> {
  const { token, seconds } = await parts.grants.issueAccess(grant, scope);
  const response: TokenResponse = {
    access_token: token,
    token_type: 'Bearer',
    expires_in: seconds,
    scope,
    ...contextMembers(grant, parts.styleUrl),
  };
  if (grant.access !== 'once') response.refresh_token = await parts.grants.issueRefresh(grant);
  if (scope.split(' ').includes('openid')) response.id_token = await idToken(grant, scope, seconds, parts, nonce);
  return response;
}

export function refuseGrantType(client: Client, type: GrantType): void {
  if (!client.grantTypes.includes(type)) {
    throw new OAuthFailure('unauthorized_client', `This client was not registered for ${type}.`);
  }
}
