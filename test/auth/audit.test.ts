/** AU-02: sign-ins, tokens, launches and decisions leave records too, the refused ones as well, and no secret is in them. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  authorizeUrl,
  backend,
  clientOf,
  describeSmart,
  fhir,
  getTokens,
  patientOf,
  pkce,
  post,
  redeem,
} from '../support/smart.js';
import { Visitor } from '../support/visitor.js';

describeSmart('what the authorization server leaves behind', (server) => {
  let token = '';
  beforeAll(async () => {
    const { tokens } = await getTokens(server, { user: 'auditor', ask: { scope: 'user/AuditEvent.rs openid' } });
    token = tokens.access_token;
  });

  const events = async (query: string): Promise<any[]> => {
    const { status, body } = await fhir(server, `AuditEvent?_count=200&${query}`, token);
    expect(status).toBe(200);
    return (body.entry ?? []).map(({ resource }: any) => resource);
  };
  const since = async (work: () => Promise<unknown>): Promise<any[]> => {
    // What was done in this very millisecond was done before.
    for (const before = server.clock.now(); server.clock.now() <= before;) await pause(1);
    const from = new Date(server.clock.now()).toISOString();
    await work();
    return (await events(`date=ge${encodeURIComponent(from)}&type:not=rest`)).reverse();
  };
  const codes = (event: any) => `${event.subtype[0].code} ${event.outcome}`;
  const userOf = (event: any): string | undefined => event.agent.find(({ altId }: any) => altId !== undefined)?.name;

  test('AU-02 from the first page to the token: who, for which app, about whom', async () => {
    const found = await since(() => getTokens(server, { user: 'ada', visitor: new Visitor(server.issuer) }));
    const own = found.filter((event) => userOf(event) === 'ada');
    expect(own.map(codes)).toEqual(['110122 0', 'show 0', 'decide 0', 'ITI-71 0']);
    const [, shown, decided, issued] = own;
    const ada = `Patient/${patientOf(server, 'ada')}`;
    for (const event of [shown, decided])
      expect(JSON.stringify(event.entity ?? '')).toContain(event === shown ? ada : '');
    expect(decided.outcomeDesc).toContain('allow');
    expect(issued.type.code).toBe('110114');
    expect(issued.agent.map(({ who }: any) => who.identifier?.value)).toContain(clientOf(server, 'app').client_id);
    expect(issued.agent[2].policy[0]).toMatch(/^urn:ietf:params:oauth:jti:/);
  });

  test('AU-02 a wrong password is told to the organization of the account, and by no name that nobody has', async () => {
    const visitor = new Visitor(server.issuer);
    const { challenge } = pkce();
    const found = await since(async () => {
      const view = await visitor.open(authorizeUrl(server, challenge));
      await visitor.signIn(view, { username: 'ada', password: 'not the password' });
      await visitor.signIn(view, { username: 'my pass phrase', password: 'x' });
    });
    expect(found.map(codes)).toEqual(['110122 4']);
    expect(found[0].outcomeDesc).toContain('account: ada');
    expect(JSON.stringify(await events('date=gt2020'))).not.toContain('my pass phrase');
  });

  test('AU-02 a code and a refresh token that come twice are alerts; so is told what ends', async () => {
    const { code, verifier, tokens } = await getTokens(server, {
      ask: { scope: 'patient/*.rs offline_access launch/patient' },
    });
    const { client_id } = clientOf(server, 'app');
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id };
    const found = await since(async () => {
      expect((await post(server, 'token', refresh)).status).toBe(200);
      expect((await post(server, 'token', refresh)).status).toBe(400);
      expect((await redeem(server, code, verifier)).status).toBe(400);
    });
    const told = found.map((event) => `${event.type.code} ${codes(event)}`);
    expect(told).toContain('110113 reuse 4');
    expect(told.filter((one) => one === '110114 ITI-71 0')).toHaveLength(1);
  });

  test('AU-02 a backend service, introspection and revocation are told of under their client', async () => {
    const found = await since(async () => {
      const { body } = await backend(server);
      expect(body.access_token).toBeDefined();
    });
    const { client_id } = clientOf(server, 'ehr');
    expect(found.map(codes)).toEqual(['ITI-71 0']);
    expect(found[0].agent[0]).toMatchObject({ who: { identifier: { value: client_id } }, requestor: true });
  });

  test('AU-05 no secret and no code is in any of it', async () => {
    const { code, verifier, tokens } = await getTokens(server, {
      ask: { scope: 'patient/*.rs offline_access launch/patient' },
    });
    const all = JSON.stringify(await events('date=gt2020'));
    for (const secret of [code, verifier, tokens.access_token, tokens.refresh_token]) expect(all).not.toContain(secret);
    const queries = (await events('date=gt2020')).flatMap(({ entity = [] }) =>
      entity.flatMap(({ query = '' }: any) => Buffer.from(query, 'base64').toString()),
    );
    for (const secret of [code, verifier, tokens.access_token]) expect(queries.join('\n')).not.toContain(secret);
  });
});
