/** A backend service works for its organization, by what it was registered for, for five minutes. (SMART backend-services.html) */
import { parseScopes, printScopes } from '../../access/scopes.js';
import { limits } from '../../kit/limits.js';
import { OAuthFailure } from '../failure.js';
import { ofBackend } from '../offer.js';
import type { Exchange } from './index.js';
import { refuseGrantType, tokensFor } from './tokens.js';

export const clientCredentials: Exchange = async (client, form, parts) => {
  refuseGrantType(client, 'client_credentials');
  const asked = form.get('scope');
  if (asked === undefined) throw new OAuthFailure('invalid_scope', 'scope is missing.');
  if (asked.split(' ').length > limits.scopes)
    throw new OAuthFailure('invalid_scope', `More than ${limits.scopes} scopes.`);
  const granted = ofBackend(client, parseScopes(asked, parts.types));
  if (granted.resources.length === 0) {
    throw new OAuthFailure('invalid_scope', 'None of these scopes is one that the client was registered for.');
  }
  const grant = await parts.grants.open({
    client: client.id,
    clientName: client.name,
    role: 'system',
    organization: client.organization,
    name: client.id,
    scope: printScopes(granted),
    context: {},
    access: 'once',
    audience: parts.ground.base,
  });
  return tokensFor(grant, grant.scope, parts);
};
