/** What programs ask of the authorization server: tokens, what they mean, to take them away; to register, to launch. */
import type { Request, Response } from 'express';
import type { Auth } from '../../auth/index.js';
import type { Client } from '../../auth/clients.js';
import { OAuthFailure } from '../../auth/failure.js';
import { introspect } from '../../auth/introspect.js';
import { mint } from '../../auth/mint.js';
import { register } from '../../auth/registration.js';
import { revoke } from '../../auth/revoke.js';
import type { Form } from '../../auth/form.js';
import { learn, whoOfClient, whoOfGrant } from './audited.js';
import { sendJson, type Handler, type Wire } from './wire.js';

export interface Programs {
  token: Handler;
  introspect: Handler;
  revoke: Handler;
  register: Handler;
  launch: Handler;
}

export function createPrograms(auth: Auth, wire: Wire): Programs {
  const { accounts, clients, clientOf, directory, grants, ground, launches, oauth, registrationToken, styleUrl } = auth;

  const read = async (request: Request): Promise<Form> => {
    // A token or a secret in a URL is in somebody's log by now. (RFC 6749 2.3.1, 3.2)
    if (request.originalUrl.includes('?'))
      throw new OAuthFailure('invalid_request', 'Parameters go into the body, not into the URL.');
    return (await wire.form(request)).refuseOdd();
  };

  async function token(request: Request, response: Response): Promise<void> {
    const form = await read(request);
    learn(response, { detail: { grant_type: shownType(form) } });
    const client = await clientOf(form, request.headers.authorization);
    learn(response, { who: whoOfClient(client) });
    const answer = await oauth.token(form, client);
    const granted = await grants.access(answer.access_token);
    if (granted !== undefined) learn(response, { who: whoOfGrant(granted.grant), detail: { scope: answer.scope } });
    await sendJson(response, 200, answer);
  }

  async function introspection(request: Request, response: Response): Promise<void> {
    const form = await read(request);
    const caller = await confidential(form, request.headers.authorization);
    learn(response, { who: whoOfClient(caller) });
    await sendJson(response, 200, await introspect(caller, form, { ground, grants, styleUrl }));
  }

  /** By credentials of its own, or by a token that it was given for them. */
  async function confidential(form: Form, authorization: string | undefined): Promise<Client> {
    const [, bearer] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    const client = bearer === undefined ? await clientOf(form, authorization) : await ofToken(bearer);
    if (client.authentication === 'none') {
      throw new OAuthFailure('invalid_client', 'A public client cannot ask this: anybody could be it.');
    }
    return client;
  }

  async function ofToken(bearer: string): Promise<Client> {
    const found = await grants.access(bearer);
    const client = found === undefined ? undefined : await clients.find(found.grant.client);
    // The token of a user of an app is no proof of being the app's server.
    if (found?.grant.user !== undefined || client === undefined) {
      throw new OAuthFailure('invalid_token', 'The bearer token is not one of a client itself.', {
        'WWW-Authenticate': 'Bearer realm="auth", error="invalid_token"',
      });
    }
    return client;
  }

  async function revocation(request: Request, response: Response): Promise<void> {
    const form = await read(request);
    const client = await clientOf(form, request.headers.authorization);
    learn(response, { who: whoOfClient(client) });
    const token = form.get('token') ?? '';
    const grant = (await grants.refresh(token)) ?? (await grants.access(token))?.grant;
    if (grant?.client === client.id) learn(response, { who: whoOfGrant(grant) });
    await revoke(client, form, grants);
    await sendJson(response, 200, {});
  }

  async function registration(request: Request, response: Response): Promise<void> {
    const registered = await register(request.headers.authorization, await wire.json(request), {
      clients,
      token: registrationToken,
      organization: '',
    });
    // Who was let in is told of whatever else came from there in this minute.
    const id = String(registered.client_id);
    learn(response, { who: whoOfClient({ id, organization: '' }), detail: { client_id: id } });
    await sendJson(response, 201, registered);
  }

  async function launch(request: Request, response: Response): Promise<void> {
    const form = await read(request);
    const ehr = await confidential(form, request.headers.authorization);
    const patient = form.get('patient')?.replace(/^Patient\//, '');
    learn(response, { who: whoOfClient(ehr), detail: { app: form.get('app')?.slice(0, 100) ?? '' } });
    if (patient !== undefined) learn(response, { of: [[patient, ehr.organization]] });
    await sendJson(response, 201, await mint(ehr, form, { accounts, clients, directory, launches, base: ground.base }));
  }

  return {
    token: wire.forPrograms(token),
    introspect: wire.forPrograms(introspection),
    revoke: wire.forPrograms(revocation),
    register: wire.forPrograms(registration),
    launch: wire.forPrograms(launch),
  };
}

/** What a client may have typed into it besides is not told. */
const shownType = (form: Form): string =>
  /^[a-z_]{1,40}$/.test(form.get('grant_type') ?? '') ? (form.get('grant_type') ?? '') : 'none';
