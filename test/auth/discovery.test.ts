/** What clients read before anything else: discovery, keys, the CapabilityStatement; and that it agrees with what is so. */
import { capabilities, endpoints } from '../../src/auth/discovery.js';
import { scopesSupported } from '../../src/auth/offer.js';
import { clientOf, getTokens, post, runSmart } from '../support/smart.js';

const server = runSmart({ STORE: 'sqlite', REGISTRATION_TOKEN: 'a-token-that-the-operator-hands-out-by-mail' });

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${server.issuer}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
};
const smart = async () => (await get('/fhir/.well-known/smart-configuration')).body;

describe('smart-configuration', () => {
  test.each([undefined, '*/*', 'application/json', 'application/fhir+json', 'application/fhir+xml', 'text/html'])(
    'S-DISC-01 S-DISC-02 [Inferno 1.1.01, 2.1.01, 3.1.01] Accept: %s gets JSON at the base, without a token',
    async (accept) => {
      const answer = await get('/fhir/.well-known/smart-configuration', accept === undefined ? {} : { Accept: accept });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    },
  );

  test('S-DISC-03 S-DISC-06 S-DISC-07 S-DISC-11 [Inferno 1.1.02] every endpoint is there, absolute, at this issuer, and answers', async () => {
    const body = await smart();
    expect(body.issuer).toBe(server.issuer);
    for (const name of Object.keys(endpoints)) {
      expect(new URL(body[name]).href).toBe(body[name]);
      const { status } = await fetch(body[name]);
      expect([name, status === 404]).toEqual([name, false]);
    }
    expect(body.response_types_supported).toEqual(['code']);
  });

  test('S-DISC-04 S-DISC-05 S-DISC-09 S-DISC-14 [Inferno 1.1.02] what must be there is, of the right type, and nothing that would weaken it', async () => {
    const body = await smart();
    expect(body.grant_types_supported).toEqual(['authorization_code', 'refresh_token', 'client_credentials']);
    expect(body.code_challenge_methods_supported).toEqual(['S256']);
    expect(body.token_endpoint_auth_methods_supported).toContain('private_key_jwt');
    expect(body.token_endpoint_auth_signing_alg_values_supported).toEqual(['RS384', 'ES384']);
    expect(body.capabilities).toEqual(capabilities);
    expect(body.scopes_supported).toEqual(scopesSupported);
    expect(body.authorization_response_iss_parameter_supported).toBe(true);
    expect(body).not.toHaveProperty('user_access_brand_bundle');
    expect(body).not.toHaveProperty('associated_endpoints');
  });

  test.each(['password', 'implicit', 'urn:ietf:params:oauth:grant-type:device_code', 'token'])(
    'S-DISC-08 S-TOK-06 B-03 O5 [Inferno 3.2.02] %s is not listed, and is 400 unsupported_grant_type',
    async (grant) => {
      const answer = await post(server, 'token', { grant_type: grant, client_id: clientOf(server, 'app').client_id });
      expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type']);
    },
  );

  test('S-DISC-16 it can be kept, is told apart, and asks no store', async () => {
    const { vault } = server.auth.ground;
    const own = vault.get.bind(vault);
    let asked = 0;
    vault.get = (key) => {
      asked += 1;
      return own(key);
    };
    const answer = await get('/fhir/.well-known/smart-configuration');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=3600');
    const etag = answer.headers.get('etag') ?? '';
    expect((await get('/fhir/.well-known/smart-configuration', { 'If-None-Match': etag })).status).toBe(304);
    vault.get = own;
    expect(asked).toBe(0);
  });

  test.each(scopesSupported.filter((scope) => !scope.startsWith('system/')))(
    'S-DISC-10 S-SCOPE-02 S-SCOPE-08 %s can be asked for, and is granted as it was asked for',
    async (scope) => {
      const needsPatient = scope === 'launch' || scope === 'launch/encounter';
      const { status, tokens } = await getTokens(server, {
        user: 'referrer',
        ask: { scope: needsPatient ? `${scope} launch/patient` : scope },
      });
      expect(status).toBe(200);
      expect(tokens.scope.split(' ')).toContain(scope);
    },
  );
});

test('S-CAP-01 S-CAP-02 the CapabilityStatement names SMART and CORS, and its URIs are those of smart-configuration', async () => {
  const [{ body }, config] = [await get('/fhir/metadata'), await smart()];
  const { security } = body.rest[0];
  expect(security.cors).toBe(true);
  expect(security.service[0].coding[0].code).toBe('SMART-on-FHIR');
  const [{ extension, url }] = security.extension;
  expect(url).toBe('http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris');
  const uris = Object.fromEntries(extension.map((one: any) => [one.url, one.valueUri]));
  expect(uris).toEqual({
    authorize: config.authorization_endpoint,
    token: config.token_endpoint,
    introspect: config.introspection_endpoint,
    manage: config.management_endpoint,
    register: config.registration_endpoint,
    revoke: config.revocation_endpoint,
  });
});

test('S-OIDC-01 B-16 [Inferno 1.3.02, 1.3.03] openid-configuration and the OAuth metadata are complete, and agree', async () => {
  const [{ body, status }, other, config] = [
    await get('/.well-known/openid-configuration'),
    await get('/.well-known/oauth-authorization-server'),
    await smart(),
  ];
  expect(status).toBe(200);
  expect(other.body).toEqual(body);
  for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri'])
    expect(body[name]).toBe(config[name]);
  expect(body.subject_types_supported).toEqual(['public']);
  expect(body.id_token_signing_alg_values_supported).toContain('RS256');
});

test('S-OIDC-02 [Inferno 1.3.04] the JWKS has RSA keys, and of each only what is public', async () => {
  const { body, status } = await get('/auth/jwks');
  expect(status).toBe(200);
  expect(body.keys.length).toBeGreaterThan(0);
  for (const key of body.keys) {
    expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    expect(key).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' });
  }
});

describe('a method that is not served', () => {
  test.each([
    ['GET', '/auth/token', 'POST'],
    ['PUT', '/auth/introspect', 'POST'],
    ['DELETE', '/auth/jwks', 'GET, HEAD'],
    ['PUT', '/auth/authorize', 'GET, POST'],
    ['POST', '/fhir/.well-known/smart-configuration', 'GET, HEAD'],
  ])('S-TOK-01 %s %s is 405, with what is', async (method, path, allow) => {
    const response = await fetch(`${server.issuer}${path}`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  });
});
