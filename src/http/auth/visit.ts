/** The visits of a person: from the authorization request of an app, past sign-in and questions, back to the app. */
import type { Request, Response } from 'express';
import { parseScopes } from '../../access/scopes.js';
import type { Auth } from '../../auth/index.js';
import { asError, OAuthFailure } from '../../auth/failure.js';
import { Form } from '../../auth/form.js';
import type { Page, Sitting } from '../../auth/interaction.js';
import { readRequest, ToldFailure } from '../../auth/request.js';
import { digest, isSame } from '../../auth/secrets.js';
import type { SignInRequest } from '../../auth/strategies.js';
import type { Account } from '../../auth/accounts.js';
import { unguessableToken } from '../../kit/id.js';
import type { refusals } from './pages.js';
import {
  consentPage,
  encounterPage,
  grantsPage,
  patientPage,
  signedOutPage,
  signInPage,
  type Carried,
} from './pages.js';
import { learn, whoOfAccount } from './audited.js';
import { placeOf, sendOn, sendPage, type Handler, type Wire } from './wire.js';

/** TABLE: method and path below /auth -> what is done. */
export interface Visits {
  authorize: Handler;
  continue: Handler;
  signIn: Handler;
  signOut: Handler;
  upstream: Handler;
  upstreamBack: Handler;
  pick: Handler;
  decide: Handler;
  grants: Handler;
  endGrant: Handler;
}

export function createVisits(auth: Auth, wire: Wire): Visits {
  const { clients, grants, ground, interaction, oauth, signIn, upstream } = auth;

  /** By GET or by POST: the same. (SMART req. 48, 49) */
  async function authorize(request: Request, response: Response): Promise<void> {
    const form = request.method === 'POST' ? await wire.form(request) : new Form(queryOf(request));
    try {
      const id = await oauth.begin(await readRequest(form, auth.request));
      await sendOn(response, `continue?transaction=${id}`);
    } catch (error) {
      if (!(error instanceof ToldFailure)) throw error;
      const { failure, redirectUri, state } = error;
      await sendOn(response, oauth.refuse({ redirectUri, state }, failure.code, failure.description));
    }
  }

  async function goOn(request: Request, response: Response): Promise<void> {
    const query = new Form(queryOf(request)).refuseOdd();
    await show(request, response, query.get('transaction') ?? '', query.get('name') ?? '');
  }

  async function show(request: Request, response: Response, transaction: string, name = ''): Promise<void> {
    const page = await interaction.next(transaction, sittingOf(request), name.slice(0, 100));
    if (page === undefined) throw gone();
    learnPage(request, response, page);
    const carried = { csrf: csrfOf(request), transaction };
    const waiting = await oauth.find(transaction);
    const goesTo = waiting === undefined ? [] : [placeOf(waiting.redirectUri)];
    if (page.ask === 'nothing') await sendOn(response, page.location);
    else await sendPage(response, print(page, carried, name), 200, [...goesTo, ...upstreamPlace()]);
  }

  /** Who sits there, and which patients they are shown. */
  function learnPage(request: Request, response: Response, page: Page): void {
    const { account } = sittingOf(request);
    if (account === undefined) return;
    const patients = page.ask === 'patient' ? page.patients : page.ask === 'consent' ? [page.patient] : [];
    const of = patients.flatMap((one): [string, string][] =>
      one === undefined ? [] : [[one.id, account.organization]],
    );
    learn(response, { who: whoOfAccount(account), of });
  }

  function print(page: Exclude<Page, { ask: 'nothing' }>, carried: Carried, name: string): string {
    switch (page.ask) {
      case 'sign-in':
        return signInPage(page.client.name, carried, { ...named(), wrongUser: page.wrongUser });
      case 'patient':
        return patientPage(page, carried, name);
      case 'encounter':
        return encounterPage(page, carried);
      case 'consent':
        return consentPage(page, carried);
    }
  }

  const named = () => (upstream === undefined ? {} : { upstream: upstream.name });
  const upstreamPlace = () => (upstream === undefined ? [] : [upstream.place]);

  /** A form of ours, of this browser: what another site makes a browser send lacks the session's word. */
  async function formOf(request: Request): Promise<Form> {
    const site = request.headers['sec-fetch-site'];
    const form = (await wire.form(request)).refuseOdd();
    const { csrf } = request.session;
    const own = csrf !== undefined && isSame(form.get('csrf') ?? '', csrf);
    if (!own || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
      throw new OAuthFailure('access_denied', 'This form is too old, or not one of ours. Go back and begin again.');
    }
    return form;
  }

  async function signInByPassword(request: Request, response: Response): Promise<void> {
    const form = await formOf(request);
    const transaction = form.get('transaction') ?? '';
    const found = await signIn.by('password', Object.assign(request as unknown as SignInRequest, { form }));
    if (typeof found !== 'string') {
      learn(response, { who: whoOfAccount(found) });
      await begin(request, found);
      await sendOn(response, transaction === '' ? 'grants' : `continue?transaction=${transaction}`);
      return;
    }
    // Whose password was tried in vain is told to their organization; a name that nobody has may be a password.
    const tried = await auth.accounts.byUsername(form.get('username') ?? '');
    if (tried !== undefined)
      learn(response, { of: [['', tried.organization]], detail: { account: tried.username, refusal: found } });
    await again(request, response, transaction, found);
  }

  async function again(
    request: Request,
    response: Response,
    transaction: string,
    refusal: keyof typeof refusals,
  ): Promise<void> {
    const waiting = await oauth.find(transaction);
    const client = waiting === undefined ? undefined : await clients.find(waiting.client);
    const text = signInPage(client?.name, { csrf: csrfOf(request), transaction }, { ...named(), refusal });
    const goesTo = waiting === undefined ? [] : [placeOf(waiting.redirectUri)];
    await sendPage(response, text, statuses[refusal], [...goesTo, ...upstreamPlace()]);
  }

  /** A new session: whoever knew the id of the old one has nothing of it. */
  async function begin(request: Request, account: Account): Promise<void> {
    await signIn.start(request, account);
    request.session.signedInAt = ground.clock.now();
  }

  async function toUpstream(request: Request, response: Response): Promise<void> {
    const form = await formOf(request);
    if (upstream === undefined) throw new OAuthFailure('invalid_request', 'There is no other server to sign in at.');
    const { location, state } = await upstream.begin(form.get('transaction') ?? '');
    request.session.upstream = state;
    await sendOn(response, location);
  }

  async function fromUpstream(request: Request, response: Response): Promise<void> {
    const state = new Form(queryOf(request)).refuseOdd().get('state') ?? '';
    const found = await signIn.by('upstream', request);
    const transaction = (await upstream?.transactionOf(state)) ?? '';
    if (typeof found === 'string') {
      await again(request, response, transaction, 'upstream');
      return;
    }
    learn(response, { who: whoOfAccount(found) });
    await begin(request, found);
    await sendOn(response, transaction === '' ? '../grants' : `../continue?transaction=${transaction}`);
  }

  async function pick(request: Request, response: Response): Promise<void> {
    const form = await formOf(request);
    const [transaction, patient, encounter] = [
      form.get('transaction') ?? '',
      form.get('patient'),
      form.get('encounter'),
    ];
    const picked = {
      ...(patient === undefined ? {} : { patient }),
      ...(encounter === undefined ? {} : { encounter: encounter === 'none' ? null : encounter }),
    };
    if (!(await interaction.pick(transaction, sittingOf(request), picked))) throw gone();
    const { account } = sittingOf(request);
    if (account !== undefined) learn(response, { who: whoOfAccount(account) });
    if (account !== undefined && patient !== undefined) learn(response, { of: [[patient, account.organization]] });
    await sendOn(response, `continue?transaction=${transaction}`);
  }

  async function decide(request: Request, response: Response): Promise<void> {
    const form = await formOf(request);
    const chosen = form.get('decision') === 'allow' ? chosenIn(form) : 'deny';
    const { account } = sittingOf(request);
    const waiting = await oauth.find(form.get('transaction') ?? '');
    if (account !== undefined && waiting !== undefined) {
      const { client, patient } = waiting;
      learn(response, {
        who: { ...whoOfAccount(account), client },
        detail: { decision: chosen === 'deny' ? 'deny' : 'allow' },
        ...(patient === undefined ? {} : { of: [[patient, account.organization]] }),
      });
    }
    const location = await interaction.decide(form.get('transaction') ?? '', sittingOf(request), chosen);
    if (location === undefined) throw gone();
    await sendOn(response, location);
  }

  async function listGrants(request: Request, response: Response): Promise<void> {
    const { account } = sittingOf(request);
    const csrf = csrfOf(request);
    if (account !== undefined) learn(response, { who: whoOfAccount(account) });
    if (account === undefined)
      await sendPage(response, signInPage(undefined, { csrf, transaction: '' }, named()), 200, upstreamPlace());
    else await sendPage(response, grantsPage(await grants.ofUser(account.id), csrf, account.name));
  }

  async function endGrant(request: Request, response: Response): Promise<void> {
    const form = await formOf(request);
    const { account } = sittingOf(request);
    const grant = await grants.find(form.get('grant') ?? '');
    if (account !== undefined) learn(response, { who: whoOfAccount(account) });
    // Another user's is as unknown as any other.
    if (grant !== undefined && account !== undefined && grant.user === account.id) await grants.end(grant.id);
    await sendOn(response, 'grants');
  }

  async function signOut(request: Request, response: Response): Promise<void> {
    await formOf(request);
    const { account } = sittingOf(request);
    if (account !== undefined) learn(response, { who: whoOfAccount(account) });
    await new Promise<void>((resolve, reject) => {
      request.session.destroy((error: unknown) =>
        error === undefined || error === null ? resolve() : reject(asError(error)),
      );
    });
    await sendPage(response, signedOutPage());
  }

  function sittingOf(request: Request): Sitting {
    const { user } = request as unknown as SignInRequest;
    return {
      ...(user === undefined ? {} : { account: user as Account }),
      signedInAt: request.session.signedInAt ?? 0,
      session: digest(request.sessionID),
    };
  }

  const visits = {
    authorize,
    continue: goOn,
    signIn: signInByPassword,
    signOut,
    upstream: toUpstream,
    upstreamBack: fromUpstream,
    pick,
    decide,
    grants: listGrants,
    endGrant,
  };
  return Object.fromEntries(
    Object.entries(visits).map(([name, handler]) => [name, wire.forPeople(handler)]),
  ) as unknown as Visits;
}

/** TABLE: why nobody was signed in -> status. */
const statuses: Record<keyof typeof refusals, number> = { wrong: 401, upstream: 401, locked: 429, busy: 503 };

/** What the user left checked; a box narrower than its scope takes that one's place. */
function chosenIn(form: Form) {
  const scopes = form.names('scope.').flatMap((name) => {
    const narrower = form.names(`only.${name.slice('scope.'.length)}.`).map((one) => form.get(one) ?? '');
    return narrower.length > 0 ? narrower : [form.get(name) ?? ''];
  });
  return parseScopes(scopes.join(' '));
}

const csrfOf = (request: Request): string => (request.session.csrf ??= unguessableToken());

const gone = () =>
  new OAuthFailure(
    'invalid_request',
    'This sign-in is no longer open: it took too long, was decided already, or was for somebody else.',
  );

export const queryOf = ({ originalUrl }: Request): string => {
  const mark = originalUrl.indexOf('?');
  return mark === -1 ? '' : originalUrl.slice(mark + 1);
};
