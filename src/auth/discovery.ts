/**
 * What clients read before anything else, computed once from the tables that answer. (SMART App Launch 2.2
 * conformance.html, OpenID Connect Discovery 1.0, RFC 8414)
 */
import { algorithms } from './assertion.js';
import { methods } from './client-authentication.js';
import { exchanges } from './exchanges/index.js';
import { scopesSupported } from './offer.js';

/** TABLE: where the endpoints stand below the issuer, and what smart-configuration calls them. */
export const endpoints = {
  authorization_endpoint: '/auth/authorize',
  token_endpoint: '/auth/token',
  introspection_endpoint: '/auth/introspect',
  revocation_endpoint: '/auth/revoke',
  management_endpoint: '/auth/grants',
  registration_endpoint: '/auth/register',
  jwks_uri: '/auth/jwks',
} as const;

/** What this server can do, in the guide's words; `test/auth` has a test for each. */
export const capabilities = [
  'launch-ehr',
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'context-standalone-encounter',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
] as const;

export interface Discovery {
  smart: string;
  openid: string;
  /** For the CapabilityStatement's extension: SMART 1 apps look there. */
  oauthUris: { url: string; valueUri: string }[];
}

/** @param registers whether clients may register themselves */
export function discoveryOf(issuer: string, registers: boolean): Discovery {
  const urls = Object.fromEntries(
    Object.entries(endpoints)
      .filter(([name]) => registers || name !== 'registration_endpoint')
      .map(([name, path]) => [name, `${issuer}${path}`]),
  );
  const authentication = {
    token_endpoint_auth_methods_supported: Object.values(methods).flat(),
    token_endpoint_auth_signing_alg_values_supported: Object.keys(algorithms),
  };
  const common = {
    issuer,
    ...urls,
    ...authentication,
    introspection_endpoint_auth_methods_supported: authentication.token_endpoint_auth_methods_supported.filter(
      (method) => method !== 'none',
    ),
    revocation_endpoint_auth_methods_supported: authentication.token_endpoint_auth_methods_supported,
    grant_types_supported: Object.keys(exchanges),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    scopes_supported: scopesSupported,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
  const openid = {
    ...common,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'fhirUser'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
  return {
    smart: JSON.stringify({ ...common, capabilities }),
    openid: JSON.stringify(openid),
    oauthUris: Object.entries(uris)
      .filter(([, name]) => name in urls)
      .map(([url, name]) => ({ url, valueUri: urls[name] ?? '' })),
  };
}

/** TABLE: the extension's names for them. */
const uris = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  introspect: 'introspection_endpoint',
  manage: 'management_endpoint',
  register: 'registration_endpoint',
  revoke: 'revocation_endpoint',
} as const;
