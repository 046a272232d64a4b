/**
 * A request's bearer token becomes a Principal (RFC 6750). What a token means is kept for less than a second: a warm
 * check costs a hash, and who takes a grant away at another process waits no longer than that.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '../access/principal.js';
import { parseScopes } from '../access/scopes.js';
import { failure, type FhirError } from '../fhir/outcome.js';
import type { Clock, Instant } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { Clients } from './clients.js';
import type { Grants } from './grants.js';
import { digest } from './secrets.js';

/** Throws 401 for whom the token does not speak, and 400 where a token stands in the query. */
export type Authenticate = (headers: IncomingHttpHeaders, query: string) => Principal | Promise<Principal>;

interface Known {
  principal: Principal;
  grant: string;
  /** Looked at again from the first of these on, beside the requests; from the second on they wait for it. */
  soon: Instant;
  until: Instant;
}

export interface BearerParts {
  grants: Grants;
  clients: Clients;
  clock: Clock;
  base: string;
}

export function createBearer({ grants, clients, clock, base }: BearerParts): Authenticate {
  const known = new Map<string, Known>();
  /** What was looked at before a grant ended is not kept after it. */
  let ends = 0;
  grants.whenEnded((id) => {
    ends += 1;
    for (const [name, { grant }] of known) if (grant === id) known.delete(name);
  });

  /** Many tokens are of one client: whether it is there is asked once for those that are looked at within a moment. */
  const registered = new Map<string, { asked: Instant; isThere: Promise<boolean> }>();
  function isRegistered(client: string): Promise<boolean> {
    const there = registered.get(client);
    const now = clock.now();
    if (there !== undefined && now - there.asked < CLIENT_MS) return there.isThere;
    if (registered.size >= limits.tokensKnown) registered.clear();
    const isThere = clients.find(client).then((found) => found !== undefined);
    isThere.catch(() => registered.delete(client));
    registered.set(client, { asked: now, isThere });
    return isThere;
  }

  async function look(token: string, name: string): Promise<Principal> {
    const [began, asked] = [ends, clock.now()];
    const found = await grants.access(token);
    const isGood = found?.grant.audience === base && (await isRegistered(found.grant.client));
    known.delete(name);
    if (!isGood) throw invalid();
    const { grant, token: access } = found;
    const { client, context, fhirUser, id, organization, role, user } = grant;
    const principal: Principal = {
      name: grant.name,
      role,
      owner: organization,
      owners: [organization],
      grant: {
        id,
        client,
        ...(user === undefined ? {} : { user }),
        ...(fhirUser === undefined ? {} : { fhirUser }),
        scopes: parseScopes(access.scope),
        ...(context.patient === undefined ? {} : { patient: context.patient }),
        ...(context.encounter === undefined ? {} : { encounter: context.encounter }),
      },
    };
    // The oldest go first; which ones does not matter much.
    for (const oldest of known.keys()) {
      if (known.size < limits.tokensKnown) break;
      known.delete(oldest);
    }
    const until = Math.min(asked + limits.tokenTrustMs, access.expires);
    if (began === ends) known.set(name, { principal, grant: id, soon: asked + SOON * (until - asked), until });
    return principal;
  }

  /** What cannot be found out now, the next request is told. */
  function refresh(token: string, name: string, there: Known): void {
    there.soon = there.until;
    look(token, name).catch(() => undefined);
  }

  return (headers, query) => {
    if (query.includes('access_token=')) refuseInQuery(query);
    const token = tokenOf(headers.authorization);
    const name = digest(token);
    const there = known.get(name);
    const now = clock.now();
    if (there === undefined || now >= there.until) return look(token, name);
    if (now >= there.soon) refresh(token, name, there);
    return there.principal;
  };
}

/** The part of its time after which a token that is in use is looked at again, so that nobody waits for it. */
const SOON = 0.8;

/** With the time that a token is trusted less than a second. */
const CLIENT_MS = 200;

/** RFC 6750 2.1. Nothing in the query or a form is ever a token: both end up in logs. */
function tokenOf(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw failure(
      'unauthenticated',
      'Nobody has signed in: this needs a bearer token in the Authorization header. How to get one is told at .well-known/smart-configuration.',
      'http.Authorization',
      { 'WWW-Authenticate': 'Bearer realm="fhir"' },
    );
  }
  const [, token] = /^bearer +([A-Za-z0-9._~+/-]{1,512}=*) *$/i.exec(authorization) ?? [];
  if (token === undefined) throw invalid();
  return token;
}

function refuseInQuery(query: string): void {
  if (!/(?:^|&)access_token=/.test(query)) return;
  throw failure(
    'invalid',
    'A token in the URL is in somebody’s log by now: take it away, and send the next one in the Authorization header.',
    'http.access_token',
    { 'WWW-Authenticate': 'Bearer realm="fhir", error="invalid_request"' },
  );
}

const invalid = (): FhirError =>
  failure(
    'unauthenticated',
    'The bearer token is not valid: unknown, expired, revoked, or for another server. Get a new one.',
    'http.Authorization',
    { 'WWW-Authenticate': 'Bearer realm="fhir", error="invalid_token"' },
  );
