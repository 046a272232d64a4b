/** Callers for tests: a bearer token is the name of one, as if whoever issues tokens had done its work. */
import type { IncomingHttpHeaders } from 'node:http';
import { operator, type Grant, type Principal, type Role } from '../../src/access/principal.js';
import { parseScopes } from '../../src/access/scopes.js';
import { failure } from '../../src/fhir/outcome.js';

export interface Caller extends Partial<Omit<Grant, 'scopes' | 'id'>> {
  role: Role;
  owner: string;
  scopes: string;
}

const known = new Map<string, Principal>();

/** From now on this token is that caller; gives the headers of its requests. */
export function caller(token: string, { role, owner, scopes, ...more }: Caller): { Authorization: string } {
  const grant: Grant = { id: `grant of ${token}`, client: `client of ${token}`, scopes: parseScopes(scopes), ...more };
  known.set(token, { name: token, role, owner, owners: [owner], grant });
  return { Authorization: `Bearer ${token}` };
}

export function authenticate({ authorization }: IncomingHttpHeaders): Principal {
  if (authorization === 'Bearer operator') return operator;
  const found = known.get(authorization?.replace('Bearer ', '') ?? '');
  if (found === undefined) throw failure('forbidden', 'Nobody.');
  return found;
}
