/** account, client: who may sign in, and which apps and systems may ask. A server takes them up by itself. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createAccounts, PERSON_ROLES, type PersonRole } from '../auth/accounts.js';
import { createClients, type ClientAuthentication, type GrantType, type WantedClient } from '../auth/clients.js';
import { OAuthFailure } from '../auth/failure.js';
import { createGrants } from '../auth/grants.js';
import { createGuests } from '../auth/guest.js';
import { issuerOf, launchedAt } from '../auth/index.js';
import { isId, parseLocal } from '../auth/local.js';
import { ConfigError } from '../config.js';
import { systemClock } from '../kit/clock.js';
import { baseOf, say, settings, withData } from './data.js';

export type Options = Record<string, string | boolean | undefined>;

export async function account(verb: string, username: string | undefined, options: Options): Promise<void> {
  const config = settings();
  await withData(config, async ({ store: { vault } }) => {
    const accounts = createAccounts(vault, systemClock);
    if (verb === 'list') {
      for (const one of await accounts.list())
        tell([one.username, one.role, one.organization, one.fhirUser ?? '', one.id].join('\t'));
      return;
    }
    if (username === undefined) throw new ConfigError(`account ${verb}: give a user name.`);
    if (verb === 'add') {
      const { password, wanted } = wantedAccount(username, options);
      if ((await accounts.byUsername(username)) !== undefined)
        throw new ConfigError(`There is an account ${username} already.`);
      const added = await accounts.add(wanted);
      say(`Account ${added.username} (${added.role} of ${added.organization}), ${added.id}.`);
      if (password !== undefined) tell(password);
    } else if (verb === 'password') {
      const password = newPassword();
      if (!(await accounts.setPassword(username, password))) throw new ConfigError(`There is no account ${username}.`);
      say(`A new password for ${username}:`);
      tell(password);
    } else if (verb === 'remove') {
      const there = await accounts.byUsername(username);
      if (there === undefined) throw new ConfigError(`There is no account ${username}.`);
      const base = baseOf(config);
      const grants = createGrants({ vault, clock: systemClock, base, issuer: issuerOf(base) });
      await accounts.remove(username);
      for (const { id } of await grants.ofUser(there.id)) await grants.end(id);
      say(`Account ${username} is gone, and so is what it allowed.`);
    } else throw new ConfigError(`account ${verb}: one of add, list, password, remove.`);
  });
}

function wantedAccount(username: string, options: Options) {
  const role = PERSON_ROLES.find((one) => one === options.role);
  if (role === undefined) throw new ConfigError(`--role: one of ${PERSON_ROLES.join(', ')}.`);
  const organization = String(options.organization ?? '').replace(/^Organization\//, '');
  if (!isId(organization)) throw new ConfigError('--organization: the id of an Organization.');
  const { fhirUser, name, patient, openid } = options;
  if (fhirUser !== undefined && parseLocal(String(fhirUser)) === undefined)
    throw new ConfigError('--fhir-user: Practitioner/<id>, Patient/<id>, RelatedPerson/<id> or Person/<id>.');
  const [issuer = '', subject] = String(openid ?? '').split(' ');
  if (openid !== undefined && subject === undefined) throw new ConfigError('--openid: "<issuer> <subject>".');
  const password = subject === undefined ? newPassword() : undefined;
  const wanted = {
    username,
    name: String(name ?? username),
    role: role satisfies PersonRole,
    organization,
    ...(fhirUser === undefined ? {} : { fhirUser: String(fhirUser) }),
    ...(patient === undefined ? {} : { patients: String(patient).split(',') }),
    ...(subject === undefined ? {} : { upstream: { issuer, subject } }),
    ...(password === undefined ? {} : { password }),
  };
  return { password, wanted };
}

export async function client(verb: string, name: string | undefined, options: Options): Promise<void> {
  await withData(settings(), async ({ store: { vault } }) => {
    const clients = createClients(vault, systemClock);
    if (verb === 'list') {
      for (const one of await clients.list()) tell([one.id, one.authentication, one.organization, one.name].join('\t'));
      return;
    }
    if (name === undefined)
      throw new ConfigError(`client ${verb}: give ${verb === 'add' ? 'a name' : 'its client_id'}.`);
    if (verb === 'remove') {
      if (!(await clients.remove(name))) throw new ConfigError(`There is no client ${name}.`);
      say(`Client ${name} is gone; none of its tokens is valid any more.`);
    } else if (verb === 'add') {
      const added = await clients.add(await wantedClient(name, options)).catch((error: unknown) => {
        throw error instanceof OAuthFailure ? new ConfigError(error.message) : error;
      });
      say(
        `Client ${added.client.name}. Its client_id${added.secret === undefined ? '' : ', and its secret, which is not shown again'}:`,
      );
      tell(added.client.id);
      if (added.secret !== undefined) tell(added.secret);
    } else throw new ConfigError(`client ${verb}: one of add, list, remove.`);
  });
}

async function wantedClient(name: string, options: Options): Promise<WantedClient> {
  const { backend, id, introspects, jwks, jwksUri, launchUrl, launches, organization, redirect, scope, secret } =
    options;
  const authentication: ClientAuthentication =
    jwks !== undefined || jwksUri !== undefined ? 'private_key_jwt' : secret === true ? 'client_secret' : 'none';
  const grantTypes: GrantType[] =
    backend === true ? ['client_credentials'] : redirect === undefined ? [] : ['authorization_code', 'refresh_token'];
  const usual =
    backend === true
      ? 'system/*.cruds'
      : 'openid fhirUser launch launch/patient launch/encounter offline_access online_access patient/*.cruds user/*.cruds';
  return {
    name,
    authentication,
    organization: String(organization ?? '').replace(/^Organization\//, ''),
    redirectUris: redirect === undefined ? [] : String(redirect).split(' '),
    scope: String(scope ?? (grantTypes.length === 0 ? '' : usual)),
    grantTypes,
    ...(id === undefined ? {} : { id: String(id) }),
    ...(launchUrl === undefined ? {} : { launchUrl: String(launchUrl) }),
    ...(jwksUri === undefined ? {} : { jwksUri: String(jwksUri) }),
    ...(jwks === undefined ? {} : { jwks: JSON.parse(await readFile(String(jwks), 'utf8')) as { keys: [] } }),
    ...(introspects === true ? { introspects } : {}),
    ...(launches === true ? { launches } : {}),
  };
}

/** ehr: other EHRs that may launch our page. */
export async function ehr(verb: string, iss: string | undefined, options: Options): Promise<void> {
  const config = settings();
  await withData(config, async ({ store: { vault } }) => {
    const issuer = issuerOf(baseOf(config));
    const guests = createGuests(vault, systemClock, launchedAt(issuer));
    if (verb === 'list') {
      for (const one of await guests.list()) tell([one.iss, one.clientId].join('\t'));
      return;
    }
    if (iss === undefined || !URL.canParse(iss)) throw new ConfigError(`ehr ${verb}: give the FHIR base of the EHR.`);
    if (verb === 'remove') {
      if (!(await guests.remove(iss))) throw new ConfigError(`There is no EHR ${iss}.`);
      say(`${iss} can launch nothing here any more.`);
    } else if (verb === 'add') {
      const { clientId, secret } = options;
      if (typeof clientId !== 'string') throw new ConfigError('--client-id: what we are called there.');
      await guests.add({ iss, clientId, ...(typeof secret === 'string' ? { clientSecret: secret } : {}) });
      say(`${iss} may launch us. Register there: launch URL and redirect URI`);
      tell(launchedAt(issuer).replace(/\/callback$/, ''));
      tell(launchedAt(issuer));
    } else throw new ConfigError(`ehr ${verb}: one of add, list, remove.`);
  });
}

/** 96 bits, in letters that can be read out. */
const newPassword = (): string => randomBytes(12).toString('base64url');

/** What a script wants to read goes to standard output. */
const tell = (text: string): void => void process.stdout.write(`${text}\n`);
