/** A client gives a token back: a refresh token with all that came of it, an access token alone. (RFC 7009) */
import type { Client } from './clients.js';
import { OAuthFailure } from './failure.js';
import type { Form } from './form.js';
import type { Grants } from './grants.js';

/** Whatever the hint says, both kinds are looked at; what is unknown, or another client's, is answered alike. */
export async function revoke(client: Client, form: Form, grants: Grants): Promise<void> {
  const token = form.get('token');
  if (token === undefined) throw new OAuthFailure('invalid_request', 'token is missing.');
  const granted = await grants.refresh(token);
  if (granted?.client === client.id) await grants.end(granted.id);
  const access = await grants.access(token);
  if (access?.grant.client === client.id) await grants.endAccess(token);
}
