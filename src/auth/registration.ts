/**
 * Clients that register themselves (RFC 7591): off unless the operator hands out an initial access token. What is asked
 * for is checked as the operator's own command would; nothing that it names is fetched, and no id may be chosen.
 */
import { parseScopes, printScopes } from '../access/scopes.js';
import type { ClientAuthentication, Clients, GrantType, WantedClient } from './clients.js';
import { OAuthFailure } from './failure.js';
import { isSame } from './secrets.js';

export interface RegistrationParts {
  clients: Clients;
  /** The initial access token; empty: nobody registers. */
  token: string;
  /** The organization of those who register; backend services are not among them. */
  organization: string;
}

const WAYS: Record<string, ClientAuthentication> = {
  none: 'none',
  client_secret_basic: 'client_secret',
  client_secret_post: 'client_secret',
  private_key_jwt: 'private_key_jwt',
};

/** What a client gets that does not say: what any app needs, and no more. */
const SCOPE =
  'openid fhirUser launch launch/patient launch/encounter offline_access online_access patient/*.rs user/*.rs';

export async function register(
  authorization: string | undefined,
  metadata: unknown,
  { clients, token, organization }: RegistrationParts,
): Promise<Record<string, unknown>> {
  const [, given = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (!isSame(given, token)) {
    throw new OAuthFailure(
      'invalid_token',
      'Registration needs the initial access token that the operator hands out.',
      {
        'WWW-Authenticate': 'Bearer realm="registration", error="invalid_token"',
      },
    );
  }
  const wanted = read(metadata);
  const { client, secret } = await clients.add({ ...wanted.client, organization });
  return {
    client_id: client.id,
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    client_name: client.name,
    redirect_uris: client.redirectUris,
    grant_types: client.grantTypes,
    response_types: ['code'],
    token_endpoint_auth_method: wanted.method,
    scope: printScopes(parseScopes(client.scope)),
    ...(client.jwksUri === undefined ? {} : { jwks_uri: client.jwksUri }),
    ...(client.jwks === undefined ? {} : { jwks: client.jwks }),
    ...(client.launchUrl === undefined ? {} : { initiate_login_uri: client.launchUrl }),
  };
}

function read(metadata: unknown): { client: Omit<WantedClient, 'organization'>; method: string } {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw odd('a JSON object is needed.');
  const fields = metadata as Record<string, unknown>;
  const method = text(fields, 'token_endpoint_auth_method') ?? 'client_secret_basic';
  const authentication = WAYS[method];
  if (authentication === undefined) throw odd(`token_endpoint_auth_method: one of ${Object.keys(WAYS).join(', ')}.`);
  const grantTypes = (list(fields, 'grant_types') ?? ['authorization_code']).map(grantTypeOf);
  if ((list(fields, 'response_types') ?? ['code']).some((type) => type !== 'code'))
    throw odd('response_types: code alone.');
  const [jwksUri, launchUrl] = [text(fields, 'jwks_uri'), text(fields, 'initiate_login_uri')];
  const { jwks } = fields;
  return {
    method,
    client: {
      name: text(fields, 'client_name') ?? 'An app without a name',
      authentication,
      redirectUris: list(fields, 'redirect_uris') ?? [],
      scope: text(fields, 'scope') ?? SCOPE,
      grantTypes,
      ...(jwksUri === undefined ? {} : { jwksUri }),
      ...(jwks === undefined ? {} : { jwks: keySet(jwks) }),
      ...(launchUrl === undefined ? {} : { launchUrl }),
    },
  };
}

/** Who acts without a user is registered by the operator, who knows it. */
function grantTypeOf(type: string): GrantType {
  if (type === 'authorization_code' || type === 'refresh_token') return type;
  throw odd(`grant_types: authorization_code and refresh_token can be registered, not "${type.slice(0, 40)}".`);
}

function text(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || (typeof value === 'string' && value.length <= 16_384)) return value;
  throw odd(`${name}: a string is needed.`);
}

function list(fields: Record<string, unknown>, name: string): string[] | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const isList = Array.isArray(value) && value.length <= 100 && value.every((one) => typeof one === 'string');
  if (isList) return value;
  throw odd(`${name}: an array of strings is needed.`);
}

function keySet(value: unknown): { keys: Record<string, unknown>[] } {
  const { keys } = (value ?? {}) as { keys?: unknown };
  const isSet =
    Array.isArray(keys) && keys.length <= 100 && keys.every((key) => typeof key === 'object' && key !== null);
  if (isSet) return { keys: keys as Record<string, unknown>[] };
  throw odd('jwks: a JSON Web Key Set is needed.');
}

const odd = (why: string): OAuthFailure => new OAuthFailure('invalid_client_metadata', why);
