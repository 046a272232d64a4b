/** Who signed in, told to the app as a signed statement. (OpenID Connect Core 2, SMART scopes-and-launch-context.html#scopes-for-requesting-identity-data) */
import type { ExchangeParts } from './exchanges/index.js';
import type { GrantRecord } from './grants.js';

export function idToken(
  grant: GrantRecord,
  scope: string,
  seconds: number,
  { ground: { base, clock, issuer }, keys }: ExchangeParts,
  nonce?: string,
): Promise<string> {
  const { authTime, client, fhirUser, user } = grant;
  const iat = Math.floor(clock.now() / 1000);
  const tellsFhirUser = fhirUser !== undefined && scope.split(' ').includes('fhirUser');
  return keys.sign({
    iss: issuer,
    sub: user,
    aud: client,
    iat,
    exp: iat + seconds,
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(tellsFhirUser ? { fhirUser: `${base}/${fhirUser}` } : {}),
  });
}
