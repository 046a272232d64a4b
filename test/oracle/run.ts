/** Asks a server as random callers, and compares each answer with what the authorizer says. */
import fc from 'fast-check';
import type { Principal } from '../../src/access/principal.js';
import { parseScopes } from '../../src/access/scopes.js';
import { ask, type Answer } from '../support/server.js';
import type { Token, TokenScope } from './authorizer.js';
import { requests, tokens, type Request, type Verdict } from './requests.js';
import { CATEGORY_SYSTEM, ORGANIZATIONS, type Json, type World } from './world.js';

const print = ({ context, type, letters, category }: TokenScope): string =>
  `${context}/${type}.${letters}${category === undefined ? '' : `?category=${CATEGORY_SYSTEM}|${category}`}`;

/** As the authorization server would make it of a token. */
export function principalOf({ role, organization, scopes, patient }: Token): Principal {
  return {
    name: role,
    role,
    owner: organization,
    owners: [organization],
    grant: {
      id: 'oracle',
      client: 'oracle',
      ...(role === 'system' ? {} : { user: role }),
      ...(role === 'patient' ? { fhirUser: `Patient/${patient ?? ''}` } : {}),
      ...(patient === undefined ? {} : { patient }),
      scopes: parseScopes(scopes.map(print).join(' ')),
    },
  };
}

/** The callers of a server under test: each request names its own in a header. */
export const callers = new Map<string, Principal>();

const importer = (organization: string): Token => ({
  role: 'administrator',
  organization,
  scopes: [{ context: 'user', type: '*', letters: 'cruds' }],
});

/** Stores the world, each organization's part by its own administrator, version after version. */
export async function store(base: string, world: World): Promise<void> {
  const rounds = Math.max(...world.kept.map(({ versions }) => versions.length));
  for (const organization of ORGANIZATIONS) {
    callers.set(organization, principalOf(importer(organization)));
    for (let round = 0; round < rounds; round += 1) {
      const entry = world.kept
        .filter(({ owner, versions }) => owner === organization && versions.length > round)
        .map(({ type, id, versions }) => ({
          ...(versions[round] === undefined ? {} : { resource: versions[round] }),
          request: { method: versions[round] === undefined ? 'DELETE' : 'PUT', url: `${type}/${id}` },
        }));
      if (entry.length === 0) continue;
      const body = { resourceType: 'Bundle', type: 'transaction', entry };
      const answer = await ask(base, { headers: { 'X-Caller': organization }, body });
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text.slice(0, 1000)}`);
    }
  }
}

function verdictOf({ status, body }: Answer): Verdict {
  if (status >= 300 || body === undefined) return { status };
  const name = ({ resourceType, id }: Json) => `${resourceType}/${id}`;
  if (body.resourceType !== 'Bundle') return { status, shown: [name(body)] };
  const entries: Json[] = body.entry ?? [];
  if (body.type === 'history') {
    const versions = entries.map(({ fullUrl, response }) => {
      const [, which = ''] = /([A-Za-z]+\/[^/]+)$/.exec(fullUrl) ?? [];
      return `${which}/${/\d+/.exec(response.etag)?.[0] ?? ''}`;
    });
    return { status, shown: versions.sort() };
  }
  return { status, shown: entries.map(({ resource }) => name(resource)).sort(), total: body.total };
}

/** Throws at the first answer that is not the authorizer's, made as small as it can be. */
export async function compare(base: string, world: World, pairs: number, seed: number): Promise<void> {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(tokens(world), requests(world), async (token: Token, request: Request) => {
      number += 1;
      const caller = `pair-${number}`;
      callers.set(caller, principalOf(token));
      const { method, path, headers = {}, body } = request;
      const answer = await ask(`${base}${path}`, { method, headers: { ...headers, 'X-Caller': caller }, body });
      callers.delete(caller);
      const why = answer.status >= 400 ? answer.body?.issue?.[0]?.diagnostics : undefined;
      const told = { caller: token, request: `${method} ${path}`, why };
      expect({ ...told, verdict: verdictOf(answer) }).toEqual({ ...told, verdict: request.expected(world, token) });
    }),
    { numRuns: pairs, seed },
  );
}
