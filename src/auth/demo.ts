/**
 * A world to try things out in: a clinic that asks, a hospital that answers, a practice that has no part in it, their
 * people and patients, four clients, all with secrets of their own that are new with every start. For a server on loopback alone; the file that tells them is for its owner's eyes.
 */
import { exportJWK, generateKeyPair } from 'jose';
import { operator, type Call } from '../access/principal.js';
import type { Resource } from '../fhir/types.js';
import type { Clock } from '../kit/clock.js';
import { requestId, unguessableToken } from '../kit/id.js';
import type { Repository } from '../repository/repository.js';
import type { Account, Accounts, PersonRole, WantedAccount } from './accounts.js';
import type { Clients, WantedClient } from './clients.js';

export interface Demo {
  fhir: string;
  smartConfiguration: string;
  organizations: { id: string; name: string; patients: string[] }[];
  users: {
    username: string;
    password: string;
    role: PersonRole;
    organization: string;
    fhirUser?: string;
    patient?: string;
  }[];
  clients: DemoClient[];
  /** How an EHR launches an app: what to POST where, and as which client. */
  launch: { method: 'POST'; url: string; client: string; form: Record<string, string> };
}

export interface DemoClient {
  name: string;
  client_id: string;
  client_secret?: string;
  /** The private key, as a JWK Set has it. */
  privateKey?: Record<string, unknown>;
  redirect_uris: string[];
  launch_url?: string;
  scope: string;
  token_endpoint_auth_method: string;
}

export interface DemoParts {
  accounts: Accounts;
  clients: Clients;
  repository: Repository;
  clock: Clock;
  base: string;
  issuer: string;
}

/** Where the demo's apps are taken to listen: a page on this machine, whatever its port. */
const APP = 'http://127.0.0.1:8000';
const REDIRECTS = [`${APP}/`, `${APP}/callback`, 'http://localhost:8000/', 'http://localhost:8000/callback'];

const APP_SCOPES =
  'openid fhirUser launch launch/patient launch/encounter offline_access online_access patient/*.cruds user/*.cruds';

/** TABLE: who is here. The names are the ids of resources too, with the part before it. */
const organizations = [
  {
    id: 'clinic',
    name: 'Clinic by the Lake',
    patients: [
      { id: 'ada', family: 'Müller', given: 'Ada', birthDate: '1980-05-17', gender: 'female' },
      { id: 'ben', family: 'Okafor', given: 'Ben', birthDate: '1952-11-02', gender: 'male' },
    ],
  },
  {
    id: 'hospital',
    name: 'Hospital on the Hill',
    patients: [{ id: 'cleo', family: 'Rossi', given: 'Cleo', birthDate: '1999-01-30', gender: 'female' }],
  },
  { id: 'practice', name: 'Practice in the Valley', patients: [] },
] as const;

const people: { username: string; name: string; role: PersonRole; organization: string; patient?: string }[] = [
  { username: 'referrer', name: 'Dr. Rita Referrer', role: 'referrer', organization: 'clinic' },
  { username: 'specialist', name: 'Dr. Sam Specialist', role: 'specialist', organization: 'hospital' },
  { username: 'colleague', name: 'Dr. Kim Colleague', role: 'specialist', organization: 'hospital' },
  { username: 'ada', name: 'Ada Müller', role: 'patient', organization: 'clinic', patient: 'ada' },
  { username: 'auditor', name: 'Pat Privacy', role: 'auditor', organization: 'clinic' },
  { username: 'outsider', name: 'Dr. Otto Outsider', role: 'specialist', organization: 'practice' },
];

export async function makeDemo(parts: DemoParts): Promise<Demo> {
  const { base, issuer } = parts;
  // Ids end alike in one start and differ between two: a store that is kept holds several demos side by side.
  const suffix = unguessableToken()
    .slice(0, 6)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, 'x');
  const idOf = (name: string) => `demo-${name}-${suffix}`;
  await storeResources(parts, idOf);
  const users = [];
  for (const person of people) users.push(await addPerson(parts.accounts, person, idOf));
  const clients = await addClients(parts.clients, idOf);
  return {
    fhir: base,
    smartConfiguration: `${base}/.well-known/smart-configuration`,
    organizations: organizations.map(({ id, name, patients }) => ({
      id: idOf(id),
      name,
      patients: patients.map((patient) => `Patient/${idOf(patient.id)}`),
    })),
    users,
    clients,
    launch: {
      method: 'POST',
      url: `${issuer}/auth/launch`,
      client: idOf('ehr'),
      form: {
        app: idOf('app'),
        user: 'referrer',
        patient: idOf('ada'),
        encounter: idOf('visit'),
      },
    },
  };
}

/** Organizations, their patients, and the people who work there, each owned by its organization. */
async function storeResources({ clock, repository }: DemoParts, idOf: (name: string) => string): Promise<void> {
  for (const { id, name, patients } of organizations) {
    const owner = idOf(id);
    const call: Call = {
      id: requestId(),
      at: clock.now(),
      principal: { ...operator, owner, owners: [owner] },
    };
    const put = (type: string, name: string, resource: Resource) =>
      repository.update(
        call,
        { type, id: idOf(name) },
        {
          ...resource,
          resourceType: type,
          id: idOf(name),
        },
      );
    await put('Organization', id, { active: true, name } as unknown as Resource);
    for (const { birthDate, family, gender, given, id: patient } of patients) {
      const managingOrganization = { reference: `Organization/${owner}` };
      const names = [{ family, given: [given] }];
      await put('Patient', patient, {
        active: true,
        name: names,
        birthDate,
        gender,
        managingOrganization,
      } as unknown as Resource);
    }
    for (const { organization, name: person, role, username } of people) {
      if (organization !== id || role === 'patient') continue;
      await put('Practitioner', username, { active: true, name: [{ text: person }] } as unknown as Resource);
    }
    if (id === 'clinic') {
      await put('Encounter', 'visit', {
        status: 'in-progress',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
        subject: { reference: `Patient/${idOf('ada')}` },
        period: { start: new Date(clock.now()).toISOString() },
      } as unknown as Resource);
    }
  }
}

async function addPerson(accounts: Accounts, person: (typeof people)[number], idOf: (name: string) => string) {
  const { name, organization, patient, role, username } = person;
  const password = unguessableToken().slice(0, 16);
  const fhirUser = patient === undefined ? `Practitioner/${idOf(username)}` : `Patient/${idOf(patient)}`;
  const wanted: WantedAccount = {
    username: await freeName(accounts, username),
    name,
    role,
    organization: idOf(organization),
    fhirUser,
    password,
  };
  const account: Account = await accounts.add(wanted);
  return {
    username: account.username,
    password,
    role,
    organization: account.organization,
    fhirUser,
    ...(patient === undefined ? {} : { patient: idOf(patient) }),
  };
}

/** The plain name is the newest demo's; the account of an older one goes. */
async function freeName(accounts: Accounts, username: string): Promise<string> {
  await accounts.remove(username);
  return username;
}

async function addClients(clients: Clients, idOf: (name: string) => string): Promise<DemoClient[]> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const kid = idOf('key');
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES384', use: 'sig' };
  const organization = idOf('clinic');
  const app = { organization, redirectUris: REDIRECTS, launchUrl: `${APP}/launch`, scope: APP_SCOPES };
  const wanted: (WantedClient & { key?: Record<string, unknown> })[] = [
    {
      id: idOf('app'),
      name: 'Consult app (public)',
      authentication: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      ...app,
    },
    {
      id: idOf('portal'),
      name: 'Patient portal (confidential)',
      authentication: 'client_secret',
      grantTypes: ['authorization_code', 'refresh_token'],
      ...app,
    },
    {
      id: idOf('ehr'),
      name: 'Referring EHR (backend service)',
      organization,
      authentication: 'private_key_jwt',
      jwks: { keys: [jwk] },
      redirectUris: [],
      scope: 'system/*.cruds',
      grantTypes: ['client_credentials'],
      launches: true,
      key: { ...(await exportJWK(privateKey)), kid, alg: 'ES384' },
    },
    {
      id: idOf('resource-server'),
      name: 'Image archive (resource server)',
      organization,
      authentication: 'client_secret',
      redirectUris: [],
      scope: '',
      grantTypes: [],
      introspects: true,
    },
  ];
  const told: DemoClient[] = [];
  for (const { key, ...one } of wanted) {
    const { client, secret } = await clients.add(one);
    told.push({
      name: client.name,
      client_id: client.id,
      ...(secret === undefined ? {} : { client_secret: secret }),
      ...(key === undefined ? {} : { privateKey: key }),
      redirect_uris: client.redirectUris,
      ...(client.launchUrl === undefined ? {} : { launch_url: client.launchUrl }),
      scope: client.scope,
      token_endpoint_auth_method: {
        none: 'none',
        client_secret: 'client_secret_basic',
        private_key_jwt: 'private_key_jwt',
      }[client.authentication],
    });
  }
  return told;
}
