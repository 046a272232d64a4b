/** People and clients: accounts, lockout, registration, other origins, sign-in at another provider, the commands, secrets. */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAccounts } from '../../src/auth/accounts.js';
import { createClients } from '../../src/auth/clients.js';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import {
  authorizeUrl,
  basic,
  clientOf,
  getCode,
  getTokens,
  patientOf,
  pkce,
  post,
  REDIRECT,
  redeem,
  runSmart,
  userOf,
} from '../support/smart.js';
import { Visitor } from '../support/visitor.js';

const TOKEN = 'a-token-that-the-operator-hands-out-by-mail';
const server = runSmart({ STORE: 'sqlite', REGISTRATION_TOKEN: TOKEN });

/** Judges as scrypt does, without its price; a moment later, so that others come meanwhile. */
const quick = async (password: string, kept: string): Promise<boolean> => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return server.demo.users.some((user) => user.password === password) && !kept.includes('AAAAAAAAAA');
};

const signInAs = async (username: string, password: string) => {
  const visitor = new Visitor(server.issuer);
  return visitor.signIn(await visitor.open(authorizeUrl(server, pkce().challenge)), { username, password });
};

describe('the sign-in', () => {
  test('B-17 wrong passwords are told alike whether there is such a user, and after five nobody gets in for a quarter of an hour', async () => {
    const right = userOf(server, 'outsider');
    const wrong = await signInAs('outsider', 'wrong');
    const nobody = await signInAs('no such user', 'wrong');
    const page = (text: string) => text.replace(/value="[^"]*"/g, '');
    expect([wrong.status, page(wrong.text)]).toEqual([nobody.status, page(nobody.text)]);
    expect(wrong.status).toBe(401);
    for (let n = 0; n < 4; n += 1) await signInAs('OUTSIDER ', 'wrong');
    const locked = await signInAs('outsider', right.password);
    expect([locked.status, locked.text.includes('Too many wrong passwords')]).toEqual([429, true]);
    expect((await signInAs('referrer', userOf(server, 'referrer').password)).status).toBe(200);
    server.clock.forward(15 * 60_000);
    expect((await signInAs('outsider', right.password)).status).toBe(200);
  });

  test('B-17 one address has fifty wrong passwords in all, whatever names it tries', async () => {
    const accounts = createAccounts(server.auth.ground.vault, server.clock, undefined, quick);
    const results = new Set<string>();
    for (let n = 0; n < 50; n += 1) {
      const found = await accounts.signIn(`name ${n}`, '', '192.0.2.1');
      results.add(typeof found === 'string' ? found : 'in');
    }
    expect([...results]).toEqual(['wrong']);
    const { password, username } = userOf(server, 'referrer');
    expect(await accounts.signIn(username, password, '192.0.2.1')).toBe('locked');
    expect(await accounts.signIn(username, password, '192.0.2.2')).toMatchObject({ username });
  }, 60_000);

  test('B-17 of many who sign in at once some wait, and those beyond are told so; nobody is taken for a thief', async () => {
    const accounts = createAccounts(server.auth.ground.vault, server.clock, undefined, quick);
    const { password, username } = userOf(server, 'specialist');
    const answers = await Promise.all(
      Array.from({ length: 70 }, () => accounts.signIn(username, password, '192.0.2.3')),
    );
    const busy = answers.filter((answer) => answer === 'busy').length;
    expect(busy).toBe(4);
    expect(answers.filter((answer) => typeof answer !== 'string')).toHaveLength(66);
  }, 60_000);

  test('B-15 a password is kept by scrypt, with a salt of its own', async () => {
    const accounts = createAccounts(server.auth.ground.vault, server.clock);
    const one = await accounts.add({
      username: 'one',
      name: 'One',
      role: 'auditor',
      organization: 'x',
      password: 'same',
    });
    const two = await accounts.add({
      username: 'two',
      name: 'Two',
      role: 'auditor',
      organization: 'x',
      password: 'same',
    });
    expect(one.password).toMatch(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(one.password).not.toBe(two.password);
    await expect(accounts.add({ username: 'ONE', name: 'x', role: 'auditor', organization: 'x' })).rejects.toThrow(
      'already',
    );
  });
});

describe('clients that register themselves', () => {
  const register = async (metadata: unknown, authorization = `Bearer ${TOKEN}`) => {
    const response = await fetch(`${server.issuer}/auth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
  const app = {
    client_name: 'An app',
    redirect_uris: ['https://app.example/callback'],
    token_endpoint_auth_method: 'none',
  };

  test('S-DCR-01 SMART req. 24: one who knows the initial token gets an id and, when confidential, a secret', async () => {
    const { body, headers, status } = await register({
      ...app,
      token_endpoint_auth_method: 'client_secret_basic',
      client_id: 'mine',
      logo_uri: 'http://127.0.0.1:1/',
      scope: 'patient/*.rs',
    });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      client_id: expect.stringMatching(/^client-/),
      client_secret: expect.any(String),
      client_secret_expires_at: 0,
      scope: 'patient/*.rs',
    });
    const bad = await post(
      server,
      'token',
      { grant_type: 'refresh_token', refresh_token: 'x' },
      basic({ ...body, name: '', redirect_uris: [], scope: '', token_endpoint_auth_method: '' }),
    );
    expect(bad.body.error).toBe('unauthorized_client');
  });

  test.each([
    ['no token', app, 'Bearer', 401, 'invalid_token'],
    ['a wrong token', app, 'Bearer wrong', 401, 'invalid_token'],
    ['no JSON', '{', undefined, 400, 'invalid_client_metadata'],
    ['an array', [], undefined, 400, 'invalid_client_metadata'],
    ['a number for a name', { ...app, client_name: 7 }, undefined, 400, 'invalid_client_metadata'],
    [
      'text for redirect_uris',
      { ...app, redirect_uris: 'https://x.example' },
      undefined,
      400,
      'invalid_client_metadata',
    ],
    ['no redirect URI', { ...app, redirect_uris: [] }, undefined, 400, 'invalid_client_metadata'],
    ...[
      'http://app.example/',
      'https://app.example/#x',
      'javascript:alert(1)',
      'data:x',
      'app:/x',
      'https://a@app.example/',
      'https://*.app.example/',
      'no URL',
    ].map(
      (uri) =>
        [`the redirect URI ${uri}`, { ...app, redirect_uris: [uri] }, undefined, 400, 'invalid_redirect_uri'] as const,
    ),
    [
      'jwks and jwks_uri',
      { ...app, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] }, jwks_uri: 'https://x.example' },
      undefined,
      400,
      'invalid_client_metadata',
    ],
    [
      'a private key',
      { ...app, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', d: 'x' }] } },
      undefined,
      400,
      'invalid_client_metadata',
    ],
    ['client_credentials', { ...app, grant_types: ['client_credentials'] }, undefined, 400, 'invalid_client_metadata'],
    ['an implicit app', { ...app, response_types: ['token'] }, undefined, 400, 'invalid_client_metadata'],
    ['a scope that is none', { ...app, scope: 'patient/Patient.dus' }, undefined, 400, 'invalid_client_metadata'],
  ] as [string, unknown, string | undefined, number, string][])(
    'S-DCR-01 %s is refused',
    async (_name, metadata, authorization, status, error) => {
      const refused = await register(metadata, authorization);
      expect([refused.status, refused.body.error]).toEqual([status, error]);
    },
  );

  test('S-CORS-02 S-CORS-03 pages of a registered origin may ask FHIR and the token endpoint, those of others not', async () => {
    const allowed = async (origin: string, path: string) =>
      (await fetch(`${server.issuer}${path}`, { headers: { Origin: origin } })).headers.get(
        'access-control-allow-origin',
      );
    await register({ ...app, redirect_uris: ['https://fresh.example/callback'] });
    expect(await allowed('https://fresh.example', '/fhir/Patient')).toBe('https://fresh.example');
    expect(await allowed('https://fresh.example', '/auth/token')).toBe('https://fresh.example');
    expect(await allowed('https://fresh.example', '/auth/grants')).toBeNull();
    for (const origin of ['https://other.example', 'null', 'https://fresh.example.other.example'])
      expect(await allowed(origin, '/fhir/Patient')).toBeNull();
    expect(await allowed('https://other.example', '/fhir/.well-known/smart-configuration')).toBe('*');
  });

  test('S-DCR-01 without the operator’s token there is no such endpoint, and none is named', async () => {
    const closed = await startServer(
      readConfig({ ...server.settings, PORT: '0', REGISTRATION_TOKEN: '', BASE_URL: server.base }),
    );
    try {
      expect((await fetch(`${closed.address}/auth/register`, { method: 'POST' })).status).toBe(404);
      expect(await (await fetch(`${closed.address}/fhir/.well-known/smart-configuration`)).json()).not.toHaveProperty(
        'registration_endpoint',
      );
    } finally {
      await closed.stop();
    }
  });
});

describe('sign-in at another OpenID Provider', () => {
  test('S-OIDC-03 whom it names is let in when the operator gave them an account, once, in their own browser', async () => {
    const { vault } = server.auth.ground;
    const { client, secret } = await createClients(vault, server.clock).add({
      name: 'The other server',
      organization: '',
      authentication: 'client_secret',
      redirectUris: ['http://127.0.0.1:8000/placeholder', REDIRECT],
      scope: 'openid',
      grantTypes: ['authorization_code'],
    });
    const settings = {
      ...server.settings,
      PORT: '0',
      DATA_DIR: `${server.settings.DATA_DIR}-second`,
      OPENID_ISSUER: server.issuer,
      OPENID_CLIENT_ID: client.id,
      OPENID_CLIENT_SECRET: secret!,
      OPENID_AUDIENCE: server.base,
    };
    const second = await startServer(readConfig(settings), server.clock);
    try {
      const { auth } = second;
      const callback = `${auth!.ground.issuer}/auth/upstream/callback`;
      const { id } = client;
      await vault.put(
        `auth:client:${id}`,
        JSON.stringify({ ...(await server.auth.clients.find(id)), redirectUris: [callback] }),
        Number.MAX_SAFE_INTEGER,
      );
      const there = (await server.auth.accounts.byUsername('referrer'))!;
      await auth!.accounts.add({
        username: 'rita',
        name: 'Rita',
        role: 'referrer',
        organization: 'x',
        upstream: { issuer: server.issuer, subject: there.id },
      });
      const app = await auth!.clients.add({
        name: 'App',
        organization: '',
        authentication: 'none',
        redirectUris: [REDIRECT],
        scope: 'openid',
        grantTypes: ['authorization_code'],
      });
      const here = new Visitor(auth!.ground.issuer);
      const ask = new URLSearchParams({
        response_type: 'code',
        client_id: app.client.id,
        redirect_uri: REDIRECT,
        scope: 'openid',
        state: 's',
        aud: second.base,
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
      });
      const signIn = await here.open(`${auth!.ground.issuer}/auth/authorize?${ask.toString()}`);
      expect(signIn.text).toContain('Sign in at 127.0.0.1');
      const away = await here.submit(signIn, 'upstream');
      expect(away.left?.origin).toBe(server.issuer);
      const elsewhere = new Visitor(server.issuer);
      const consent = await elsewhere.signIn(await elsewhere.open(away.left!.href), userOf(server, 'referrer'));
      const back = await elsewhere.submit(consent, 'decide', { decision: 'allow' });
      expect(back.left?.href.startsWith(callback)).toBe(true);
      // In the browser of somebody else the answer signs nobody in.
      const victim = await new Visitor(auth!.ground.issuer).open(back.left!.href);
      expect(victim.status).toBe(401);
      const inside = await here.open(back.left!.href);
      expect(inside.text).toContain('in your name, Rita');
      expect((await here.open(back.left!.href)).status).toBe(401);
    } finally {
      await second.stop();
    }
  });
});

describe('the operator', () => {
  const run = promisify(execFile);
  const cli = (...args: string[]) =>
    run(process.execPath, ['dist/cli/index.js', ...args], {
      env: { ...process.env, ...server.settings, PORT: new URL(server.issuer).port },
    });

  test('adds accounts and clients while the server runs, and takes them away with all that they allowed', async () => {
    const { organization } = userOf(server, 'referrer');
    const { stdout } = await cli(
      'account',
      'add',
      'anna',
      '--role',
      'referrer',
      '--organization',
      organization,
      '--name',
      'Anna',
    );
    server.demo.users.push({ username: 'anna', password: stdout.trim(), role: 'referrer', organization });
    const { stdout: id } = await cli(
      'client',
      'add',
      'An app',
      '--redirect',
      REDIRECT,
      '--scope',
      'patient/*.rs offline_access',
    );
    const { code, verifier } = await getCode(server, {
      user: 'anna',
      ask: { client_id: id.trim(), scope: 'patient/*.rs offline_access' },
    });
    const { body } = await redeem(server, code, verifier, { client_id: id.trim() });
    const read = () =>
      fetch(`${server.base}/Patient/${patientOf(server, 'ada')}`, {
        headers: { Authorization: `Bearer ${body.access_token}` },
      });
    expect((await read()).status).toBe(200);
    await cli('account', 'remove', 'anna');
    server.clock.forward(1000);
    expect((await read()).status).toBe(401);
    const other = await getTokens(server, { ask: { client_id: clientOf(server, 'portal').client_id } });
    await server.auth.clients.remove(clientOf(server, 'portal').client_id);
    server.clock.forward(1000);
    const refused = await fetch(`${server.base}/Patient`, {
      headers: { Authorization: `Bearer ${other.tokens.access_token}` },
    });
    expect(refused.status).toBe(401);
    await expect(cli('account', 'add', 'x', '--role', 'king')).rejects.toThrow(/--role: one of/);
    await expect(cli('client', 'add', 'x', '--backend')).rejects.toThrow(/private_key_jwt/);
  }, 60_000);

  test('V-03 the demo’s secrets are new with every start, and its file is for its owner alone', async () => {
    const { tellDemo, writeDemo } = await import('../../src/cli/demo.js');
    const config = readConfig(server.settings);
    const file = await writeDemo(config, server.demo);
    expect(file).toBe(join(server.settings.DATA_DIR!, 'demo.json'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const told = JSON.parse(await readFile(file, 'utf8'));
    expect(told).toEqual(JSON.parse(JSON.stringify(server.demo)));
    expect(told.organizations).toHaveLength(3);
    expect(told.users.length).toBeGreaterThanOrEqual(4);
    expect(told.clients.map(({ token_endpoint_auth_method: method }: any) => method)).toEqual([
      'none',
      'client_secret_basic',
      'private_key_jwt',
      'client_secret_basic',
    ]);
    expect(tellDemo(server.demo, file)).toContain(userOf(server, 'ada').password);
    const { demoConfig } = await import('../../src/cli/demo.js');
    expect(() => demoConfig({ ...config, host: '0.0.0.0' })).toThrow(/loopback/);
  });

  test.each([
    [{ HOST: '0.0.0.0', AUTHORIZATION: 'open' }, /Open mode has no authorization/],
    [{ HOST: '0.0.0.0' }, /TLS_CERT and TLS_KEY, or TRUST_PROXY/],
    [{ BASE_URL: 'https://fhir.example/fhir' }, /BASE_URL is https/],
    [{ BASE_URL: 'http://127.0.0.1/r4' }, /has to end in \/fhir/],
    [{ REGISTRATION_TOKEN: 'short' }, /32 characters/],
  ])('B-14 %j does not start', async (settings, why) => {
    await expect(
      (async () =>
        startServer(
          readConfig({
            ...server.settings,
            PORT: '0',
            DATA_DIR: `${server.settings.DATA_DIR}-third`,
            ...(settings as object),
          }),
        ))(),
    ).rejects.toThrow(why);
  });

  test('B-14 S-DISC-03 behind a named proxy the cookie is bound to the host, and nobody else’s headers are believed', async () => {
    const base = {
      ...server.settings,
      PORT: '0',
      DATA_DIR: `${server.settings.DATA_DIR}-proxied`,
      BASE_URL: 'https://fhir.example/fhir',
    };
    for (const [proxy, sets] of [
      ['127.0.0.1', true],
      ['192.0.2.7', false],
    ] as const) {
      const proxied = await startServer(readConfig({ ...base, TRUST_PROXY: proxy }));
      try {
        const config = (await (await fetch(`${proxied.address}/fhir/.well-known/smart-configuration`)).json()) as any;
        expect(config.token_endpoint).toBe('https://fhir.example/auth/token');
        const page = await fetch(`${proxied.address}/auth/grants`, {
          headers: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '198.51.100.1' },
        });
        expect(
          /^__Host-afferent=.*Path=\/; HttpOnly; Secure; SameSite=Lax$/.test(page.headers.get('set-cookie') ?? ''),
        ).toBe(sets);
      } finally {
        await proxied.stop();
      }
    }
  });

  test('B-12 what was issued is in no log and no error', async () => {
    const { stderr, stdout } = await run(process.execPath, ['--import', 'tsx', 'test/support/logged.ts'], {
      maxBuffer: 1e8,
    });
    const issued = JSON.parse(stderr) as string[];
    expect(issued.length).toBeGreaterThan(15);
    expect(issued.filter((secret) => stdout.includes(secret))).toEqual([]);
    expect(stdout).toContain('"interaction"');
    expect(stdout).toContain('the store is away');
  }, 60_000);
});
