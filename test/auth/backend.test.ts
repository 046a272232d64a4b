/** Clients that act by themselves: what they sign, what of it is refused, where their keys come from. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { createOutbound, isPublic } from '../../src/auth/outbound.js';
import {
  assertion,
  ASSERTION,
  backend,
  basic,
  clientOf,
  describeSmart,
  fhir,
  patientOf,
  post,
  runSmart,
  type AssertionChanges,
} from '../support/smart.js';

let keyServer: Server;
let jwks: { keys: Record<string, unknown>[] } = { keys: [] };
let answer: { status: number; headers: Record<string, string>; body?: string } = { status: 200, headers: {} };
let asked = 0;
const port = await (async () => {
  keyServer = createServer((_request, response) => {
    asked += 1;
    response
      .writeHead(answer.status, { 'Content-Type': 'application/json', ...answer.headers })
      .end(answer.body ?? JSON.stringify(jwks));
  }).listen(0, '127.0.0.1');
  await once(keyServer, 'listening');
  return (keyServer.address() as AddressInfo).port;
})();
const JWKS_URI = `http://127.0.0.1:${port}/jwks`;
afterAll(() => keyServer.close());

const server = runSmart({ STORE: 'sqlite', OUTBOUND_HOSTS: `127.0.0.1:${port}` });
const keyOf = async (alg: 'RS384' | 'ES384' | 'RS256', kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    own: { ...(await exportJWK(privateKey)), alg, kid },
    shown: { ...(await exportJWK(publicKey)), kid },
  };
};
const failed = ({ body, status }: { body: any; status: number }) => [status, body.error];

describe('an assertion', () => {
  test('S-BS-01 S-BS-06 S-BS-12 S-DISC-15 [Inferno 3.2.05, 3.2.06] that is right gets a token for five minutes, and no refresh token', async () => {
    const { body, headers, status } = await backend(server);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'system/*.rs',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await fhir(server, 'Patient', body.access_token)).status).toBe(200);
    for (const aud of [[`${server.issuer}/auth/token`, 'x'], server.issuer])
      expect((await backend(server, { claims: { aud } })).status).toBe(200);
  });

  const now = () => Math.floor(server.clock.now() / 1000);
  test.each<[string, () => AssertionChanges]>([
    ['S-BS-09 without typ', () => ({ header: { typ: undefined } })],
    ['S-BS-09 of another typ', () => ({ header: { typ: 'at+jwt' } })],
    ['S-BS-09 without kid', () => ({ header: { kid: undefined } })],
    ['S-BS-04 of a kid that nobody has', () => ({ header: { kid: 'other' } })],
    ['S-BS-03 with a jku that is not registered', () => ({ header: { jku: 'https://evil.example/jwks' } })],
    ['S-BS-05 with another iss', () => ({ claims: { iss: 'other' } })],
    ['S-BS-05 with another sub', () => ({ claims: { sub: clientOf(server, 'portal').client_id } })],
    ['S-BS-05 without iss', () => ({ claims: { iss: undefined } })],
    ['S-BS-05 of a client that is none', () => ({ claims: { iss: 'nobody', sub: 'nobody' } })],
    [
      'S-BS-05 of a client without a key',
      () => ({ claims: { iss: clientOf(server, 'portal').client_id, sub: clientOf(server, 'portal').client_id } }),
    ],
    ['S-BS-06 for another server', () => ({ claims: { aud: 'https://other.example/auth/token' } })],
    ['S-BS-06 for nobody', () => ({ claims: { aud: undefined } })],
    ['S-BS-06 for the FHIR base', () => ({ claims: { aud: server.base } })],
    ['S-BS-07 without exp', () => ({ claims: { exp: undefined } })],
    ['S-BS-07 expired by a second', () => ({ claims: { exp: now() - 1 } })],
    ['S-BS-07 six minutes ahead', () => ({ claims: { exp: now() + 360 } })],
    ['S-BS-07 not valid yet', () => ({ claims: { nbf: now() + 60 } })],
    ['S-BS-07 made in the future', () => ({ claims: { iat: now() + 60 } })],
    ['S-BS-08 without jti', () => ({ claims: { jti: undefined } })],
  ])('S-BS-10 O4 %s is 401 invalid_client', async (_name, changes) => {
    const refused = await backend(server, changes());
    expect(failed(refused)).toEqual([401, 'invalid_client']);
    expect(refused.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('S-BS-01 S-OIDC-07 forged heads and signatures are refused: none, HS256 with the public key, RS256, another key, none at all', async () => {
    const right = await assertion(server);
    const [head = '', body = '', signature = ''] = right.split('.');
    const headed = (header: object) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(head, 'base64url').toString()), ...header })).toString(
        'base64url',
      );
    const client = await server.auth.clients.find(clientOf(server, 'ehr').client_id);
    const hs = `${headed({ alg: 'HS256' })}.${body}`;
    const hmac = createHmac('sha256', JSON.stringify(client!.jwks!.keys[0])).update(hs).digest('base64url');
    const rs = await keyOf('RS256', String(clientOf(server, 'ehr').privateKey!.kid));
    const forged = [
      `${headed({ alg: 'none' })}.${body}.`,
      `${hs}.${hmac}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${Buffer.from(Buffer.from(body, 'base64url').toString().replace('240', '241')).toString('base64url')}.${signature.slice(0, -4)}AAAA`,
      `${headed({ crit: ['x'], x: 1 })}.${body}.${signature}`,
      await assertion(server, { key: rs.own }),
      await assertion(server, { key: (await keyOf('ES384', String(clientOf(server, 'ehr').privateKey!.kid))).own }),
      'null.null.null',
      '{}',
      'a.b.c',
    ];
    for (const one of forged) {
      const refused = await post(server, 'token', {
        grant_type: 'client_credentials',
        scope: 'system/*.rs',
        client_assertion_type: ASSERTION,
        client_assertion: one,
      });
      expect(failed(refused)).toEqual([401, 'invalid_client']);
    }
    expect(
      (
        await post(server, 'token', {
          grant_type: 'client_credentials',
          scope: 'system/*.rs',
          client_assertion_type: ASSERTION,
          client_assertion: right,
        })
      ).status,
    ).toBe(200);
  });

  test('S-BS-05 S-BS-10 [Inferno 3.2.03, 3.2.04] another assertion type, none, or another client_id beside it', async () => {
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs', client_assertion: await assertion(server) };
    expect(failed(await post(server, 'token', { ...form, client_assertion_type: 'not_an_assertion_type' }))).toEqual([
      401,
      'invalid_client',
    ]);
    expect(failed(await post(server, 'token', form))).toEqual([401, 'invalid_client']);
    expect(
      failed(await post(server, 'token', { ...form, client_assertion_type: ASSERTION, client_id: 'other' })),
    ).toEqual([401, 'invalid_client']);
  });

  test.each([
    ['nothing', undefined, 'invalid_scope'],
    ['a patient scope', 'patient/*.rs', 'invalid_scope'],
    ['a user scope', 'user/*.rs', 'invalid_scope'],
    ['no resource', 'openid offline_access', 'invalid_scope'],
    ['a type that is none', 'system/Nothing.rs', 'invalid_scope'],
  ])('S-BS-12 S-SCOPE-08 %s is invalid_scope', async (_name, scope, error) => {
    expect(failed(await backend(server, {}, { scope }))).toEqual([400, error]);
  });

  test('S-BS-12 S-SCOPE-08 of more than it was registered for it gets that, and is told', async () => {
    const { own, shown } = await keyOf('RS384', 'narrow');
    const { client } = await server.auth.clients.add({
      name: 'A narrow service',
      organization: userOrganization(),
      authentication: 'private_key_jwt',
      jwks: { keys: [shown] },
      redirectUris: [],
      scope: 'system/Patient.rs',
      grantTypes: ['client_credentials'],
    });
    const ask = { key: own, claims: { iss: client.id, sub: client.id } };
    const { body, status } = await backend(server, ask, { scope: 'system/*.cruds' });
    expect([status, body.scope]).toEqual([200, 'system/Patient.rs']);
    // S-BS-14: what is out of scope fails, and is not left out in silence.
    expect((await fhir(server, 'Observation', body.access_token)).status).toBe(403);
    expect((await fhir(server, `Patient/${patientOf(server, 'ada')}`, body.access_token)).status).toBe(200);
  });

  test('S-BS-14 B-18 what is out of scope is 403 insufficient_scope with an OperationOutcome', async () => {
    const { body } = await backend(server, {}, { scope: 'system/Patient.rs' });
    const refused = await fhir(server, 'Observation?status=final', body.access_token);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(refused.body.resourceType).toBe('OperationOutcome');
  });

  test('S-BS-13 a client with a secret, or a public one, gets no system scopes', async () => {
    const portal = clientOf(server, 'portal');
    expect(
      failed(await post(server, 'token', { grant_type: 'client_credentials', scope: 'system/*.rs' }, basic(portal))),
    ).toEqual([400, 'unauthorized_client']);
    expect(
      failed(
        await post(server, 'token', {
          grant_type: 'client_credentials',
          scope: 'system/*.rs',
          client_id: clientOf(server, 'app').client_id,
        }),
      ),
    ).toEqual([400, 'unauthorized_client']);
    await expect(
      server.auth.clients.add({
        name: 'x',
        organization: 'x',
        authentication: 'client_secret',
        redirectUris: [],
        scope: 'system/*.rs',
        grantTypes: ['client_credentials'],
      }),
    ).rejects.toThrow('private_key_jwt');
  });
});

const userOrganization = () => server.demo.users[0]!.organization;

describe('keys at a URL', () => {
  const registered = async () => {
    const { client } = await server.auth.clients.add({
      name: 'A service with keys at a URL',
      organization: userOrganization(),
      authentication: 'private_key_jwt',
      jwksUri: JWKS_URI,
      redirectUris: [],
      scope: 'system/*.rs',
      grantTypes: ['client_credentials'],
    });
    return client.id;
  };
  const ask = (id: string, key: Record<string, unknown>, header = {}) =>
    backend(server, { key, claims: { iss: id, sub: id }, header });

  test('S-BS-02 S-BS-03 S-BS-11 are fetched, kept as long as they say, and looked for once more when one is missing', async () => {
    const [first, second] = [await keyOf('RS384', 'first'), await keyOf('ES384', 'second')];
    [jwks, asked] = [{ keys: [first.shown] }, 0];
    answer = { status: 200, headers: { 'Cache-Control': 'max-age=600' } };
    const id = await registered();
    for (let n = 0; n < 3; n += 1) expect((await ask(id, first.own)).status).toBe(200);
    expect((await ask(id, first.own, { jku: JWKS_URI })).status).toBe(200);
    expect(asked).toBe(1);
    // A new key: the first look comes too soon after the last, then one is enough for all that follow.
    jwks = { keys: [first.shown, second.shown] };
    expect(failed(await ask(id, second.own))).toEqual([401, 'invalid_client']);
    server.clock.forward(61_000);
    for (let n = 0; n < 3; n += 1) expect((await ask(id, second.own)).status).toBe(200);
    expect(asked).toBe(2);
    // When they are out of date they are asked for again, and a key that is gone is gone.
    jwks = { keys: [second.shown] };
    server.clock.forward(601_000);
    expect(failed(await ask(id, first.own))).toEqual([401, 'invalid_client']);
    expect(asked).toBe(3);
  });

  test.each<[string, typeof answer, (keys: Record<string, unknown>[]) => unknown]>([
    ['S-BS-11 404', { status: 404, headers: {} }, (keys) => ({ keys })],
    [
      'S-BS-11 V-06 a redirect',
      { status: 302, headers: { Location: 'http://169.254.169.254/' } },
      (keys) => ({ keys }),
    ],
    ['S-BS-11 no JSON', { status: 200, headers: {}, body: '<html>' }, () => ({})],
    ['S-BS-11 no keys', { status: 200, headers: {} }, () => ({})],
    [
      'S-BS-11 V-07 more than 64 KB',
      { status: 200, headers: {}, body: JSON.stringify({ keys: [], x: 'x'.repeat(70_000) }) },
      () => ({}),
    ],
    ['S-BS-04 two keys that fit', { status: 200, headers: {} }, ([key]) => ({ keys: [key, key] })],
    ['S-BS-04 a key without kid', { status: 200, headers: {} }, ([key]) => ({ keys: [{ ...key, kid: undefined }] })],
    ['S-BS-04 another kind of key', { status: 200, headers: {} }, ([key]) => ({ keys: [{ ...key, kty: 'oct' }] })],
    ['V-07 a key that is damaged', { status: 200, headers: {} }, ([key]) => ({ keys: [{ ...key, n: '!' }] })],
  ])('%s is invalid_client', async (_name, said, shown) => {
    const key = await keyOf('RS384', 'own');
    jwks = shown([key.shown]) as typeof jwks;
    answer = { ...said, headers: { 'Cache-Control': 'no-store', ...said.headers } };
    expect(failed(await ask(await registered(), key.own))).toEqual([401, 'invalid_client']);
  });

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '192.0.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    '::127.0.0.1',
    'not an address',
  ])('V-06 S-BS-11 %s is no public address', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  test.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111'])('V-06 %s is one', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  test.each([
    `http://127.0.0.1:${port}/`,
    'https://127.0.0.1/',
    'https://localhost/',
    'https://[::1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://169.254.169.254/latest/',
    'https://user:pass@example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
  ])('V-06 %s is not asked', async (url) => {
    const before = asked;
    await expect(createOutbound([])(url)).rejects.toThrow();
    expect(asked).toBe(before);
  });
});

describeSmart('a jti on each store', (each) => {
  test('S-BS-08 is used once, of 64 at once at two processes one wins, and after a restart it is still used', async () => {
    const { startServer } = await import('../../src/server.js');
    const { readConfig } = await import('../../src/config.js');
    const second = await startServer(readConfig({ ...each.settings, PORT: '0', BASE_URL: each.base }), each.clock);
    const form = {
      grant_type: 'client_credentials',
      scope: 'system/*.rs',
      client_assertion_type: ASSERTION,
      client_assertion: await assertion(each),
    };
    try {
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, n) => post(n % 2 === 0 ? each : { issuer: second.address }, 'token', form)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ body }) => body.error === 'invalid_client')).toHaveLength(63);
    } finally {
      await second.stop();
    }
    const third = await startServer(readConfig({ ...each.settings, PORT: '0', BASE_URL: each.base }), each.clock);
    try {
      expect(failed(await post({ issuer: third.address }, 'token', form))).toEqual([401, 'invalid_client']);
    } finally {
      await third.stop();
    }
  });
});
