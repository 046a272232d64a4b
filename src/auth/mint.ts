/** An EHR launches an app for one of its users: it says about whom, and gets the URL to open. (SMART app-launch.html#launch-app-ehr-launch) */
import type { Account, Accounts } from './accounts.js';
import type { Client, Clients } from './clients.js';
import type { Directory } from './directory.js';
import { OAuthFailure } from './failure.js';
import type { Form } from './form.js';
import type { LaunchContext, Launches } from './launch.js';
import { withParameters } from './oauth.js';
import { limits } from '../kit/limits.js';

export interface MintParts {
  accounts: Accounts;
  clients: Clients;
  directory: Directory;
  launches: Launches;
  base: string;
}

/** TABLE: parameter -> type; what becomes `fhirContext`. */
const contexts: Record<string, string> = {
  serviceRequest: 'ServiceRequest',
  task: 'Task',
  questionnaire: 'Questionnaire',
};

export async function mint(ehr: Client, form: Form, parts: MintParts): Promise<Record<string, unknown>> {
  if (ehr.launches !== true)
    throw new OAuthFailure('unauthorized_client', 'This client was not registered to launch apps.', {}, 403);
  const app = await appOf(form, parts);
  const user = await userOf(ehr, form, parts);
  const context = await contextOf(user, form, parts);
  const launch = await parts.launches.create({ client: app.id, user: user.id, by: ehr.id, context });
  return {
    launch,
    expires_in: limits.launchMs / 1000,
    // To the registered URL alone, whatever the EHR says.
    url: withParameters(app.launchUrl ?? '', { iss: parts.base, launch }),
  };
}

async function appOf(form: Form, { clients }: MintParts): Promise<Client> {
  const app = await clients.find(required(form, 'app'));
  if (app?.launchUrl === undefined) throw wrong('app: no client of that client_id was registered with a launch URL.');
  return app;
}

/** Only users of its own organization: an EHR opens nothing in the name of others. */
async function userOf(ehr: Client, form: Form, { accounts }: MintParts): Promise<Account> {
  const said = required(form, 'user');
  const account = (await accounts.byUsername(said)) ?? (await accounts.find(said));
  if (account?.organization !== ehr.organization) throw wrong('user: nobody of that name in this organization.');
  return account;
}

async function contextOf(user: Account, form: Form, { directory }: MintParts): Promise<LaunchContext> {
  const seen = async (name: string, type: string): Promise<string | undefined> => {
    const said = form.get(name);
    if (said === undefined) return undefined;
    const id = said.startsWith(`${type}/`) ? said.slice(type.length + 1) : said;
    if ((await directory.find(user, `${type}/${id}`)) === undefined)
      throw wrong(`${name}: nothing that this user may see.`);
    return id;
  };
  const [patient, encounter] = [await seen('patient', 'Patient'), await seen('encounter', 'Encounter')];
  if (encounter !== undefined && !(await directory.isEncounterOf(user, encounter, patient ?? ''))) {
    throw wrong('encounter: not one of that patient.');
  }
  const fhirContext: { reference: string }[] = [];
  for (const [name, type] of Object.entries(contexts)) {
    const id = await seen(name, type);
    if (id !== undefined) fhirContext.push({ reference: `${type}/${id}` });
  }
  const [intent, banner] = [form.get('intent'), form.get('need_patient_banner')];
  if (banner !== undefined && banner !== 'true' && banner !== 'false')
    throw wrong('need_patient_banner: true or false.');
  return {
    ...(patient === undefined ? {} : { patient }),
    ...(encounter === undefined ? {} : { encounter }),
    ...(fhirContext.length === 0 ? {} : { fhirContext }),
    ...(intent === undefined ? {} : { intent: intent.slice(0, 200) }),
    // The EHR around the app shows whom it is about, unless it says that it does not.
    needPatientBanner: banner === 'true',
    tenant: user.organization,
  };
}

function required(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw wrong(`${name} is missing.`);
  return value;
}

const wrong = (why: string): OAuthFailure => new OAuthFailure('invalid_request', why);
