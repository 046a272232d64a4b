/** Who calls. Every door of the repository asks for a Call; there is no way to a resource without one. */
import type { Instant } from '../kit/clock.js';
import { noScopes, type Scopes } from './scopes.js';
import type { Trail } from './trail.js';

/** What a person or a system is here; `policy.ts` says what each may do. */
export type Role =
  | 'operator'
  | 'administrator'
  | 'coordinator'
  | 'referrer'
  | 'specialist'
  | 'patient'
  | 'related-person'
  | 'auditor'
  | 'system';

export interface Principal {
  /** A name for logs and audit, never a secret. */
  name: string;
  role: Role;
  /** The organization that it acts for, and that owns what it writes. */
  owner: string;
  /** The organizations whose versions it may see at all. */
  owners: readonly string[];
  /** In whose name it sees what others have opened, where that is not said by its token: the server's own lookups. */
  opened?: readonly string[];
  /** What its token allows. Only the operator has none: open mode, commands, what is stored at start. */
  grant?: Grant;
}

/** What was granted to a client, by whom, and for whom. */
export interface Grant {
  /** Names the grant for audit, revocation and page cursors; no secret. */
  id: string;
  /** The client's `client_id`. */
  client: string;
  /** The account that signed in; a backend service has none. */
  user?: string;
  /** What the user is in FHIR: `Practitioner/…`, `Patient/…`. */
  fhirUser?: string;
  scopes: Scopes;
  /** The id of the patient in context, to which `patient/` scopes are bound. */
  patient?: string;
  /** The id of the encounter in context. */
  encounter?: string;
}

/** One request as the repository sees it. */
export interface Call {
  /** The request's id, which the answer carries as `X-Request-Id`. */
  id: string;
  at: Instant;
  principal: Principal;
  /** Where what it does is told to the audit trail; none for commands and for what the server does by itself. */
  trail?: Trail;
}

/** In whose name it stands when something is open to everybody. */
export const EVERYBODY = '*';

/** The only organization of open mode, and the one that what comes with the server belongs to. */
export const HOME = 'home';

/**
 * The caller in open mode, where nobody signs in: the operator at their own machine. The server's roof allows it on
 * a loopback address only.
 */
export const operator: Principal = { name: 'operator', role: 'operator', owner: HOME, owners: [HOME] };

/** Who calls without saying so: sees nothing. */
export const nobody: Principal = {
  name: 'nobody',
  role: 'system',
  owner: '',
  owners: [],
  grant: { id: '', client: '', scopes: noScopes },
};

/** What a page cursor is bound to, so that nobody goes on where another one ended. */
export function subjectOf({ owner, grant }: Principal): string {
  if (grant === undefined) return '';
  const { client, user = '', patient = '' } = grant;
  return `${JSON.stringify([owner, client, user, patient])} `;
}
