/** A server in smart mode with the demo's people and clients, and what an app does to get a token there. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import type { Auth } from '../../src/auth/index.js';
import type { Demo, DemoClient } from '../../src/auth/demo.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from './mongo.js';
import { Visitor, type Fields, type View } from './visitor.js';

/** The server's clock, which a test moves on. */
export interface MovedClock {
  now(): number;
  forward(milliseconds: number): void;
}

export function movedClock(): MovedClock {
  let ahead = 0;
  return {
    now: () => systemClock.now() + ahead,
    forward: (milliseconds) => void (ahead += milliseconds),
  };
}

export interface SmartServer {
  base: string;
  issuer: string;
  demo: Demo;
  auth: Auth;
  clock: MovedClock;
  settings: Record<string, string>;
}

/** Runs the suite on SQLite, and on MongoDB where there is one. */
export function describeSmart(
  name: string,
  suite: (server: SmartServer) => void,
  settings: Record<string, string> = {},
): void {
  describe(`SQLite: ${name}`, () => suite(runSmart({ STORE: 'sqlite', ...settings })));
  describeMongo(name, (url) => suite(runSmart({ STORE: 'mongodb', MONGODB_URL: url, ...settings })));
}

/** What was given to somebody in secret by the servers of this file's tests; no log and no error may tell it. */
const issued = new Set<string>();

const SECRET = /^(?:access_token|refresh_token|id_token|client_secret|launch|registration_access_token)$/;

function keepSecret(body: unknown): void {
  for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>))
    if (SECRET.test(name) && typeof value === 'string') issued.add(value);
}

/** What an error says, to whom it may, is no place for a secret. */
function refuseTold(text: string): void {
  for (const secret of issued) if (text.includes(secret)) throw new Error('A secret is told by an error.');
}

/** B-12 of every suite: its servers log all there is to log, and the secrets that were issued are not in it. */
async function refuseLogged(file: string): Promise<void> {
  const log = await readFile(file, 'utf8');
  if (log === '') throw new Error('Nothing was logged.');
  for (const secret of issued)
    if (log.includes(secret)) throw new Error(`A secret is in the log: ${secret.slice(0, 6)}…`);
}

/** Most of a suite's time would go into passwords otherwise. What they cost elsewhere: B-15 in `auth/people.test.ts`. */
const FEW_ROUNDS = 2 ** 10;

export function runSmart(settings: Record<string, string> = {}): SmartServer {
  const here = { clock: movedClock() } as SmartServer;
  let server: RunningServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-smart-'));
    const own = {
      PORT: '0',
      LOG_LEVEL: 'trace',
      LOG_FILE: join(folder, 'server.log'),
      AUTHORIZATION: 'smart',
      DATA_DIR: folder,
      MONGODB_DATABASE: freshDatabase(),
      ...settings,
    };
    server = await startServer(readConfig(own), here.clock, { ...limits, passwordRounds: FEW_ROUNDS });
    Object.assign(here, {
      base: server.base,
      issuer: server.auth!.ground.issuer,
      demo: await server.makeDemo(),
      auth: server.auth,
      settings: own,
    });
    for (const { password } of here.demo.users) issued.add(password);
    for (const { client_secret: secret, privateKey } of here.demo.clients)
      for (const one of [secret, privateKey?.d]) if (typeof one === 'string') issued.add(one);
  });
  afterAll(async () => {
    await server.stop();
    await refuseLogged(here.settings.LOG_FILE ?? '');
    await rm(folder, { recursive: true, force: true });
  });
  return here;
}

export const clientOf = ({ demo }: SmartServer, name: 'app' | 'portal' | 'ehr' | 'resource-server'): DemoClient =>
  demo.clients.find(({ client_id: id }) => id.startsWith(`demo-${name}-`))!;

export const userOf = ({ demo }: SmartServer, username: string) =>
  demo.users.find((user) => user.username === username)!;

export const patientOf = ({ demo }: SmartServer, name: string): string =>
  demo.organizations
    .flatMap(({ patients }) => patients)
    .find((patient) => patient.includes(`demo-${name}-`))!
    .slice('Patient/'.length);

export const pkce = () => {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
};

export const REDIRECT = 'http://127.0.0.1:8000/callback';

/** A right authorization request; `undefined` leaves a parameter out. */
export function authorizeUrl(
  server: SmartServer,
  challenge: string,
  changes: Record<string, string | undefined> = {},
): string {
  return `${server.issuer}/auth/authorize?${authorizeForm(server, challenge, changes).toString()}`;
}

export function authorizeForm(
  server: SmartServer,
  challenge: string,
  changes: Record<string, string | undefined> = {},
): URLSearchParams {
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: clientOf(server, 'app').client_id,
    redirect_uri: REDIRECT,
    scope: 'launch/patient patient/*.rs openid fhirUser',
    state: 'the state',
    aud: server.base,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  return new URLSearchParams(
    Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

export interface Wanted {
  /** Who signs in. */
  user?: string;
  /** Parameters of the authorization request in place of the usual ones. */
  ask?: Record<string, string | undefined>;
  /** Whom to pick, by the name in the demo. */
  patient?: string;
  /** What is changed on the consent page. */
  consent?: Fields;
  visitor?: Visitor;
}

const browsers = new WeakMap<SmartServer, Map<string, Visitor>>();

/** Whoever has signed in once needs no password again: hashing it takes most of a test's time. */
function atBrowser(server: SmartServer, user: string): Visitor {
  const known = browsers.get(server) ?? new Map<string, Visitor>();
  browsers.set(server, known);
  const visitor = known.get(user) ?? new Visitor(server.issuer);
  known.set(user, visitor);
  return visitor;
}

/** From the authorization request to the code: whatever page comes is answered. */
export async function getCode(server: SmartServer, wanted: Wanted = {}) {
  const { user = 'ada', ask, patient = 'ada', consent = {}, visitor = atBrowser(server, user) } = wanted;
  const { challenge, verifier } = pkce();
  let view = await visitor.open(authorizeUrl(server, challenge, ask));
  view = await answerPages(server, visitor, view, { user, patient, consent });
  const code = view.left?.searchParams.get('code') ?? '';
  if (code !== '') issued.add(code);
  return { code, verifier, view, visitor, redirect: view.left };
}

export async function answerPages(
  server: SmartServer,
  visitor: Visitor,
  first: View,
  { user, patient, consent }: { user: string; patient: string; consent: Fields },
): Promise<View> {
  let view = first;
  for (let pages = 0; view.left === undefined && view.status === 200 && pages < 6; pages += 1) {
    if (view.text.includes('action="sign-in"')) view = await visitor.signIn(view, userOf(server, user));
    else if (view.text.includes('Whose record?'))
      view = await visitor.submit(view, 'pick', { patient: patientOf(server, patient) });
    else if (view.text.includes('Which encounter?'))
      view = await visitor.submit(view, 'pick', { encounter: server.demo.launch.form.encounter! });
    else view = await visitor.submit(view, 'decide', { decision: 'allow', ...consent });
  }
  return view;
}

export interface TokenAnswer {
  status: number;
  headers: Headers;
  body: any;
}

/** POST of a form to an endpoint below /auth. */
export async function post(
  { issuer }: Pick<SmartServer, 'issuer'>,
  path: string,
  form: Record<string, string | undefined> | string,
  headers: Record<string, string> = {},
): Promise<TokenAnswer> {
  const given =
    typeof form === 'string'
      ? form
      : new URLSearchParams(
          Object.entries(form).filter((pair): pair is [string, string] => pair[1] !== undefined),
        ).toString();
  const response = await fetch(`${issuer}/auth/${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    body: given,
  });
  const text = await response.text();
  if (response.status >= 400) refuseTold(text);
  const body = text === '' ? undefined : JSON.parse(text);
  keepSecret(body);
  return { status: response.status, headers: response.headers, body };
}

export const redeem = (
  server: SmartServer,
  code: string,
  verifier: string,
  changes: Record<string, string | undefined> = {},
  headers = {},
) =>
  post(
    server,
    'token',
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: verifier,
      client_id: clientOf(server, 'app').client_id,
      ...changes,
    },
    headers,
  );

/** The whole way to tokens. */
export async function getTokens(server: SmartServer, wanted: Wanted = {}) {
  const { code, verifier, view, visitor } = await getCode(server, wanted);
  if (code === '') throw new Error(`no code: ${view.status} ${view.left?.href ?? view.text}`);
  const id = wanted.ask?.client_id;
  const client = server.demo.clients.find((one) => one.client_id === id) ?? clientOf(server, 'app');
  const answer = await redeem(server, code, verifier, { client_id: client.client_id }, basic(client));
  return { ...answer, code, verifier, visitor, tokens: answer.body };
}

/** Nothing for a public client. */
export function basic({ client_id: id, client_secret: secret }: DemoClient): Record<string, string> {
  if (secret === undefined) return {};
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

export const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface AssertionChanges {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  key?: Record<string, unknown>;
}

/** The demo EHR's assertion; `undefined` takes a member away. */
export async function assertion(server: SmartServer, { claims, header, key }: AssertionChanges = {}): Promise<string> {
  const { client_id: id, privateKey } = clientOf(server, 'ehr');
  const jwk = key ?? privateKey!;
  const now = Math.floor(server.clock.now() / 1000);
  const said = {
    iss: id,
    sub: id,
    aud: `${server.issuer}/auth/token`,
    exp: now + 240,
    jti: randomBytes(16).toString('hex'),
    ...claims,
  };
  return new SignJWT(defined(said))
    .setProtectedHeader(defined({ alg: jwk.alg, typ: 'JWT', kid: jwk.kid, ...header }) as { alg: string })
    .sign(await importJWK(jwk as never, String(jwk.alg)));
}

const defined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export const backend = async (
  server: SmartServer,
  changes: AssertionChanges = {},
  form: Record<string, string | undefined> = {},
) =>
  post(server, 'token', {
    grant_type: 'client_credentials',
    scope: 'system/*.rs',
    client_assertion_type: ASSERTION,
    client_assertion: await assertion(server, changes),
    ...form,
  });

/** A FHIR request with a token. */
export async function fhir(server: SmartServer, path: string, token?: string): Promise<TokenAnswer> {
  const response = await fetch(`${server.base}/${path}`, {
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
