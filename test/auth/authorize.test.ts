/** The authorization endpoint and what its user is asked: what is refused, where, and what comes of what is allowed. */
import { randomBytes } from 'node:crypto';
import {
  answerPages,
  authorizeForm,
  authorizeUrl,
  clientOf,
  describeSmart,
  getCode,
  getTokens,
  patientOf,
  pkce,
  post,
  redeem,
  REDIRECT,
  runSmart,
  userOf,
} from '../support/smart.js';
import { choices, Visitor } from '../support/visitor.js';

const server = runSmart({ STORE: 'sqlite' });
const { challenge } = pkce();
const visit = () => new Visitor(server.issuer);

describe('an authorization request', () => {
  test('S-AUTHZ-01 O1 [Inferno 1.2.02, 1.2.03, 2.2.04] GET and form POST lead to the same, with a code at the redirect URI', async () => {
    for (const way of ['GET', 'POST'] as const) {
      const visitor = visit();
      const first =
        way === 'GET'
          ? await visitor.open(authorizeUrl(server, challenge))
          : await visitor.open(`${server.issuer}/auth/authorize`, authorizeForm(server, challenge));
      const view = await answerPages(server, visitor, first, { user: 'ada', patient: 'ada', consent: {} });
      expect(`${view.left?.origin}${view.left?.pathname}`).toBe(REDIRECT);
      expect(view.left?.searchParams.get('code')).toMatch(/^[\w-]{43}$/);
      expect(view.left?.searchParams.get('state')).toBe('the state');
    }
  });

  test.each([
    ['S-AUTHZ-04 an unknown client', { client_id: 'nobody' }],
    ['S-AUTHZ-04 no client', { client_id: undefined }],
    ['S-AUTHZ-04 a client_id of 16 kB', { client_id: 'x'.repeat(16_000) }],
    ['S-AUTHZ-03 no redirect_uri', { redirect_uri: undefined }],
    ...[
      `${REDIRECT}/`,
      `${REDIRECT}?x=1`,
      `${REDIRECT}#x`,
      `${REDIRECT}%20`,
      REDIRECT.toUpperCase(),
      REDIRECT.replace('http:', 'https:'),
      REDIRECT.replace('callback', 'callback/../evil'),
      REDIRECT.replace('callback', 'Callback'),
      REDIRECT.replace('127.0.0.1', '127.0.0.1.evil.example'),
      REDIRECT.replace('127.0.0.1', 'user@127.0.0.1'),
      REDIRECT.replace('127.0.0.1', '127.0.0.1@evil.example'),
      REDIRECT.replace('127.0.0.1', '2130706433'),
      REDIRECT.replace('127.0.0.1', 'localhost.'),
      'http://localhost:8001/callback',
      '//127.0.0.1:8000/callback',
      'https://evil.example/callback',
      'javascript:alert(1)',
      'data:text/html,x',
      `${REDIRECT}\u0000`,
      ` ${REDIRECT}`,
      `${REDIRECT}\r\nX-Evil: 1`,
      'callback',
      '',
    ].map(
      (uri) => [`S-AUTHZ-03 B-01 redirect_uri ${JSON.stringify(uri).slice(0, 60)}`, { redirect_uri: uri }] as const,
    ),
  ] as [string, Record<string, string | undefined>][])('%s gets a page and no redirect', async (_name, changes) => {
    const view = await visit().open(authorizeUrl(server, challenge, changes));
    expect(view.left).toBeUndefined();
    expect(view.status).toBe(400);
    expect(view.headers.get('content-type')).toMatch(/^text\/html/);
    expect(view.text).toContain('This cannot go on');
  });

  test('B-01 an app on the user’s own machine may have another port, a confidential one not (RFC 8252 7.3)', async () => {
    const other = REDIRECT.replace(':8000', ':61234');
    const native = await visit().open(authorizeUrl(server, challenge, { redirect_uri: other }));
    expect([native.status, native.text.includes('Sign in')]).toEqual([200, true]);
    const { client_id: id } = clientOf(server, 'portal');
    const confidential = await visit().open(authorizeUrl(server, challenge, { client_id: id, redirect_uri: other }));
    expect(confidential.status).toBe(400);
  });

  test.each([
    ['S-AUTHZ-02 B-03', 'unsupported_response_type', { response_type: 'token' }],
    ['S-AUTHZ-02', 'unsupported_response_type', { response_type: 'id_token' }],
    ['S-AUTHZ-02', 'unsupported_response_type', { response_type: 'code token' }],
    ['S-AUTHZ-02', 'invalid_request', { response_type: undefined }],
    ['S-AUTHZ-05', 'invalid_request', { aud: undefined }],
    ['S-AUTHZ-05', 'invalid_request', { aud: 'https://other.example/fhir' }],
    ['S-AUTHZ-05', 'invalid_request', { aud: 'BASE/Patient' }],
    ['S-AUTHZ-06', 'invalid_request', { state: undefined }],
    ['S-AUTHZ-07 B-02', 'invalid_request', { code_challenge: undefined, code_challenge_method: undefined }],
    ['S-AUTHZ-07 O2', 'invalid_request', { code_challenge_method: undefined }],
    ['S-AUTHZ-07 O2', 'invalid_request', { code_challenge_method: 'plain' }],
    ['S-AUTHZ-07', 'invalid_request', { code_challenge: 'short' }],
    ['S-AUTHZ-07', 'invalid_request', { code_challenge: `${'a'.repeat(42)}=` }],
    ['S-AUTHZ-12', 'invalid_request', { scope: 'launch' }],
    ['S-AUTHZ-09', 'invalid_request', { launch: 'made up', scope: 'launch patient/*.rs' }],
    ['S-AUTHZ-19', 'invalid_request', { nonce: 'x'.repeat(16_385) }],
    ['S-SCOPE-01', 'invalid_scope', { scope: 'patient/Nothing.rs' }],
    ['S-SCOPE-01 S-SCOPE-08', 'invalid_scope', { scope: 'system/*.rs' }],
    ['S-SCOPE-01', 'invalid_scope', { scope: undefined }],
    ['S-AUTHZ-18', 'invalid_request', { prompt: 'none login' }],
    ['S-AUTHZ-18', 'invalid_request', { max_age: 'soon' }],
    ['S-AUTHZ-18', 'login_required', { prompt: 'none' }],
    ['S-AUTHZ-02', 'request_not_supported', { request: 'eyJ' }],
    ['S-AUTHZ-02', 'request_uri_not_supported', { request_uri: 'https://evil.example' }],
    ['S-AUTHZ-02', 'invalid_request', { response_mode: 'fragment' }],
  ])('%s %s: the app is told at its redirect URI, with iss, and gets no code', async (_name, error, changes) => {
    const told = Object.fromEntries(
      Object.entries(changes).map(([name, value]) => [name, value?.replace('BASE', server.base)]),
    );
    const form = authorizeForm(server, challenge, told);
    const { left, status } = await visit().open(`${server.issuer}/auth/authorize`, form);
    expect(status).toBe(303);
    expect(`${left?.origin}${left?.pathname}`).toBe(REDIRECT);
    expect(left?.searchParams.get('error')).toBe(error);
    expect(left?.searchParams.get('iss')).toBe(server.issuer);
    expect(left?.searchParams.get('state')).toBe('state' in changes ? null : 'the state');
    expect(left?.searchParams.has('code')).toBe(false);
  });

  test.each([
    'response_type',
    'scope',
    'state',
    'aud',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'launch',
    'x',
  ])('S-AUTHZ-08 O3 %s twice is invalid_request', async (name) => {
    const form = authorizeForm(server, challenge, { nonce: 'n', launch: 'l', x: 'y' });
    form.append(name, 'second');
    for (const open of [
      () => visit().open(`${server.issuer}/auth/authorize?${form.toString()}`),
      () => visit().open(`${server.issuer}/auth/authorize`, form),
    ]) {
      const { left } = await open();
      expect(left?.searchParams.get('error')).toBe('invalid_request');
      expect(left?.searchParams.get('error_description')).toContain(`${name} comes more than once`);
    }
  });

  test.each(['client_id', 'redirect_uri'])('S-AUTHZ-08 O3 %s twice is a page', async (name) => {
    const form = authorizeForm(server, challenge);
    form.append(name, form.get(name)!);
    const view = await visit().open(`${server.issuer}/auth/authorize?${form.toString()}`);
    expect([view.status, view.left]).toEqual([400, undefined]);
  });

  test.each([
    ['a b&c=d?e#f%2B+"<>', 'reserved characters'],
    ['Müller \u{1F600} 日本', 'Unicode'],
    ['s'.repeat(2048), '2 kB'],
  ])('S-AUTHZ-06 S-AUTHZ-17 B-07 B-08 O13 state comes back exactly, with iss: %#', async (state) => {
    const { redirect } = await getCode(server, { ask: { state } });
    expect(redirect?.searchParams.get('state')).toBe(state);
    expect(redirect?.searchParams.get('iss')).toBe(server.issuer);
  });

  test('S-AUTHZ-19 S-TOK-13 B-06 8 kB of scopes work by POST, and the token stays short', async () => {
    const scopes = Array.from({ length: 200 }, (_, n) => `patient/Observation.rs?code=http://x.example|${n}`).join(' ');
    expect(scopes.length).toBeGreaterThan(8192);
    const visitor = visit();
    const { challenge: own, verifier } = pkce();
    const form = authorizeForm(server, own, { scope: `launch/patient ${scopes}` });
    const first = await visitor.open(`${server.issuer}/auth/authorize`, form);
    const view = await answerPages(server, visitor, first, { user: 'ada', patient: 'ada', consent: {} });
    const { body } = await redeem(server, view.left?.searchParams.get('code') ?? '', verifier);
    expect(body.scope.split(' ')).toHaveLength(201);
    expect(body.access_token.length).toBeLessThan(100);
  });

  test('S-AUTHZ-05 aud may end in a slash, and may be called resource', async () => {
    for (const changes of [{ aud: `${server.base}/` }, { aud: undefined, resource: server.base }]) {
      expect((await getCode(server, { ask: changes })).code).not.toBe('');
    }
  });

  test('S-AUTHZ-19 more than 500 scopes are invalid_scope, and cost nothing', async () => {
    const scope = Array.from({ length: 501 }, (_, n) => `patient/A.r?b=${n}`).join(' ');
    const { left } = await visit().open(`${server.issuer}/auth/authorize`, authorizeForm(server, challenge, { scope }));
    expect(left?.searchParams.get('error')).toBe('invalid_scope');
  });

  test('S-AUTHZ-18 parameters that nobody knows are passed over', async () => {
    const { code } = await getCode(server, { ask: { display: 'page', ui_locales: 'de', something: 'else' } });
    expect(code).not.toBe('');
  });
});

describe('the sign-in', () => {
  test('S-AUTHZ-20 B-09 B-10 B-11 pages cannot be framed, kept, or leak where they came from; after a form comes 303', async () => {
    const visitor = visit();
    const view = await visitor.open(authorizeUrl(server, challenge));
    const policy = view.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(view.headers.get('x-frame-options')).toBe('DENY');
    expect(view.headers.get('referrer-policy')).toBe('no-referrer');
    expect(view.headers.get('cache-control')).toBe('no-store');
    expect(view.text).not.toMatch(/<script|https?:\/\/(?!127)/);
    const consent = await visitor.signIn(view, userOf(server, 'ada'));
    expect((await visitor.submit(consent, 'decide', { decision: 'allow' })).status).toBe(303);
  });

  test('B-17 the session gets a new id, in a cookie that scripts and other sites do not get', async () => {
    const visitor = visit();
    const view = await visitor.open(authorizeUrl(server, challenge));
    const before = visitor.cookies.get('afferent');
    const response = await fetch(
      `${server.issuer}/auth/continue?transaction=${new URL(view.url).searchParams.get('transaction')}`,
    );
    expect(response.headers.get('set-cookie')).toMatch(/^afferent=s%3A[\w-]{32}.*; Path=\/; HttpOnly; SameSite=Lax$/);
    await visitor.signIn(view, userOf(server, 'ada'));
    expect(before).toBeDefined();
    expect(visitor.cookies.get('afferent')).not.toBe(before);
  });

  test.each(['sign-in', 'pick', 'decide', 'grants', 'sign-out', 'upstream'])(
    'S-AUTHZ-20 B-08 O11 a form that another site sends to %s does nothing',
    async (action) => {
      const visitor = visit();
      const view = await visitor.open(authorizeUrl(server, challenge));
      const consent = await visitor.signIn(view, userOf(server, 'ada'));
      const transaction = new URL(consent.url).searchParams.get('transaction')!;
      const forged = new URLSearchParams({
        transaction,
        decision: 'allow',
        'scope.0': 'openid',
        csrf: randomBytes(32).toString('base64url'),
      });
      const refused = await visitor.open(`${server.issuer}/auth/${action}`, forged);
      expect([refused.status, refused.left]).toEqual([403, undefined]);
      if (action !== 'decide') return;
      // Even with the right word: the browser itself says that it was another site.
      const cross = await visitor.submit(consent, 'decide', { decision: 'allow' }, { 'Sec-Fetch-Site': 'cross-site' });
      expect([cross.status, cross.left]).toEqual([403, undefined]);
      expect((await visitor.submit(consent, 'decide', { decision: 'allow' })).left?.searchParams.has('code')).toBe(
        true,
      );
    },
  );

  test('O11 a request is decided once, by who signed in, and its name cannot be guessed', async () => {
    const visitor = visit();
    const view = await visitor.open(authorizeUrl(server, challenge));
    const consent = await visitor.signIn(view, userOf(server, 'ada'));
    expect(new URL(consent.url).searchParams.get('transaction')).toMatch(/^[\w-]{43}$/);
    const stranger = visit();
    const same = await stranger.open(consent.url);
    expect(same.text).toContain('Sign in');
    expect((await visitor.submit(consent, 'decide', { decision: 'allow' })).left).toBeDefined();
    const again = await visitor.submit(consent, 'decide', { decision: 'allow' });
    expect([again.status, again.left]).toEqual([400, undefined]);
  });

  test('S-AUTHZ-18 prompt=login and max_age ask again, and only then', async () => {
    const { visitor } = await getCode(server);
    const remembered = await visitor.open(authorizeUrl(server, challenge));
    expect(remembered.text).toContain('Allow access?');
    const again = await visitor.open(authorizeUrl(server, challenge, { prompt: 'login' }));
    expect(again.text).toContain('action="sign-in"');
    expect((await visitor.signIn(again, userOf(server, 'ada'))).text).toContain('Allow access?');
    server.clock.forward(60_000);
    expect((await visitor.open(authorizeUrl(server, challenge, { max_age: '10' }))).text).toContain('action="sign-in"');
    expect((await visitor.open(authorizeUrl(server, challenge, { max_age: '10000' }))).text).toContain('Allow access?');
  });

  test('S-AUTHZ-18 prompt=none answers at once where as much is allowed already, else says what is missing', async () => {
    const ask = { scope: 'launch/patient patient/*.rs offline_access' };
    const { visitor } = await getTokens(server, { ask });
    const silent = await visitor.open(authorizeUrl(server, challenge, { ...ask, prompt: 'none' }));
    expect(silent.left?.searchParams.has('code')).toBe(true);
    const more = await visitor.open(authorizeUrl(server, challenge, { scope: 'patient/*.cruds', prompt: 'none' }));
    expect(more.left?.searchParams.get('error')).toBe('consent_required');
  });
});

describe('what the user decides', () => {
  test('S-AUTHZ-13 who refuses is told of at the redirect URI', async () => {
    const { redirect } = await getCode(server, { consent: { decision: 'deny' } });
    expect(redirect?.searchParams.get('error')).toBe('access_denied');
    expect(redirect?.searchParams.get('state')).toBe('the state');
    expect(redirect?.searchParams.has('code')).toBe(false);
  });

  test('S-AUTHZ-14 S-SCOPE-08 O14 scopes are taken away one by one, and narrowed to categories; nothing can be added', async () => {
    const ask = { scope: 'launch/patient openid patient/Observation.rs patient/Condition.rs patient/Patient.r' };
    const visitor = visit();
    const { challenge: own, verifier } = pkce();
    const consent = await visitor.signIn(await visitor.open(authorizeUrl(server, own, ask)), userOf(server, 'ada'));
    const boxes = choices(consent, 'scope.');
    expect(boxes).toEqual([
      'launch/patient',
      'openid',
      'patient/Observation.rs',
      'patient/Condition.rs',
      'patient/Patient.r',
    ]);
    const laboratory = choices(consent, 'only.2.').find((one) => one.endsWith('|laboratory'))!;
    const view = await visitor.submit(consent, 'decide', {
      decision: 'allow',
      'scope.1': [],
      'scope.3': [],
      'only.2.0': laboratory,
      'scope.9': 'user/*.cruds',
    });
    const { body } = await redeem(server, view.left?.searchParams.get('code') ?? '', verifier);
    expect(body.scope.split(' ').sort()).toEqual(['launch/patient', laboratory, 'patient/Patient.r'].sort());
    expect(body).not.toHaveProperty('id_token');
  });

  test('S-AUTHZ-15 the page warns of offline access, and only then', async () => {
    const visitor = visit();
    const plain = await visitor.signIn(await visitor.open(authorizeUrl(server, challenge)), userOf(server, 'ada'));
    expect(plain.text).not.toContain('id="offline"');
    const offline = await visitor.open(authorizeUrl(server, challenge, { scope: 'patient/*.rs offline_access' }));
    expect(offline.text).toContain('keeps its access when you have signed out');
  });

  test('S-AUTHZ-11 S-AUTHZ-12 [Inferno 1.2.06] the picker shows whom the user may see; a patient scope comes with a patient', async () => {
    const visitor = visit();
    const { challenge: own, verifier } = pkce();
    const ask = { scope: 'patient/*.rs' };
    const picker = await visitor.signIn(await visitor.open(authorizeUrl(server, own, ask)), userOf(server, 'referrer'));
    const shown = choices(picker, 'patient');
    expect(shown.sort()).toEqual([patientOf(server, 'ada'), patientOf(server, 'ben')].sort());
    const search = await visitor.open(`${picker.url}&name=muller`);
    expect(choices(search, 'patient')).toEqual([patientOf(server, 'ada')]);
    const foreign = await visitor.submit(picker, 'pick', { patient: patientOf(server, 'cleo') });
    expect([foreign.status, foreign.left]).toEqual([400, undefined]);
    const view = await answerPages(server, visitor, picker, { user: 'referrer', patient: 'ben', consent: {} });
    const { body } = await redeem(server, view.left?.searchParams.get('code') ?? '', verifier);
    expect(body.patient).toBe(patientOf(server, 'ben'));
    expect(body.scope.split(' ')).toContain('launch/patient');
  });

  test('S-REV-02 S-CTX-06 the user sees what was allowed, and takes it away', async () => {
    const { tokens, visitor } = await getTokens(server, { ask: { scope: 'patient/*.rs offline_access' } });
    const page = await visitor.open(`${server.issuer}/auth/grants`);
    expect(page.text).toContain('Consult app');
    const [first] = choices(page, 'grant');
    await visitor.submit(page, 'grants', { grant: first! });
    const read = await fetch(`${server.base}/Patient/${patientOf(server, 'ada')}`, {
      headers: { Authorization: `Bearer ${tokens.access_token}` },
    });
    expect(read.status).toBe(401);
    const { client_id } = clientOf(server, 'app');
    const refresh = await post(server, 'token', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      client_id,
    });
    expect([refresh.status, refresh.body.error]).toEqual([400, 'invalid_grant']);
    // Another user's grant is not theirs to take away.
    const other = await getTokens(server, {
      user: 'specialist',
      patient: 'cleo',
      ask: { scope: 'patient/*.rs offline_access' },
    });
    const grants = await server.auth.grants.ofUser((await server.auth.accounts.byUsername('specialist'))!.id);
    const again = await visitor.open(`${server.issuer}/auth/grants`);
    await visitor.open(
      `${server.issuer}/auth/grants`,
      new URLSearchParams({ csrf: choices(again, 'csrf')[0]!, grant: grants[0]!.id }),
    );
    expect((await server.auth.grants.access(other.tokens.access_token))?.grant.id).toBe(grants[0]!.id);
  });
});

describeSmart('one flow on each store', (each) => {
  test('S-AUTHZ-16 B-04 [Inferno 1.2.03] a code lives for a minute, is redeemed once, and what it brought ends when it comes again', async () => {
    const { code, tokens, verifier } = await getTokens(each);
    expect((await each.auth.grants.access(tokens.access_token)) !== undefined).toBe(true);
    const again = await redeem(each, code, verifier);
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
    expect(await each.auth.grants.access(tokens.access_token)).toBeUndefined();
    const late = await getCode(each);
    each.clock.forward(60_001);
    expect((await redeem(each, late.code, late.verifier)).body.error).toBe('invalid_grant');
    // Nothing in the vault is a code or a token: only their digests are.
    const vault = JSON.stringify(await each.auth.ground.vault.list('auth:', 1000));
    for (const secret of [code, tokens.access_token, tokens.id_token]) expect(vault.includes(secret)).toBe(false);
  });

  test('S-AUTHZ-16 B-04 of 64 who redeem one code at once one gets tokens', async () => {
    const { code, verifier } = await getCode(each);
    const answers = await Promise.all(Array.from({ length: 64 }, () => redeem(each, code, verifier)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(63);
  });
});
