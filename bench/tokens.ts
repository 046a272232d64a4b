/** Tokens for the rows with authorization, put into the store before its server starts: what a sign-in would leave there. */
import { systemClock } from '../src/kit/clock.js';
import { HOME, type Role } from '../src/access/principal.js';
import { createClients } from '../src/auth/clients.js';
import { createGrants } from '../src/auth/grants.js';
import type { Store } from '../src/store/port.js';
import { patientAt, type World } from './data.js';
import { BASE_URL } from './fill.js';

export interface Tokens {
  /** Of a backend service: `system/*.cruds`. */
  system: string;
  /** Of patients' apps, `patient/*.rs`: one for each of these patients. */
  patients: { id: string; token: string }[];
}

const PATIENTS = 32;

export async function tokensFor(store: Store, world: World): Promise<Tokens> {
  const ground = { vault: store.vault, clock: systemClock, base: BASE_URL, issuer: BASE_URL.replace(/\/fhir$/, '') };
  const clients = createClients(store.vault, systemClock);
  const grants = createGrants(ground);
  const { client } = await clients.add({
    name: 'The bench',
    organization: HOME,
    authentication: 'client_secret',
    redirectUris: ['http://127.0.0.1/'],
    scope: 'system/*.cruds patient/*.rs',
    grantTypes: ['authorization_code'],
  });
  async function token(role: Role, scope: string, patient?: string): Promise<string> {
    const grant = await grants.open({
      client: client.id,
      clientName: client.name,
      role,
      organization: HOME,
      name: role,
      scope,
      context: patient === undefined ? {} : { patient },
      // A user's token lives for an hour, longer than the rows take.
      ...(patient === undefined ? {} : { user: `user-of-${patient}`, fhirUser: `Patient/${patient}` }),
      access: 'once',
      audience: BASE_URL,
    });
    return (await grants.issueAccess(grant, scope)).token;
  }
  const ids = Array.from({ length: Math.min(PATIENTS, world.answering) }, (_, at) =>
    patientAt(at).replace(/^.*\//, ''),
  );
  return {
    system: await token('system', 'system/*.cruds'),
    patients: await Promise.all(ids.map(async (id) => ({ id, token: await token('patient', 'patient/*.rs', id) }))),
  };
}
