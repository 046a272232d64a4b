/** AU-02: what programs and people ask of the authorization server is told to the organization it concerns, refused or not. */
import {
  assertion,
  ASSERTION,
  basic,
  clientOf,
  describeSmart,
  fhir,
  getTokens,
  patientOf,
  post,
  type SmartServer,
} from '../support/smart.js';
import { Visitor } from '../support/visitor.js';

const REGISTRATION = 'a-registration-token-of-the-operator-40';

/** What a request is answered, and what its event says: subtype and outcome, the client's or the user's name, a detail. */
interface Row {
  name: string;
  ask: (server: SmartServer) => Promise<number>;
  status: number;
  /** Whose auditor is told. */
  told: 'clinic' | 'home';
  said: string;
  who: (server: SmartServer) => string;
  detail?: RegExp;
  /** Whom it is about. */
  patient?: string;
}

const statusOf = async (answer: Promise<{ status: number }>): Promise<number> => (await answer).status;
const nobody = () => 'unknown';
const ehr = (server: SmartServer) => clientOf(server, 'ehr').client_id;

async function launch(server: SmartServer, form: Record<string, string | undefined> = {}): Promise<number> {
  const proof = { client_assertion_type: ASSERTION, client_assertion: await assertion(server) };
  return statusOf(post(server, 'launch', { ...server.demo.launch.form, ...proof, ...form }));
}

async function register(server: SmartServer, token: string, metadata: object): Promise<number> {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  return statusOf(fetch(`${server.issuer}/auth/register`, { method: 'POST', headers, body: JSON.stringify(metadata) }));
}

async function tokensOf(server: SmartServer) {
  const { tokens } = await getTokens(server, { ask: { scope: 'patient/*.rs offline_access launch/patient' } });
  return tokens as { access_token: string; refresh_token: string };
}

async function signOut(server: SmartServer): Promise<number> {
  const visitor = new Visitor(server.issuer);
  await getTokens(server, { visitor });
  return statusOf(visitor.submit(await visitor.open(`${server.issuer}/auth/grants`), 'sign-out'));
}

async function endGrant(server: SmartServer): Promise<number> {
  const visitor = new Visitor(server.issuer);
  await getTokens(server, { visitor });
  return statusOf(visitor.submit(await visitor.open(`${server.issuer}/auth/grants`), 'grants'));
}

const app = {
  client_name: 'An app',
  redirect_uris: ['https://app.example/callback'],
  token_endpoint_auth_method: 'none',
};

const ROWS: Row[] = [
  { name: 'a launch', ask: launch, status: 201, told: 'clinic', said: 'launch 0', who: ehr, patient: 'ada' },
  {
    name: 'a launch with a patient that never was',
    ask: (server) => launch(server, { patient: 'nobody' }),
    status: 400,
    told: 'clinic',
    said: 'launch 4',
    who: ehr,
  },
  {
    name: 'a launch by nobody',
    ask: (server) => launch(server, { client_assertion: 'x' }),
    status: 401,
    told: 'home',
    said: 'launch 4',
    who: nobody,
  },
  {
    name: 'an introspection',
    ask: async (server) => {
      const { access_token: token } = await tokensOf(server);
      return statusOf(post(server, 'introspect', { token }, basic(clientOf(server, 'resource-server'))));
    },
    status: 200,
    told: 'clinic',
    said: 'ITI-102 0',
    who: (server) => clientOf(server, 'resource-server').client_id,
  },
  {
    name: 'an introspection with a wrong secret',
    ask: (server) => {
      const client = { ...clientOf(server, 'resource-server'), client_secret: 'wrong' };
      return statusOf(post(server, 'introspect', { token: 'x' }, basic(client)));
    },
    status: 401,
    told: 'home',
    said: 'ITI-102 4',
    who: nobody,
  },
  {
    name: 'a revocation',
    ask: async (server) => {
      const { refresh_token: token } = await tokensOf(server);
      return statusOf(post(server, 'revoke', { token, client_id: clientOf(server, 'app').client_id }));
    },
    status: 200,
    told: 'clinic',
    said: 'revoke 0',
    who: () => 'ada',
  },
  {
    name: 'a revocation by an app that is none',
    ask: (server) => statusOf(post(server, 'revoke', { token: 'x', client_id: 'none' })),
    status: 401,
    told: 'home',
    said: 'revoke 4',
    who: nobody,
  },
  {
    name: 'access that its user takes back',
    ask: endGrant,
    status: 200,
    told: 'clinic',
    said: 'revoke 0',
    who: () => 'ada',
  },
  {
    name: 'a registration',
    ask: (server) => register(server, REGISTRATION, app),
    status: 201,
    told: 'home',
    said: 'register 0',
    who: () => 'client-',
    detail: /client_id: client-/,
  },
  {
    name: 'a registration by somebody without the token',
    ask: (server) => register(server, 'wrong', app),
    status: 401,
    told: 'home',
    said: 'register 4',
    who: nobody,
  },
  { name: 'a sign-out', ask: signOut, status: 200, told: 'clinic', said: '110123 0', who: () => 'ada' },
  {
    name: 'a sign-out of nobody',
    ask: (server) => statusOf(fetch(`${server.issuer}/auth/sign-out`, { method: 'POST' })),
    status: 400,
    told: 'home',
    said: '110123 4',
    who: nobody,
  },
];

describeSmart(
  'what is asked of the authorization server',
  (server) => {
    const auditors = { clinic: '', home: '' };
    beforeAll(async () => {
      const username = 'home-auditor';
      const [organization, role, password] = ['home', 'auditor', 'a password of the home auditor'] as const;
      await server.auth.accounts.add({ username, name: 'Home', role, organization, password });
      server.demo.users.push({ username, password, role, organization });
      for (const [owner, user] of [
        ['clinic', 'auditor'],
        ['home', username],
      ] as const) {
        const { tokens } = await getTokens(server, { user, ask: { scope: 'user/AuditEvent.rs openid' } });
        auditors[owner] = tokens.access_token;
      }
    });
    // Those without a token are told of one by one up to ten a minute.
    beforeEach(() => server.clock.forward(61_000));

    const toldTo = async (owner: 'clinic' | 'home', from: string): Promise<any[]> => {
      const query = `AuditEvent?_count=200&date=ge${encodeURIComponent(from)}&type:not=rest`;
      const { status, body } = await fhir(server, query, auditors[owner]);
      expect(status).toBe(200);
      return (body.entry ?? []).map(({ resource }: any) => resource);
    };

    test.each(ROWS)('AU-02 $name is told', async ({ ask, status, told, said, who, detail, patient }) => {
      const from = new Date(server.clock.now()).toISOString();
      expect(await ask(server)).toBe(status);
      const isIt = ({ subtype, outcome }: any) => `${subtype[0].code} ${outcome}` === said;
      const [event, ...more] = (await toldTo(told, from)).filter(isIt);
      expect(more).toEqual([]);
      const names = event.agent.flatMap((agent: any) => [agent.name, agent.who.identifier?.value]);
      expect(names).toContainEqual(expect.stringContaining(who(server)));
      expect(event.outcomeDesc ?? '').toMatch(detail ?? /^/);
      if (status >= 400) expect(event.outcomeDesc).toContain(`HTTP ${status}`);
      if (patient !== undefined)
        expect(JSON.stringify(event.entity)).toContain(`Patient/${patientOf(server, patient)}`);
      // And to nobody else.
      expect((await toldTo(told === 'home' ? 'clinic' : 'home', from)).filter(isIt)).toEqual([]);
    });
  },
  { REGISTRATION_TOKEN: REGISTRATION },
);
