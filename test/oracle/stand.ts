/**
 * A server with the world in it, whose callers say who they are in a header: the token itself, so that whoever reads a
 * counterexample can ask again with curl. Its clock is the world's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobody, type Principal } from '../../src/access/principal.js';
import { readConfig } from '../../src/config.js';
import { limits } from '../../src/kit/limits.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { importer, principalOf } from './callers.js';
import { openLine, type Answer, type Line } from './line.js';
import { makeWorld } from './make.js';
import type { Token } from './roles.js';
import { REFERRAL_DAYS } from './sharing.js';
import { DAY, FIRST, OWNERS, TODAY, type Json, type Kept, type World } from './world.js';

export interface Stand {
  world: World;
  base: string;
  ask(token: Token, method: string, path: string, headers?: Record<string, string>, body?: Json): Promise<Answer>;
  stop(): Promise<void>;
}

/** The same at each start, or search values would be made anew. */
const BASE = 'https://oracle.example.org/fhir';

const known = new Map<string, Principal>();

function callerOf(header: string | string[] | undefined): Principal {
  if (typeof header !== 'string') return nobody;
  const found = known.get(header) ?? principalOf(JSON.parse(header));
  if (known.size > 1000) known.clear();
  known.set(header, found);
  return found;
}

/** Stores the world with references that lead nowhere, then serves it with none to come. */
export async function openStand(environment: Record<string, string>, seed: number): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-oracle-'));
  const world = makeWorld(seed);
  world.now = TODAY - (FIRST + 3) * DAY;
  const start = (integrity: string): Promise<RunningServer> => {
    const settings = {
      PORT: '0',
      LOG_LEVEL: 'silent',
      DATA_DIR: folder,
      REFERENTIAL_INTEGRITY: integrity,
      BASE_URL: BASE,
    };
    const sharing = { REFERRAL_DAYS: `${REFERRAL_DAYS}`, CONDITIONAL_DELETE: 'multiple' };
    return startServer(
      readConfig({ ...settings, ...sharing, ...environment }),
      { now: () => world.now },
      limits,
      (headers) => callerOf(headers['x-caller']),
    );
  };
  let server = await start('off');
  let line = openLine(server.address);
  const stand: Stand = {
    world,
    base: server.base,
    ask: (token, method, path, headers = {}, body) => line.ask(questionOf(token, method, path, headers, body)),
    async stop() {
      line.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await store(stand, world);
    await shipped(stand, world);
    line.close();
    await server.stop();
    server = await start('enforce');
    line = openLine(server.address);
    stand.base = server.base;
    return stand;
  } catch (error) {
    await stand.stop();
    throw error;
  }
}

function questionOf(
  token: Token,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Json,
): Parameters<Line['ask']>[0] {
  const type = { 'Content-Type': 'application/fhir+json' };
  const accept = { Accept: 'application/fhir+json' };
  return {
    method,
    path: `/fhir${path}`,
    headers: { ...accept, ...(body === undefined ? {} : type), ...headers, 'X-Caller': JSON.stringify(token) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}

/** A busy machine has a transaction of so many done long before its time is over. */
const AT_ONCE = 50;

/** Each organization's part by its own administrator, at the times when it was written. */
async function store(stand: Stand, world: World): Promise<void> {
  const times = [...new Set(world.kept.flatMap(({ versions }) => versions.map(({ at }) => at)))].sort((a, b) => a - b);
  for (const at of times)
    for (const owner of OWNERS) {
      const entry = world.kept
        .filter((kept) => kept.owner === owner)
        .flatMap(({ type, id, versions }) =>
          versions
            .filter((version) => version.at === at && version.by === undefined)
            .map(({ resource }) => ({
              ...(resource === undefined ? {} : { resource }),
              request: { method: resource === undefined ? 'DELETE' : 'PUT', url: `${type}/${id}` },
            })),
        );
      world.now = at;
      for (let from = 0; from < entry.length; from += AT_ONCE) {
        const some = { resourceType: 'Bundle', type: 'transaction', entry: entry.slice(from, from + AT_ONCE) };
        const answer = await stand.ask(importer(owner), 'POST', '', {}, some);
        if (answer.status !== 200)
          throw new Error(`The world is not stored: ${answer.status} ${answer.text.slice(0, 1000)}`);
      }
    }
  for (const kept of world.kept) await steps(stand, world, kept);
  world.now = TODAY;
}

/** What others wrote: a performer's last step. One that is refused, for a Consent or a closed request, did not happen. */
async function steps(stand: Stand, world: World, { type, id, versions }: Kept): Promise<void> {
  const { at, by, resource } = versions.at(-1)!;
  if (by === undefined) return;
  world.now = at;
  const { status } = await stand.ask(importer(by), 'PUT', `/${type}/${id}`, {}, resource);
  if (status !== 200) versions.pop();
}

/** What comes with the server is everybody's. */
async function shipped(stand: Stand, world: World): Promise<void> {
  const { body } = await stand.ask(importer(OWNERS[0]!), 'GET', '/Questionnaire?_count=1000');
  for (const { resource } of body.entry ?? [])
    if (!world.at.has(`Questionnaire/${resource.id}`)) {
      const kept = {
        type: 'Questionnaire',
        id: resource.id,
        owner: '*',
        versions: [{ at: Date.parse(resource.meta.lastUpdated), resource }],
      };
      world.kept.push(kept);
      world.at.set(`Questionnaire/${resource.id}`, kept);
    }
}
