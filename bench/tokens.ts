/** Tokens for the rows with authorization, put into the store before its server starts: what a sign-in would leave there. */
import { systemClock } from '../src/kit/clock.js';
import { HOME, type Role } from '../src/access/principal.js';
import { createClients } from '../src/auth/clients.js';
import { createGrants, type GrantRecord } from '../src/auth/grants.js';
import type { Store } from '../src/store/port.js';
import { idAt, indexOfResponse, patientAt, type World } from './data.js';
import { BASE_URL } from './fill.js';

export interface Tokens {
  /** Of a backend service: `system/*.cruds`. */
  system: string;
  /** Of a person of another organization, to which the cases of these patients are open: `user/*.rs`. */
  partner: string;
  /** Of patients' apps, `patient/*.rs`: one for each of these patients. */
  patients: { id: string; token: string }[];
}

const PATIENTS = 32;
const PARTNER = 'partner';

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
  async function token(role: Role, scope: string, who: Partial<GrantRecord> = {}): Promise<string> {
    const grant = await grants.open({
      client: client.id,
      clientName: client.name,
      role,
      organization: HOME,
      name: role,
      scope,
      context: {},
      access: 'once',
      audience: BASE_URL,
      ...who,
    });
    return (await grants.issueAccess(grant, scope)).token;
  }
  // A user's token lives for an hour, longer than the rows take.
  const ofPatient = (patient: string) =>
    token('patient', 'patient/*.rs', {
      context: { patient },
      user: `user-of-${patient}`,
      fhirUser: `Patient/${patient}`,
    });
  const ids = Array.from({ length: Math.min(PATIENTS, world.answering) }, (_, at) =>
    patientAt(at).replace(/^.*\//, ''),
  );
  await openCases(store, world, ids.length);
  return {
    system: await token('system', 'system/*.cruds'),
    partner: await token('specialist', 'user/*.rs', {
      organization: PARTNER,
      user: 'specialist',
      fhirUser: 'Practitioner/specialist',
    }),
    patients: await Promise.all(ids.map(async (id) => ({ id, token: await ofPatient(id) }))),
  };
}

/** Opens to the partner the first patients with their responses, each as a referral of its own. */
async function openCases(store: Store, world: World, count: number): Promise<void> {
  const cases = Array.from({ length: count }, (_, patient) => [patientAt(patient)]);
  for (const [response, patient] of world.patientOfResponse.entries())
    cases[patient]?.push(`QuestionnaireResponse/${idAt(indexOfResponse(response))}`);
  const opened = cases.map((keys, n) => ({
    via: `ServiceRequest/bench-${n}`,
    was: 0,
    openings: keys.map((key) => {
      const [type = '', id = ''] = key.split('/');
      return { type, id, to: PARTNER, from: 0, until: Number.MAX_SAFE_INTEGER };
    }),
  }));
  await store.write([], [], undefined, undefined, { opened });
}
