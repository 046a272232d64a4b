/** Clients that others wrote complete the flows: openid-client, oauth4webapi, fhir-kit-client (fhirclient: browser.test.ts); and ours. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'fhir-kit-client';
import { importJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import {
  answerPages,
  backend,
  clientOf,
  describeSmart,
  patientOf,
  post,
  REDIRECT,
  userOf,
  type SmartServer,
} from '../support/smart.js';
import { Visitor } from '../support/visitor.js';

const SCOPE = 'launch/patient patient/*.rs openid fhirUser offline_access';

/** The user's part: what the browser would do between the client's URL and its redirect URI. */
const visit = async (server: SmartServer, url: URL): Promise<URL> => {
  const visitor = new Visitor(server.issuer);
  const view = await answerPages(server, visitor, await visitor.open(url.href), {
    user: 'referrer',
    patient: 'ada',
    consent: {},
  });
  return view.left!;
};

// The libraries mark this as deprecated so that nobody uses it by mistake: here both ends are on this machine.
const insecurely: (configuration: openid.Configuration) => void = Reflect.get(openid, 'allowInsecureRequests');
const insecure = { [Reflect.get(oauth, 'allowInsecureRequests') as symbol]: true };

describeSmart('clients of others', (server) => {
  test('openid-client: discovery, code with PKCE, id_token, refresh, introspection, revocation', async () => {
    const app = clientOf(server, 'portal');
    const config = await openid.discovery(new URL(server.issuer), app.client_id, app.client_secret, undefined, {
      execute: [insecurely],
    });
    const verifier = openid.randomPKCECodeVerifier();
    const [nonce, state] = [openid.randomNonce(), openid.randomState()];
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT,
      scope: SCOPE,
      aud: server.base,
      nonce,
      state,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const tokens = await openid.authorizationCodeGrant(config, await visit(server, url), {
      pkceCodeVerifier: verifier,
      expectedNonce: nonce,
      expectedState: state,
      idTokenExpected: true,
    });
    expect(tokens.patient).toBe(patientOf(server, 'ada'));
    expect(tokens.claims()).toMatchObject({
      iss: server.issuer,
      fhirUser: `${server.base}/${userOf(server, 'referrer').fhirUser}`,
    });
    const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token!);
    expect(await openid.tokenIntrospection(config, fresh.access_token)).toMatchObject({
      active: true,
      scope: tokens.scope,
    });
    await openid.tokenRevocation(config, fresh.refresh_token!);
    expect(await openid.tokenIntrospection(config, fresh.access_token)).toEqual({ active: false });
  });

  test('openid-client: a backend service with its own key', async () => {
    const ehr = clientOf(server, 'ehr');
    const key = (await importJWK(ehr.privateKey!, 'ES384')) as openid.CryptoKey;
    const config = await openid.discovery(
      new URL(server.issuer),
      ehr.client_id,
      undefined,
      openid.PrivateKeyJwt(
        { key, kid: String(ehr.privateKey!.kid) },
        { [openid.modifyAssertion]: (header) => Object.assign(header, { typ: 'JWT' }) },
      ),
      { execute: [insecurely] },
    );
    const tokens = await openid.clientCredentialsGrant(config, { scope: 'system/Patient.rs' });
    expect(tokens).toMatchObject({ expires_in: 300, scope: 'system/Patient.rs', token_type: 'bearer' });
  });

  test('oauth4webapi, which lets nothing pass: every answer is what the RFCs say', async () => {
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' }),
    );
    const client: oauth.Client = { client_id: clientOf(server, 'app').client_id };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint!);
    url.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: REDIRECT,
      response_type: 'code',
      scope: SCOPE,
      aud: server.base,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString();
    const parameters = oauth.validateAuthResponse(as, client, await visit(server, url), state);
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      parameters,
      REDIRECT,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, { requireIdToken: true });
    const jwks = await oauth.validateApplicationLevelSignature(as, answer, insecure).then(() => 'fits');
    expect([tokens.patient, jwks]).toEqual([patientOf(server, 'ada'), 'fits']);
    const read = await oauth.protectedResourceRequest(
      tokens.access_token,
      'GET',
      new URL(`${server.base}/Patient/${patientOf(server, 'ada')}`),
      undefined,
      undefined,
      insecure,
    );
    expect(read.status).toBe(200);
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, oauth.None(), tokens.refresh_token!, insecure),
    );
    const gone = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token!, insecure);
    await expect(oauth.processRefreshTokenResponse(as, client, gone)).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    });
  });

  test('fhir-kit-client finds the endpoints, and reads with a token', async () => {
    const client = new Client({ baseUrl: server.base });
    const metadata = await client.smartAuthMetadata();
    expect(String(metadata.tokenUrl)).toBe(`${server.issuer}/auth/token`);
    expect(String(metadata.authorizeUrl)).toBe(`${server.issuer}/auth/authorize`);
    client.bearerToken = (await backend(server)).body.access_token as string;
    expect((await client.read({ resourceType: 'Patient', id: patientOf(server, 'ben') })).id).toBe(
      patientOf(server, 'ben'),
    );
  });
});

describeSmart('a page of ours', (server) => {
  test('S-DISC-15 is launched from another EHR: a second instance of this server, with its patient and its referral', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-guest-'));
    const settings = { ...server.settings, PORT: '0', DATA_DIR: folder, STORE: 'sqlite' };
    const second = await startServer(readConfig(settings), server.clock);
    try {
      const issuer = second.auth!.ground.issuer;
      const redirect = `${issuer}/auth/launched/callback`;
      const { client, secret } = await server.auth.clients.add({
        name: 'The other server’s page',
        organization: '',
        authentication: 'client_secret',
        redirectUris: [redirect],
        launchUrl: `${issuer}/auth/launched`,
        scope: 'launch openid fhirUser patient/*.rs',
        grantTypes: ['authorization_code'],
      });
      await second.auth!.guests.add({ iss: server.base, clientId: client.id, clientSecret: secret! });
      const { body: token } = await backend(server, {}, { scope: 'system/*.cruds' });
      const launch = () =>
        post(
          server,
          'launch',
          { ...server.demo.launch.form, app: client.id },
          { Authorization: `Bearer ${token.access_token}` },
        );
      const url = new URL((await launch()).body.url as string);
      expect(`${url.origin}${url.pathname}`).toBe(`${issuer}/auth/launched`);
      const here = new Visitor(issuer);
      const away = await here.open(url.href);
      expect(away.left?.origin).toBe(server.issuer);
      const there = new Visitor(server.issuer);
      const view = await answerPages(server, there, await there.open(away.left!.href), {
        user: 'referrer',
        patient: 'ada',
        consent: {},
      });
      // In another browser the answer opens nothing.
      const stranger = await new Visitor(issuer).open(view.left!.href);
      expect([stranger.status, stranger.text.includes('Müller')]).toEqual([403, false]);
      const shown = await here.open(view.left!.href);
      expect([shown.status, shown.text.includes('<h1>Ada Müller</h1>')]).toEqual([200, true]);
      expect(shown.text).toContain(`${server.base}/${userOf(server, 'referrer').fhirUser}`);
      expect((await here.open(view.left!.href)).status).toBe(403);
      const unknown = await here.open(`${issuer}/auth/launched?iss=https://evil.example/fhir&launch=x`);
      expect([unknown.status, unknown.left]).toEqual([403, undefined]);
    } finally {
      await second.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
