/** The token endpoint and what comes after it: refresh, introspection, revocation, and what the FHIR API makes of a token. */
import { createPublicKey, verify } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  assertion,
  ASSERTION,
  backend,
  basic,
  clientOf,
  describeSmart,
  fhir,
  getCode,
  getTokens,
  patientOf,
  post,
  redeem,
  REDIRECT,
  runSmart,
  userOf,
} from '../support/smart.js';
import { choices, Visitor } from '../support/visitor.js';

const server = runSmart({ STORE: 'sqlite' });
const app = () => clientOf(server, 'app').client_id;
const offline = { scope: 'launch/patient patient/*.rs openid fhirUser offline_access' };

const failed = ({ body, status }: { body: any; status: number }) => [status, body.error];

describe('a token request', () => {
  test('S-TOK-02 S-TOK-03 O10 [Inferno 1.2.05, 1.2.06, 1.2.07] what comes is complete, and stored by nobody', async () => {
    const { headers, status, tokens } = await getTokens(server);
    expect(status).toBe(200);
    expect(tokens).toMatchObject({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: expect.any(String),
    });
    expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    const bad = await redeem(server, 'nothing', 'x'.repeat(43));
    expect([bad.headers.get('cache-control'), bad.headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
  });

  test.each([
    ['S-TOK-04 a code that is none', 'invalid_grant', { code: 'nothing' }],
    ['S-TOK-04 another redirect_uri', 'invalid_grant', { redirect_uri: 'http://localhost:8000/callback' }],
    ['S-TOK-04 no redirect_uri', 'invalid_request', { redirect_uri: undefined }],
    ['S-TOK-04 no code', 'invalid_request', { code: undefined }],
    ['S-TOK-05 B-02 no verifier', 'invalid_grant', { code_verifier: undefined }],
    ['S-TOK-05 an empty verifier', 'invalid_grant', { code_verifier: '' }],
    ['S-TOK-05 a wrong verifier', 'invalid_grant', { code_verifier: 'x'.repeat(43) }],
    ['S-TOK-05 the challenge as verifier', 'invalid_grant', { code_verifier: 'CHALLENGE' }],
    ['S-TOK-06 no grant_type', 'invalid_request', { grant_type: undefined }],
  ])('%s is 400 %s, and brings no token', async (_name, error, changes: Record<string, string | undefined>) => {
    const { code, verifier } = await getCode(server);
    const challenge = (await server.auth.grants.lookAt(code))!.challenge;
    const told = changes.code_verifier === 'CHALLENGE' ? { code_verifier: challenge } : changes;
    const answer = await redeem(server, code, verifier, told);
    expect(failed(answer)).toEqual([400, error]);
    expect(answer.body).not.toHaveProperty('access_token');
    // What was refused has used nothing up: the right one still gets in.
    expect((await redeem(server, code, verifier)).status).toBe(200);
  });

  test('S-TOK-04 another client’s code is invalid_grant, and stays its own', async () => {
    const { code, verifier } = await getCode(server);
    const portal = clientOf(server, 'portal');
    const stolen = await redeem(server, code, verifier, { client_id: portal.client_id }, basic(portal));
    expect(failed(stolen)).toEqual([400, 'invalid_grant']);
    expect((await redeem(server, code, verifier)).status).toBe(200);
  });

  test.each([
    ['S-TOK-04 an unknown client', { client_id: 'nobody' }, {}],
    ['S-TOK-04 no client', { client_id: undefined }, {}],
    ['S-TOK-10 a public client with a secret', { client_secret: 'x' }, {}],
    ['S-TOK-09 a confidential client without a secret', { client_id: 'PORTAL' }, {}],
    ['S-TOK-09 a wrong secret in the form', { client_id: 'PORTAL', client_secret: 'wrong' }, {}],
    [
      'S-TOK-09 O4 a wrong secret by Basic',
      { client_id: undefined },
      { Authorization: `Basic ${Buffer.from('x:y').toString('base64')}` },
    ],
    ['S-TOK-09 Basic that is none', { client_id: undefined }, { Authorization: 'Basic ???' }],
    [
      'S-TOK-09 Basic that is not percent-encoded',
      { client_id: undefined },
      { Authorization: `Basic ${Buffer.from('%zz:y').toString('base64')}` },
    ],
  ])('%s is 401 invalid_client, as JSON', async (_name, changes: Record<string, string | undefined>, headers) => {
    const { code, verifier } = await getCode(server);
    const told =
      changes.client_id === 'PORTAL' ? { ...changes, client_id: clientOf(server, 'portal').client_id } : changes;
    const answer = await redeem(server, code, verifier, told, headers);
    expect(failed(answer)).toEqual([401, 'invalid_client']);
    expect(answer.headers.get('www-authenticate')).toBe(
      'Authorization' in headers ? 'Basic realm="token", charset="UTF-8"' : null,
    );
  });

  test('S-TOK-07 O9 two ways of authentication, or two clients, are refused', async () => {
    const portal = clientOf(server, 'portal');
    const { code, verifier } = await getCode(server, { ask: { client_id: portal.client_id } });
    const ask = (changes: Record<string, string>) =>
      redeem(server, code, verifier, { client_id: portal.client_id, ...changes }, basic(portal));
    expect(failed(await ask({ client_secret: portal.client_secret! }))).toEqual([400, 'invalid_request']);
    expect(failed(await ask({ client_assertion: 'x', client_assertion_type: ASSERTION }))).toEqual([
      400,
      'invalid_request',
    ]);
    expect(failed(await ask({ client_id: app() }))).toEqual([401, 'invalid_client']);
    expect((await ask({})).status).toBe(200);
  });

  test('S-TOK-09 B-15 the secret works by Basic and in the form, percent-encoded; it has 256 bits, and only its digest is kept', async () => {
    const portal = clientOf(server, 'portal');
    expect(Buffer.from(portal.client_secret!, 'base64url')).toHaveLength(32);
    for (const way of ['basic', 'form'] as const) {
      const { code, verifier } = await getCode(server, { ask: { client_id: portal.client_id } });
      const form = way === 'form' ? { client_secret: portal.client_secret } : {};
      const answer = await redeem(
        server,
        code,
        verifier,
        { client_id: portal.client_id, ...form },
        way === 'basic' ? basic(portal) : {},
      );
      expect(answer.status).toBe(200);
    }
    const kept = JSON.stringify(await server.auth.clients.find(portal.client_id));
    expect(kept.includes(portal.client_secret!)).toBe(false);
  });

  test.each([
    ['JSON', '{"grant_type":"authorization_code","code":{"$ne":null}}', { 'Content-Type': 'application/json' }],
    ['no media type', 'grant_type=authorization_code', { 'Content-Type': '' }],
    ['another charset', 'grant_type=x', { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-16' }],
    ['bytes that are no UTF-8', 'grant_type=%ff', {}],
    ['half an escape', 'grant_type=%4', {}],
    ['a compressed body', 'x', { 'Content-Encoding': 'gzip' }],
    ['code[$ne]', 'grant_type=authorization_code&code[$ne]=1&redirect_uri=x&client_id=APP', {}],
    ['code[]', 'grant_type=authorization_code&code[]=1&code[]=2&redirect_uri=x&client_id=APP', {}],
    ['refresh_token[$gt]', 'grant_type=refresh_token&refresh_token[$gt]=&client_id=APP', {}],
    ['a parameter twice', 'grant_type=refresh_token&grant_type=refresh_token&client_id=APP', {}],
    ['__proto__', 'grant_type=refresh_token&__proto__[refresh_token]=1&client_id=APP', {}],
    ['a value of more than 16 kB', `grant_type=refresh_token&refresh_token=${'x'.repeat(16_385)}&client_id=APP`, {}],
    ['2,001 parameters', `client_id=APP&${Array.from({ length: 2001 }, (_, n) => `p${n}=1`).join('&')}`, {}],
  ])('S-TOK-01 S-TOK-08 O3 O6 %s is invalid_request', async (_name, body, headers) => {
    const answer = await post(server, 'token', body.replace('APP', app()), headers);
    expect(answer.body.error).toBe('invalid_request');
    expect([400, 415]).toContain(answer.status);
  });

  test('S-TOK-08 a form of more than 128 kB is 413, and none of it is kept', async () => {
    const answer = await post(server, 'token', `x=${'x'.repeat(140_000)}`);
    expect(failed(answer)).toEqual([413, 'invalid_request']);
  });

  test('B-12 O7 O8 a token or a secret in a URL is refused, at OAuth and at FHIR; in a form it is no token', async () => {
    const { tokens } = await getTokens(server);
    const inUrl = await fetch(`${server.issuer}/auth/token?client_id=${app()}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: '',
    });
    expect(inUrl.status).toBe(400);
    const answer = await fhir(server, `Patient?access_token=${tokens.access_token}`);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      400,
      'Bearer realm="fhir", error="invalid_request"',
    ]);
    const form = await fetch(`${server.base}/Patient/_search`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `access_token=${tokens.access_token}`,
    });
    expect(form.status).toBe(401);
  });

  test('B-13 no client can be called as a user is', async () => {
    const { sub } = decodeJwt((await getTokens(server)).tokens.id_token);
    expect(sub).toMatch(/^user-/);
    const client = {
      id: sub!,
      name: 'x',
      organization: '',
      authentication: 'none',
      redirectUris: [REDIRECT],
      scope: 'openid',
      grantTypes: ['authorization_code'],
    } as const;
    await expect(
      server.auth.clients.add({ ...client, redirectUris: [REDIRECT], grantTypes: ['authorization_code'] }),
    ).rejects.toThrow('cannot be a client_id');
  });
});

test('O12 oauth2orize hands each of our functions what its number of parameters asks for: the code knows its challenge', async () => {
  const { code } = await getCode(server);
  const kept = await server.auth.grants.lookAt(code);
  expect(kept).toEqual({
    grant: expect.any(String),
    redirectUri: REDIRECT,
    challenge: expect.stringMatching(/^[\w-]{43}$/),
  });
});

describe('a token at the FHIR API', () => {
  test('S-SCOPE-10 Patient.link opens nothing: neither the record that a patient links to, nor the one that links to it', async () => {
    const [ada, ben] = [patientOf(server, 'ada'), patientOf(server, 'ben')];
    const { body: system } = await backend(server, {}, { scope: 'system/*.cruds' });
    for (const [from, to] of [
      [ada, ben],
      [ben, ada],
    ] as const) {
      const { body: patient } = await fhir(server, `Patient/${from}`, system.access_token);
      const linked = await fetch(`${server.base}/Patient/${from}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${system.access_token}`, 'Content-Type': 'application/fhir+json' },
        body: JSON.stringify({ ...patient, link: [{ other: { reference: `Patient/${to}` }, type: 'seealso' }] }),
      });
      expect(linked.status).toBe(200);
    }
    const { tokens } = await getTokens(server);
    expect((await fhir(server, `Patient/${ada}`, tokens.access_token)).status).toBe(200);
    expect((await fhir(server, `Patient/${ben}`, tokens.access_token)).status).toBe(404);
    expect((await fhir(server, 'Patient', tokens.access_token)).body.entry).toHaveLength(1);
  });

  test('S-CTX-01 S-OIDC-04 [Inferno 1.3.07, 1.3.08] reads the patient in context and who the user is', async () => {
    const { tokens } = await getTokens(server);
    expect((await fhir(server, `Patient/${tokens.patient}`, tokens.access_token)).body.id).toBe(
      patientOf(server, 'ada'),
    );
    const { fhirUser } = decodeJwt(tokens.id_token) as { fhirUser: string };
    expect(fhirUser).toBe(`${server.base}/Patient/${patientOf(server, 'ada')}`);
    expect((await fhir(server, fhirUser.slice(server.base.length + 1), tokens.access_token)).status).toBe(200);
    const practitioner = await getTokens(server, {
      user: 'referrer',
      ask: { scope: 'openid fhirUser user/*.rs launch/patient launch/encounter' },
    });
    const { fhirUser: own } = decodeJwt(practitioner.tokens.id_token) as { fhirUser: string };
    expect(
      (await fhir(server, own.slice(server.base.length + 1), practitioner.tokens.access_token)).body.resourceType,
    ).toBe('Practitioner');
    expect(
      (await fhir(server, `Encounter/${practitioner.tokens.encounter}`, practitioner.tokens.access_token)).status,
    ).toBe(200);
  });

  test.each([
    ['none', undefined, 'Bearer realm="fhir"'],
    ['an unknown one', 'x'.repeat(43), 'Bearer realm="fhir", error="invalid_token"'],
    ['one of 600 characters', 'x'.repeat(600), 'Bearer realm="fhir", error="invalid_token"'],
    ['what is no token', '{"$ne":1}', 'Bearer realm="fhir", error="invalid_token"'],
  ])('B-18 %s is 401 with WWW-Authenticate and an OperationOutcome', async (_name, token, challenge) => {
    const answer = await fhir(server, `Patient/${patientOf(server, 'ada')}`, token);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, challenge]);
    expect(answer.body.resourceType).toBe('OperationOutcome');
    expect(answer.body.issue[0].code).toBe('login');
  });

  test('S-TOK-11 [Inferno 1.2.06] it ends when it says, to the second', async () => {
    const { tokens } = await getTokens(server);
    const read = () => fhir(server, `Patient/${tokens.patient}`, tokens.access_token);
    server.clock.forward(3_595_000);
    expect((await read()).status).toBe(200);
    server.clock.forward(6000);
    expect((await read()).status).toBe(401);
    const { body } = await backend(server);
    expect(body.expires_in).toBe(300);
    server.clock.forward(300_001);
    expect((await fhir(server, 'Patient', body.access_token)).status).toBe(401);
  });
});

describe('refresh', () => {
  const refresh = (token: string, form: Record<string, string | undefined> = {}, headers = {}) =>
    post(server, 'token', { grant_type: 'refresh_token', refresh_token: token, client_id: app(), ...form }, headers);

  test.each([
    ['offline_access', true],
    ['online_access', true],
    ['openid', false],
  ])('S-REF-01 S-DISC-15 with %s there is a refresh token: %s', async (scope, there) => {
    const { tokens } = await getTokens(server, { ask: { scope: `patient/*.rs ${scope}` } });
    expect('refresh_token' in tokens).toBe(there);
  });

  test('S-REF-03 S-REF-04 S-CTX-06 [Inferno 1.4.01, 1.4.02, 1.4.03] it brings the same scopes and context, and the next refresh token', async () => {
    const { tokens } = await getTokens(server, { ask: offline });
    const { body, headers, status } = await refresh(tokens.refresh_token);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3600,
      scope: tokens.scope,
      patient: tokens.patient,
      tenant: tokens.tenant,
    });
    expect(body.refresh_token).not.toBe(tokens.refresh_token);
    expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
    expect((await fhir(server, `Patient/${body.patient}`, body.access_token)).status).toBe(200);
  });

  test('S-REF-04 [Inferno 1.5.01] it may ask for less, and then for all of it again, but never for more', async () => {
    const { tokens } = await getTokens(server, { ask: offline });
    const less = await refresh(tokens.refresh_token, { scope: 'patient/Patient.r launch/patient' });
    expect(less.body.scope.split(' ').sort()).toEqual(['launch/patient', 'patient/Patient.r']);
    for (const scope of ['patient/*.cruds', 'user/*.rs', 'patient/Nothing.rs', 'made-up']) {
      expect(failed(await refresh(less.body.refresh_token, { scope }))).toEqual([400, 'invalid_scope']);
    }
    expect((await refresh(less.body.refresh_token)).body.scope).toBe(tokens.scope);
  });

  test('S-REF-05 S-REF-07 another client’s, and one that is none, are invalid_grant; the right client’s still works', async () => {
    const { tokens } = await getTokens(server, { ask: offline });
    const portal = clientOf(server, 'portal');
    expect(failed(await refresh(tokens.refresh_token, { client_id: portal.client_id }, basic(portal)))).toEqual([
      400,
      'invalid_grant',
    ]);
    expect(failed(await refresh('nothing'))).toEqual([400, 'invalid_grant']);
    expect(failed(await refresh(tokens.access_token))).toEqual([400, 'invalid_grant']);
    expect(failed(await refresh('', {}))).toEqual([400, 'invalid_request']);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  test('S-REF-06 B-05 one that comes again ends the grant: its tokens, old and new', async () => {
    const { tokens } = await getTokens(server, { ask: offline });
    const { body } = await refresh(tokens.refresh_token);
    expect(failed(await refresh(tokens.refresh_token))).toEqual([400, 'invalid_grant']);
    expect(failed(await refresh(body.refresh_token))).toEqual([400, 'invalid_grant']);
    for (const token of [tokens.access_token, body.access_token])
      expect((await fhir(server, 'Patient', token)).status).toBe(401);
  });

  test('S-REF-02 online access ends when the user signs out, and when the session has run out', async () => {
    const ask = { scope: 'patient/*.rs online_access' };
    const visitor = new Visitor(server.issuer);
    const { tokens } = await getTokens(server, { ask, visitor });
    const first = await refresh(tokens.refresh_token);
    expect(first.status).toBe(200);
    const page = await visitor.open(`${server.issuer}/auth/grants`);
    await visitor.submit(page, 'sign-out');
    expect(failed(await refresh(first.body.refresh_token))).toEqual([400, 'invalid_grant']);
    const idle = await getTokens(server, { ask, visitor: new Visitor(server.issuer) });
    server.clock.forward(61 * 60_000);
    expect(failed(await refresh(idle.tokens.refresh_token))).toEqual([400, 'invalid_grant']);
  });

  test('S-REF-08 offline access lives for half a year without use, and each use begins it anew', async () => {
    const { tokens } = await getTokens(server, { ask: offline, visitor: new Visitor(server.issuer) });
    const months = (count: number) => server.clock.forward(count * 30 * 24 * 3_600_000);
    months(5);
    const first = await refresh(tokens.refresh_token);
    expect(first.status).toBe(200);
    months(5);
    const second = await refresh(first.body.refresh_token);
    expect(second.status).toBe(200);
    months(7);
    expect(failed(await refresh(second.body.refresh_token))).toEqual([400, 'invalid_grant']);
  });
});

describe('introspection', () => {
  const introspect = (
    token: string | undefined,
    headers: Record<string, string> = basic(clientOf(server, 'resource-server')),
    form = {},
  ) => post(server, 'introspect', { token, ...form }, headers);

  test('S-INT-01 S-CTX-06 [Inferno 4.2.01, 4.2.02] of an active token it tells scope, client, expiry, context and identity', async () => {
    const { tokens } = await getTokens(server, {
      user: 'referrer',
      ask: { scope: 'launch/patient launch/encounter patient/*.rs openid fhirUser' },
    });
    const { body, status } = await introspect(tokens.access_token);
    expect(status).toBe(200);
    const { iss, sub } = decodeJwt(tokens.id_token);
    expect(body).toMatchObject({
      active: true,
      scope: tokens.scope,
      client_id: app(),
      patient: tokens.patient,
      encounter: tokens.encounter,
      iss,
      sub,
    });
    expect(body.fhirUser).toBe(decodeJwt(tokens.id_token).fhirUser);
    expect(Math.abs(body.exp - (server.clock.now() / 1000 + Number(tokens.expires_in)))).toBeLessThan(5);
    for (const member of ['need_patient_banner', 'smart_style_url', 'tenant'])
      expect(body[member]).toEqual(tokens[member]);
  });

  test('S-INT-02 [Inferno 4.2.03] of anything else it tells nothing', async () => {
    const { tokens } = await getTokens(server, { ask: offline });
    await post(server, 'revoke', { token: tokens.access_token, client_id: app() });
    const expired = await getTokens(server);
    server.clock.forward(3_600_001);
    for (const token of [
      tokens.access_token,
      tokens.refresh_token,
      expired.tokens.access_token,
      'nothing',
      '{"$ne":1}',
      'x'.repeat(5000),
    ]) {
      const { body, status } = await introspect(token);
      expect([status, body]).toEqual([200, { active: false }]);
    }
    expect(failed(await introspect(undefined))).toEqual([400, 'invalid_request']);
  });

  test('S-INT-03 who has no credentials, or is public, may not ask; a client sees its own tokens, a resource server all', async () => {
    const { tokens } = await getTokens(server);
    const portal = clientOf(server, 'portal');
    expect(failed(await introspect(tokens.access_token, {}))).toEqual([401, 'invalid_client']);
    expect(failed(await introspect(tokens.access_token, {}, { client_id: app() }))).toEqual([401, 'invalid_client']);
    expect(failed(await introspect(tokens.access_token, { Authorization: 'Bearer nothing' }))).toEqual([
      401,
      'invalid_token',
    ]);
    expect(failed(await introspect(tokens.access_token, { Authorization: `Bearer ${tokens.access_token}` }))).toEqual([
      401,
      'invalid_token',
    ]);
    expect((await introspect(tokens.access_token, basic(portal))).body).toEqual({ active: false });
    const own = await getTokens(server, { ask: { client_id: portal.client_id } });
    expect((await introspect(own.tokens.access_token, basic(portal))).body.active).toBe(true);
    const { body } = await backend(server);
    const ehr = { Authorization: `Bearer ${body.access_token}` };
    expect((await introspect(body.access_token, ehr)).body).toMatchObject({
      active: true,
      client_id: clientOf(server, 'ehr').client_id,
    });
    expect((await introspect(tokens.access_token, ehr)).body).toEqual({ active: false });
  });
});

describe('revocation', () => {
  const revoke = (token: string | undefined, form = {}, headers = {}) =>
    post(server, 'revoke', { token, client_id: app(), ...form }, headers);

  test.each([undefined, 'access_token', 'refresh_token', 'something'])(
    'S-REV-01 S-REV-02 a refresh token ends with all that came of it, at once, whatever the hint says (%s)',
    async (hint) => {
      const { tokens } = await getTokens(server, { ask: offline });
      expect((await fhir(server, `Patient/${tokens.patient}`, tokens.access_token)).status).toBe(200);
      expect((await revoke(tokens.refresh_token, { token_type_hint: hint })).status).toBe(200);
      expect((await fhir(server, `Patient/${tokens.patient}`, tokens.access_token)).status).toBe(401);
      const refresh = await post(server, 'token', {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
        client_id: app(),
      });
      expect(failed(refresh)).toEqual([400, 'invalid_grant']);
    },
  );

  test('S-REV-01 an access token ends alone; what is unknown is 200; another client’s stays; a missing one is 400', async () => {
    const { tokens } = await getTokens(server, { ask: offline });
    const portal = clientOf(server, 'portal');
    expect((await revoke(tokens.access_token, { client_id: portal.client_id }, basic(portal))).status).toBe(200);
    expect((await revoke(tokens.refresh_token, { client_id: portal.client_id }, basic(portal))).status).toBe(200);
    expect((await fhir(server, `Patient/${tokens.patient}`, tokens.access_token)).status).toBe(200);
    expect((await revoke(tokens.access_token)).status).toBe(200);
    expect((await fhir(server, `Patient/${tokens.patient}`, tokens.access_token)).status).toBe(401);
    expect(
      (
        await post(server, 'token', {
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
          client_id: app(),
        })
      ).status,
    ).toBe(200);
    expect((await revoke('nothing')).status).toBe(200);
    expect(failed(await revoke(undefined))).toEqual([400, 'invalid_request']);
    expect(failed(await revoke(tokens.access_token, { client_id: 'nobody' }))).toEqual([401, 'invalid_client']);
  });
});

describe('the id_token', () => {
  test('S-OIDC-03 [Inferno 1.3.01, 1.3.05, 1.3.06] RS256, a kid that is in the JWKS, and all claims', async () => {
    const { tokens } = await getTokens(server, { ask: { nonce: 'the nonce', max_age: '3600' } });
    const header = decodeProtectedHeader(tokens.id_token);
    const claims = decodeJwt(tokens.id_token);
    expect(header).toMatchObject({ alg: 'RS256', typ: 'JWT' });
    expect(claims).toMatchObject({ iss: server.issuer, aud: app(), nonce: 'the nonce', auth_time: expect.any(Number) });
    expect(claims.sub!.length).toBeLessThan(256);
    expect(claims.exp! - claims.iat!).toBe(3600);
    const { keys } = (await (await fetch(`${server.issuer}/auth/jwks`)).json()) as { keys: any[] };
    const jwk = keys.find(({ kid }) => kid === header.kid);
    const [head, body, signature] = tokens.id_token.split('.');
    expect(
      verify(
        'sha256',
        Buffer.from(`${head}.${body}`),
        createPublicKey({ key: jwk, format: 'jwk' }),
        Buffer.from(signature, 'base64url'),
      ),
    ).toBe(true);
    expect(decodeJwt((await getTokens(server)).tokens.id_token).sub).toBe(claims.sub);
  });

  test('S-OIDC-05 fhirUser is told when it was asked for, and only of who has one', async () => {
    const plain = await getTokens(server, { ask: { scope: 'openid' } });
    expect(decodeJwt(plain.tokens.id_token)).not.toHaveProperty('fhirUser');
    expect('id_token' in (await getTokens(server, { ask: { scope: 'fhirUser patient/*.rs' } })).tokens).toBe(false);
    await server.auth.accounts.add({
      username: 'clerk',
      name: 'Carl Clerk',
      role: 'coordinator',
      organization: userOf(server, 'ada').organization,
      password: 'a long password',
    });
    server.demo.users.push({ ...userOf(server, 'referrer'), username: 'clerk', password: 'a long password' });
    const { tokens } = await getTokens(server, { user: 'clerk', ask: { scope: 'openid fhirUser user/*.rs' } });
    expect(tokens.scope.split(' ')).not.toContain('fhirUser');
    expect(decodeJwt(tokens.id_token)).not.toHaveProperty('fhirUser');
  });

  test('S-OIDC-06 keys rotate without a gap: the next one is shown before it signs, the old one as long as it may be needed', async () => {
    const kids = async () =>
      ((await (await fetch(`${server.issuer}/auth/jwks`)).json()) as { keys: any[] }).keys.map(
        ({ kid }) => kid as string,
      );
    const signedBy = async () =>
      decodeProtectedHeader((await getTokens(server, { visitor: new Visitor(server.issuer) })).tokens.id_token).kid!;
    const hour = 3_600_000;
    const seen: { kids: string[]; kid: string }[] = [];
    const period = 90 * 24 * hour;
    // To three hours before a day before the next period.
    server.clock.forward(period - (server.clock.now() % period) - 27 * hour);
    for (const step of [0, 4, 22, 2, 22, 4]) {
      server.clock.forward(step * hour);
      seen.push({ kids: await kids(), kid: await signedBy() });
    }
    for (const { kid, kids: shown } of seen) expect(shown).toContain(kid);
    const [before, soon, late, after, , gone] = seen;
    expect(before!.kids).toHaveLength(1);
    expect(soon!.kids).toHaveLength(2);
    expect([soon!.kid, late!.kid]).toEqual([before!.kid, before!.kid]);
    expect(after!.kid).not.toBe(before!.kid);
    expect(after!.kids).toContain(before!.kid);
    expect(soon!.kids).toContain(after!.kid);
    expect(gone!.kids).not.toContain(before!.kid);
  });
});

describe('an EHR launches an app', () => {
  const launch = async (form: Record<string, string | undefined> = {}, headers: Record<string, string> = {}) =>
    post(
      server,
      'launch',
      {
        ...server.demo.launch.form,
        client_assertion_type: ASSERTION,
        client_assertion: await assertion(server),
        ...form,
      },
      headers,
    );
  const launchScope = 'launch patient/*.rs openid fhirUser';

  test('S-AUTHZ-09 S-AUTHZ-10 S-CTX-01 S-CTX-02 S-CTX-04 S-CTX-05 S-CTX-08 S-DISC-15 [Inferno 2.2.01, 2.2.02] at its registered URL, with the patient, the encounter and the referral', async () => {
    const { body: token } = await backend(server, {}, { scope: 'system/*.cruds' });
    const create = async (resource: object) =>
      (await (
        await fetch(`${server.base}/${(resource as any).resourceType}`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${token.access_token}`, 'Content-Type': 'application/fhir+json' },
          body: JSON.stringify(resource),
        })
      ).json()) as any;
    const subject = { reference: `Patient/${patientOf(server, 'ada')}` };
    const request = await create({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject });
    const task = await create({
      resourceType: 'Task',
      status: 'requested',
      intent: 'order',
      for: subject,
      focus: { reference: `ServiceRequest/${request.id}` },
    });
    const { body, status } = await launch({
      serviceRequest: request.id,
      task: `Task/${task.id}`,
      intent: 'review',
      need_patient_banner: 'false',
    });
    expect(status).toBe(201);
    const url = new URL(body.url);
    expect(`${url.origin}${url.pathname}`).toBe(clientOf(server, 'app').launch_url);
    expect(url.searchParams.get('iss')).toBe(server.base);
    expect(url.searchParams.get('launch')).toBe(body.launch);
    expect(body.launch).toMatch(/^[\w-]{43}$/);
    const { tokens } = await getTokens(server, {
      user: 'referrer',
      ask: { scope: launchScope, launch: body.launch },
    });
    expect(tokens).toMatchObject({
      patient: patientOf(server, 'ada'),
      encounter: server.demo.launch.form.encounter,
      fhirContext: [{ reference: `ServiceRequest/${request.id}` }, { reference: `Task/${task.id}` }],
      intent: 'review',
      need_patient_banner: false,
      tenant: userOf(server, 'referrer').organization,
    });
    expect((await fhir(server, `Encounter/${tokens.encounter}`, tokens.access_token)).status).toBe(200);
    const style = await fetch(tokens.smart_style_url);
    expect(style.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await style.json()).toHaveProperty('color_background');
    // Used once, whoever comes with it.
    const again = await getCode(server, { user: 'referrer', ask: { scope: launchScope, launch: body.launch } });
    expect(again.redirect?.searchParams.get('error')).toBe('invalid_request');
  });

  test('S-AUTHZ-09 for one client, for one user, for five minutes', async () => {
    const { body } = await launch();
    const portal = clientOf(server, 'portal').client_id;
    const other = await getCode(server, {
      user: 'referrer',
      ask: { scope: launchScope, launch: body.launch, client_id: portal },
    });
    expect(other.redirect?.searchParams.get('error')).toBe('invalid_request');
    const { challenge } = (await import('../support/smart.js')).pkce();
    const visitor = new Visitor(server.issuer);
    const { authorizeUrl } = await import('../support/smart.js');
    const signIn = await visitor.open(authorizeUrl(server, challenge, { scope: launchScope, launch: body.launch }));
    const wrong = await visitor.signIn(signIn, userOf(server, 'specialist'));
    expect(wrong.text).toContain('opened for another user');
    expect(choices(wrong, 'scope.')).toEqual([]);
    server.clock.forward(300_001);
    const late = await getCode(server, { user: 'referrer', ask: { scope: launchScope, launch: body.launch } });
    expect(late.redirect?.searchParams.get('error')).toBe('invalid_request');
  });

  test.each([
    ['no app', { app: undefined }, 400, 'invalid_request'],
    ['an app without a launch URL', { app: 'RESOURCE' }, 400, 'invalid_request'],
    ['a user of another organization', { user: 'outsider' }, 400, 'invalid_request'],
    ['a user that is none', { user: 'nobody' }, 400, 'invalid_request'],
    ['a patient of another organization', { patient: 'CLEO', encounter: undefined }, 400, 'invalid_request'],
    ['an encounter of another patient', { patient: 'BEN' }, 400, 'invalid_request'],
    ['what is no id', { serviceRequest: '../x' }, 400, 'invalid_request'],
    ['a banner that is neither', { need_patient_banner: 'maybe' }, 400, 'invalid_request'],
    [
      'a client that may not',
      { client_assertion: undefined, client_assertion_type: undefined, client_id: 'PORTAL' },
      403,
      'unauthorized_client',
    ],
    [
      'a public client',
      { client_assertion: undefined, client_assertion_type: undefined, client_id: 'APP' },
      401,
      'invalid_client',
    ],
  ])('S-AUTHZ-10 %s launches nothing', async (_name, changes: Record<string, string | undefined>, status, error) => {
    const ids: Record<string, string> = {
      RESOURCE: clientOf(server, 'resource-server').client_id,
      CLEO: patientOf(server, 'cleo'),
      BEN: patientOf(server, 'ben'),
      PORTAL: clientOf(server, 'portal').client_id,
      APP: app(),
    };
    const told = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, ids[value ?? ''] ?? value]));
    const answer = await launch(told, changes.client_id === 'PORTAL' ? basic(clientOf(server, 'portal')) : {});
    expect(failed(answer)).toEqual([status, error]);
  });
});

describeSmart('tokens on each store', (each) => {
  test('S-REF-06 of 64 who refresh with one token at once one wins; S-REV-02 and another process sees an end within a second', async () => {
    const { tokens } = await getTokens(each, { ask: offline });
    const { startServer } = await import('../../src/server.js');
    const { readConfig } = await import('../../src/config.js');
    const second = await startServer(readConfig({ ...each.settings, PORT: '0', BASE_URL: each.base }), each.clock);
    try {
      const other = { base: second.address.concat('/fhir'), issuer: second.address };
      expect(
        (
          await fetch(`${other.base}/Patient/${tokens.patient}`, {
            headers: { Authorization: `Bearer ${tokens.access_token}` },
          })
        ).status,
      ).toBe(200);
      const client = clientOf(each, 'app').client_id;
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, n) =>
          post(n % 2 === 0 ? each : other, 'token', {
            grant_type: 'refresh_token',
            refresh_token: tokens.refresh_token,
            client_id: client,
          }),
        ),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      // The other 63 were taken for thieves, so the grant is gone, everywhere.
      each.clock.forward(1000);
      for (const { base } of [each, other]) {
        expect(
          (
            await fetch(`${base}/Patient/${tokens.patient}`, {
              headers: { Authorization: `Bearer ${tokens.access_token}` },
            })
          ).status,
        ).toBe(401);
      }
    } finally {
      await second.stop();
    }
  });

  test('S-TOK-12 a token is for one base: a server of another name on the same store refuses it', async () => {
    const { tokens } = await getTokens(each);
    const { startServer } = await import('../../src/server.js');
    const { readConfig } = await import('../../src/config.js');
    const second = await startServer(readConfig({ ...each.settings, PORT: '0' }), each.clock);
    try {
      const read = await fetch(`${second.base}/Patient/${tokens.patient}`, {
        headers: { Authorization: `Bearer ${tokens.access_token}` },
      });
      expect(read.status).toBe(401);
    } finally {
      await second.stop();
    }
  });
});
