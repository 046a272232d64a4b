/** What a token means, for a resource server, or for the client whose it is. (RFC 7662, SMART token-introspection.html) */
import type { Client } from './clients.js';
import { OAuthFailure } from './failure.js';
import type { Form } from './form.js';
import type { Grants } from './grants.js';
import { contextMembers } from './members.js';
import type { Ground } from './records.js';

export interface IntrospectParts {
  ground: Ground;
  grants: Grants;
  styleUrl: string;
}

/** Nothing is told of a token that is not the caller's to know: for them it is as if it were not there. */
export async function introspect(
  caller: Client,
  form: Form,
  { ground: { base, issuer }, grants, styleUrl }: IntrospectParts,
): Promise<Record<string, unknown>> {
  const text = form.get('token');
  if (text === undefined) throw new OAuthFailure('invalid_request', 'token is missing.');
  const found = await grants.access(text);
  const known = found === undefined ? await grants.refresh(text) : found.grant;
  const mayKnow = known !== undefined && (known.client === caller.id || caller.introspects === true);
  // A refresh token is for the authorization server alone; a resource server has no use for it.
  if (found === undefined || !mayKnow) return { active: false };
  const { grant, token } = found;
  const identity = token.scope.split(' ').includes('openid') ? { sub: grant.user, iss: issuer } : {};
  const tellsFhirUser = grant.fhirUser !== undefined && token.scope.split(' ').includes('fhirUser');
  return {
    active: true,
    scope: token.scope,
    client_id: grant.client,
    token_type: 'Bearer',
    exp: Math.floor(token.expires / 1000),
    iat: Math.floor(token.issued / 1000),
    aud: base,
    ...identity,
    ...(tellsFhirUser ? { fhirUser: `${base}/${grant.fhirUser}` } : {}),
    ...contextMembers(grant, styleUrl),
  };
}
