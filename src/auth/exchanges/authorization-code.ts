/** A code, once, by the client that it was made for and that knows the verifier. (RFC 6749 4.1.3, RFC 7636 4.6) */
import { OAuthFailure } from '../failure.js';
import { digest, isSame } from '../secrets.js';
import type { Exchange } from './index.js';
import { refuseGrantType, tokensFor } from './tokens.js';

export const authorizationCode: Exchange = async (client, form, parts) => {
  refuseGrantType(client, 'authorization_code');
  const [code, redirectUri, verifier] = [form.get('code'), form.get('redirect_uri'), form.get('code_verifier')];
  if (code === undefined) throw new OAuthFailure('invalid_request', 'code is missing.');
  if (redirectUri === undefined) throw new OAuthFailure('invalid_request', 'redirect_uri is missing.');
  const { grants } = parts;
  const found = await grants.lookAt(code);
  const grant = found === undefined ? undefined : await grants.find(found.grant);
  // Used up, expired, or never made: should it have been used, whoever comes second ends what the first one got.
  if (found === undefined || grant === undefined) {
    await grants.redeem(code);
    throw invalid();
  }
  if (grant.client !== client.id || found.redirectUri !== redirectUri) throw invalid();
  if (verifier === undefined) throw new OAuthFailure('invalid_grant', 'code_verifier is missing.');
  const fits = /^[A-Za-z0-9._~-]{43,128}$/.test(verifier) && isSame(digest(verifier), found.challenge);
  if (!fits) throw new OAuthFailure('invalid_grant', 'code_verifier does not fit the code_challenge.');
  if ((await grants.redeem(code)) === undefined) throw invalid();
  return tokensFor(grant, grant.scope, parts, grant.nonce);
};

const invalid = () =>
  new OAuthFailure('invalid_grant', 'The code is unknown, expired, used, or not for this client and redirect_uri.');
