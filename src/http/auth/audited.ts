/**
 * What the authorization server's endpoints tell the audit trail: each request leaves a record before its answer, with
 * what its handler found out about it. Nothing that is secret gets here: no codes, tokens, passwords, or names that
 * somebody typed.
 */
import type { Request, Response } from 'express';
import { HOME } from '../../access/principal.js';
import type { Audit } from '../../audit/index.js';
import type { KindName } from '../../audit/kinds.js';
import type { Act, Who } from '../../audit/record.js';
import type { Account } from '../../auth/accounts.js';
import type { Client } from '../../auth/clients.js';
import type { GrantRecord, Grants } from '../../auth/grants.js';
import { failure } from '../../fhir/outcome.js';

/** TABLE: path -> what a request of it is; by POST, where that is another thing. */
const KINDS: Record<string, KindName | { GET: KindName; POST: KindName }> = {
  '/auth/token': 'token',
  '/auth/introspect': 'introspect',
  '/auth/revoke': 'revoke',
  '/auth/launch': 'launch',
  '/auth/register': 'register',
  '/auth/authorize': 'authorize',
  '/auth/continue': 'show',
  '/auth/sign-in': 'sign-in',
  '/auth/sign-out': 'sign-out',
  '/auth/upstream': 'sign-in',
  '/auth/upstream/callback': 'sign-in',
  '/auth/launched': 'launched',
  '/auth/launched/callback': 'launched',
  '/auth/pick': 'show',
  '/auth/decide': 'decide',
  '/auth/grants': { GET: 'grants', POST: 'revoke' },
};

/** What a handler finds out. */
export interface Learnt extends Pick<Act, 'of'> {
  who?: Who;
  detail?: Record<string, string>;
}

interface Locals {
  learnt?: Learnt;
  keep?: (status: number) => Promise<void>;
}

const localsOf = (response: Response): Locals => response.locals as Locals;

/** Adds to what is told of this request. */
export function learn(response: Response, more: Learnt): void {
  const locals = localsOf(response);
  const { of, detail, ...rest } = more;
  locals.learnt = {
    ...locals.learnt,
    ...rest,
    ...(of === undefined ? {} : { of: [...(locals.learnt?.of ?? []), ...of] }),
    ...(detail === undefined ? {} : { detail: { ...locals.learnt?.detail, ...detail } }),
  };
}

/** From here on its answer waits for its record. Paths without a row show nothing but public documents. */
export function audited(audit: Audit | undefined, request: Request, response: Response, id: string, at: number): void {
  const row = KINDS[request.path];
  const kind = typeof row === 'object' ? row[request.method === 'POST' ? 'POST' : 'GET'] : row;
  if (audit === undefined || kind === undefined) return;
  response.setHeader('X-Request-Id', id);
  let kept = false;
  localsOf(response).keep = async (status) => {
    if (kept) return;
    const { who, of = [], detail = {} } = localsOf(response).learnt ?? {};
    const from = request.ip ?? '';
    try {
      if (who === undefined && !audit.strangers.admit(from, status)) return;
      const act: Act = { kind, status, query: request.path.slice(1), ...(of.length === 0 ? {} : { of }) };
      if (Object.keys(detail).length > 0) act.detail = detail;
      await audit.tell({ request: id, at, from, ...(who === undefined ? {} : { who }), acts: [act] });
      kept = true;
    } catch (cause) {
      if (status < 400)
        throw Object.assign(failure('unavailable', 'The audit trail cannot be written now.'), { cause });
    }
  };
}

/** Before the head of an answer goes out. */
export const kept = (response: Response, status: number): Promise<void> =>
  localsOf(response).keep?.(status) ?? Promise.resolve();

export const whoOfAccount = ({ username, role, organization, id, fhirUser }: Account): Who => ({
  name: username,
  role,
  owner: organization,
  user: id,
  ...(fhirUser === undefined ? {} : { fhirUser }),
});

export const whoOfClient = ({ id, organization }: Pick<Client, 'id' | 'organization'>): Who => ({
  name: id,
  role: 'system',
  owner: organization === '' ? HOME : organization,
  client: id,
});

export const whoOfGrant = ({ id, client, role, organization, name, user, fhirUser }: GrantRecord): Who => ({
  name,
  role,
  owner: organization,
  client,
  ...(user === undefined ? {} : { user }),
  ...(fhirUser === undefined ? {} : { fhirUser }),
  grant: id,
});

/** A code or a refresh token that came twice: its grant ends, and its organization is told. */
export function tellReuse(audit: Audit, grants: Grants): void {
  grants.whenEnded(async (_id, grant, isReuse) => {
    if (isReuse && grant !== undefined)
      await audit.tell({ who: whoOfGrant(grant), acts: [{ kind: 'reuse', status: 400 }] });
  });
}
