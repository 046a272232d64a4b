/**
 * What a user is asked between an authorization request and its answer. The steps are a table: the first that has
 * something to ask is the page that is shown; when none has, the user decides about scopes.
 */
import { parseScopes, printScopes, type Scopes } from '../access/scopes.js';
import type { Clock } from '../kit/clock.js';
import type { Account } from './accounts.js';
import type { Client, Clients } from './clients.js';
import { ownPatients, type Directory, type Shown } from './directory.js';
import type { GrantRecord, Grants } from './grants.js';
import type { Handle, LaunchContext, Launches } from './launch.js';
import type { Decision, OAuth, Transaction } from './oauth.js';
import { asksForPatient, chosenOf, ofUser } from './offer.js';

/** Who sits at the browser. */
export interface Sitting {
  account?: Account;
  /** When they signed in, in milliseconds. */
  signedInAt: number;
  /** The digest of the session. */
  session: string;
}

export type Page =
  | { ask: 'sign-in'; client: Client; wrongUser: boolean }
  | { ask: 'patient'; client: Client; patients: Shown[] }
  | { ask: 'encounter'; client: Client; encounters: Shown[] }
  | { ask: 'consent'; client: Client; account: Account; scopes: Scopes; patient?: Shown; launched: boolean }
  /** Nothing can be asked, or need be: the browser goes back to the app. */
  | { ask: 'nothing'; location: string };

export interface InteractionParts {
  oauth: OAuth;
  clients: Clients;
  grants: Grants;
  launches: Launches;
  directory: Directory;
  clock: Clock;
  base: string;
}

export interface Choice {
  scopes: Scopes;
}

export interface Interaction {
  /** The page that is next; undefined when there is no such request (any more). `name` narrows the patients. */
  next(id: string, sitting: Sitting, name?: string): Promise<Page | undefined>;
  pick(id: string, sitting: Sitting, picked: { patient?: string; encounter?: string | null }): Promise<boolean>;
  /** The place to go to with the user's decision; undefined when there is nothing to decide (any more). */
  decide(id: string, sitting: Sitting, chosen: Scopes | 'deny'): Promise<string | undefined>;
}

/** A request with all that is known of it. */
interface Asked {
  id: string;
  transaction: Transaction;
  client: Client;
  handle: Handle | undefined;
  sitting: Sitting;
  name: string;
}

export function createInteraction(parts: InteractionParts): Interaction {
  const { oauth, clients, grants, launches, directory, clock, base } = parts;

  async function load(id: string, sitting: Sitting, name = ''): Promise<Asked | undefined> {
    const transaction = await oauth.find(id);
    if (transaction === undefined) return undefined;
    const client = await clients.find(transaction.client);
    if (client === undefined) return undefined;
    const handle = transaction.launch === undefined ? undefined : await launches.find(transaction.launch);
    return { id, transaction, client, handle, sitting, name };
  }

  /** TABLE: what may have to be asked, in this order. */
  const steps: ((asked: Asked) => Promise<Page | undefined>)[] = [
    async (asked) => {
      const { client, sitting, transaction } = asked;
      const wrongUser = isOther(asked);
      if (sitting.account !== undefined && isFresh(asked) && !wrongUser) return undefined;
      if (transaction.prompt.includes('none')) return back(asked, 'login_required');
      return { ask: 'sign-in', client, wrongUser };
    },
    async (asked) => {
      const { client, sitting, transaction } = asked;
      const scopes = parseScopes(transaction.scope);
      const known = contextOf(asked).patient;
      if (!asksForPatient(scopes) || known !== undefined) return undefined;
      if (transaction.prompt.includes('none')) return back(asked, 'interaction_required');
      const patients = await directory.patients(accountOf(sitting), asked.name);
      return { ask: 'patient', client, patients };
    },
    async (asked) => {
      const { client, sitting, transaction } = asked;
      const { encounter, patient } = contextOf(asked);
      const asks = transaction.scope.split(' ').includes('launch/encounter') && patient !== undefined;
      if (!asks || encounter !== undefined || transaction.encounter === null) return undefined;
      const encounters = await directory.encounters(accountOf(sitting), patient);
      if (encounters.length === 0) return undefined;
      if (transaction.prompt.includes('none')) return back(asked, 'interaction_required');
      return { ask: 'encounter', client, encounters };
    },
    async (asked) => {
      if (!asked.transaction.prompt.includes('none')) return undefined;
      return (await wasGranted(asked))
        ? { ask: 'nothing', location: (await decide(asked.id, asked.sitting, offerOf(asked))) ?? '' }
        : back(asked, 'consent_required');
    },
  ];

  async function next(id: string, sitting: Sitting, name?: string): Promise<Page | undefined> {
    const asked = await load(id, sitting, name);
    if (asked === undefined) return undefined;
    for (const step of steps) {
      const page = await step(asked);
      if (page !== undefined) return page;
    }
    const account = accountOf(sitting);
    const context = contextOf(asked);
    const patient =
      context.patient === undefined ? undefined : await directory.find(account, `Patient/${context.patient}`);
    return {
      ask: 'consent',
      client: asked.client,
      account,
      scopes: offerOf(asked),
      launched: asked.handle !== undefined,
      ...(patient === undefined ? {} : { patient }),
    };
  }

  async function pick(id: string, sitting: Sitting, picked: { patient?: string; encounter?: string | null }) {
    const asked = await load(id, sitting);
    if (asked === undefined || sitting.account === undefined || isOther(asked)) return false;
    const { patient, encounter } = picked;
    // Whatever a form says: only what this user can see.
    if (patient !== undefined && (await directory.find(sitting.account, `Patient/${patient}`)) === undefined)
      return false;
    const about = patient ?? contextOf(asked).patient ?? '';
    if (typeof encounter === 'string' && !(await directory.isEncounterOf(sitting.account, encounter, about)))
      return false;
    await oauth.update(id, { ...asked.transaction, ...picked });
    return true;
  }

  async function decide(id: string, sitting: Sitting, chosen: Scopes | 'deny'): Promise<string | undefined> {
    const asked = await load(id, sitting);
    if (asked === undefined || sitting.account === undefined || isOther(asked) || !isFresh(asked)) return undefined;
    const { client, transaction } = asked;
    // From here on the request is used up, and so is the launch.
    if ((await oauth.take(id)) === undefined) return undefined;
    const handle = transaction.launch === undefined ? undefined : await launches.use(transaction.launch);
    const lost = transaction.launch !== undefined && handle === undefined;
    const scopes = chosen === 'deny' ? undefined : chosenOf(offerOf(asked), chosen);
    if (lost || scopes === undefined || scopes.others.length + scopes.resources.length === 0) {
      return oauth.decide(transaction, client, { allow: false });
    }
    return oauth.decide(transaction, client, decisionOf(asked, scopes));
  }

  function decisionOf(asked: Asked, scopes: Scopes): Decision {
    const { client, sitting, transaction } = asked;
    const account = accountOf(sitting);
    const context = contextOf(asked);
    const grant: Omit<GrantRecord, 'id' | 'at'> = {
      client: client.id,
      clientName: client.name,
      role: account.role,
      organization: account.organization,
      name: account.username,
      user: account.id,
      ...(account.fhirUser === undefined ? {} : { fhirUser: account.fhirUser }),
      scope: printScopes(scopes),
      context: told(context, scopes),
      authTime: Math.floor(sitting.signedInAt / 1000),
      ...(transaction.nonce === undefined ? {} : { nonce: transaction.nonce }),
      ...accessOf(client, scopes, sitting),
      audience: base,
    };
    return { allow: true, grant, context };
  }

  /** Online access ends with the session; offline access does not. */
  function accessOf(client: Client, { others }: Scopes, { session }: Sitting): Pick<GrantRecord, 'access' | 'session'> {
    const may = client.grantTypes.includes('refresh_token');
    if (may && others.includes('offline_access')) return { access: 'offline' };
    return may && others.includes('online_access') ? { access: 'online', session } : { access: 'once' };
  }

  /** The app is told without anybody being asked; what it asked is used up by that. */
  async function back({ id, transaction }: Asked, error: string): Promise<Page> {
    await oauth.take(id);
    return { ask: 'nothing', location: oauth.refuse(transaction, error) };
  }

  /** Since the request was made when it asks for that; or not too long ago for it. (OpenID Connect Core 3.1.2.1) */
  function isFresh({ sitting: { signedInAt }, transaction: { at, maxAge, prompt } }: Asked): boolean {
    const again = prompt.includes('login') || prompt.includes('select_account');
    if (again && signedInAt < at) return false;
    return maxAge === undefined || signedInAt >= at || clock.now() - signedInAt <= maxAge * 1000;
  }

  /** A launch is for one user: nobody else opens that patient by it. */
  const isOther = ({ handle, sitting: { account } }: Asked): boolean =>
    handle !== undefined && account !== undefined && handle.user !== account.id;

  function offerOf(asked: Asked): Scopes {
    const context = contextOf(asked);
    return ofUser(parseScopes(asked.transaction.scope), accountOf(asked.sitting), {
      patient: context.patient !== undefined,
      encounter: context.encounter !== undefined,
    });
  }

  /** A grant that stands allows this client as much already. */
  async function wasGranted(asked: Asked): Promise<boolean> {
    const account = accountOf(asked.sitting);
    const wanted = printScopes(offerOf(asked));
    const granted = await grants.ofUser(account.id);
    const { patient } = contextOf(asked);
    return granted.some(
      (grant) => grant.client === asked.client.id && grant.scope === wanted && grant.context.patient === patient,
    );
  }

  return { next, pick, decide };
}

function accountOf({ account }: Sitting): Account {
  if (account === undefined) throw new Error('nobody has signed in');
  return account;
}

/** From the launch, from what was picked, or because there is only one. */
function contextOf({ handle, sitting: { account }, transaction }: Asked): LaunchContext {
  const own = account === undefined ? undefined : ownPatients(account);
  const patient = handle?.context.patient ?? transaction.patient ?? (own?.length === 1 ? own[0] : undefined);
  const encounter = handle?.context.encounter ?? transaction.encounter ?? undefined;
  return {
    ...handle?.context,
    ...(patient === undefined ? {} : { patient }),
    ...(encounter === undefined ? {} : { encounter }),
  };
}

/** The app hears of a patient or an encounter only when the user left it a scope that says so. */
function told(context: LaunchContext, { others, resources }: Scopes): LaunchContext {
  const launched = others.includes('launch');
  const patient =
    launched || others.includes('launch/patient') || resources.some((scope) => scope.context === 'patient');
  const { encounter, patient: id, ...rest } = context;
  return {
    ...(launched ? rest : {}),
    ...(patient && id !== undefined ? { patient: id } : {}),
    ...((launched || others.includes('launch/encounter')) && encounter !== undefined ? { encounter } : {}),
  };
}
