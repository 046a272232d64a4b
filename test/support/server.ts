/** A whole server for tests, on each store in turn. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { systemClock, type Clock } from '../../src/kit/clock.js';
import { limits, type Limits } from '../../src/kit/limits.js';
import type { Authenticate } from '../../src/auth/bearer.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from './mongo.js';

export interface TestServer {
  /** The FHIR base URL. */
  base: string;
  /** Scheme, host and port. */
  address: string;
}

/**
 * Runs the suite on SQLite, and on MongoDB where there is one; `bounds` are in place of the server's own. References may
 * lead nowhere, so that a test brings only what it is about, unless its `settings` say otherwise.
 */
export function describeServer(
  name: string,
  suite: (server: TestServer) => void,
  bounds: Partial<Limits> = {},
  settings: Record<string, string> = {},
  authenticate?: Authenticate,
  clock?: Clock,
): void {
  describe(`SQLite: ${name}`, () => suite(running({ STORE: 'sqlite', ...settings }, bounds, authenticate, clock)));
  describeMongo(name, (url) =>
    suite(running({ STORE: 'mongodb', MONGODB_URL: url, ...settings }, bounds, authenticate, clock)),
  );
}

/** For what has nothing to do with the store. */
export function describeOnSqlite(
  name: string,
  suite: (server: TestServer) => void,
  bounds: Partial<Limits> = {},
): void {
  describe(name, () => suite(running({ STORE: 'sqlite' }, bounds)));
}

function running(
  environment: Record<string, string>,
  bounds: Partial<Limits> = {},
  authenticate?: Authenticate,
  clock: Clock = systemClock,
): TestServer {
  const here: TestServer = { base: '', address: '' };
  let folder: string;
  let server: RunningServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-test-'));
    const settings = { PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, MONGODB_DATABASE: freshDatabase() };
    const lax = { REFERENTIAL_INTEGRITY: 'off' };
    const config = readConfig({ ...settings, ...lax, ...environment });
    server = await startServer(config, clock, { ...limits, ...bounds }, authenticate);
    Object.assign(here, { base: server.base, address: server.address });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return here;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON body; undefined when there is none. */
  body: any;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  /** A string or bytes are sent as they are, anything else as JSON. */
  body?: unknown;
}

/** One request with FHIR's content type, unless the headers say otherwise. */
export async function ask(url: string, { method, headers = {}, body }: Ask = {}): Promise<Answer> {
  const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }), ...headers },
    ...(body === undefined ? {} : { body: raw as string }),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

/** Creates a resource and returns it as it was stored. */
export async function put(base: string, resource: { resourceType: string; id?: string }): Promise<any> {
  const url = `${base}/${resource.resourceType}${resource.id === undefined ? '' : `/${resource.id}`}`;
  const answer = await ask(url, { method: resource.id === undefined ? 'POST' : 'PUT', body: resource });
  if (answer.status > 201) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body;
}

/** The ids of a Bundle's matches, in their order. */
export const idsOf = (bundle: any): string[] =>
  (bundle.entry ?? []).filter((entry: any) => entry.search?.mode === 'match').map((entry: any) => entry.resource.id);

/** All pages of a search, following the next links. */
export async function pages(url: string, headers: Record<string, string> = {}): Promise<any[]> {
  const found: any[] = [];
  for (let next: string | undefined = url; next !== undefined && found.length < 100;) {
    const { body }: Answer = await ask(next, { headers });
    found.push(body);
    next = body.link.find((link: any) => link.relation === 'next')?.url;
  }
  return found;
}
