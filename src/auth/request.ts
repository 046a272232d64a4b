/**
 * An authorization request, checked step by step before anybody is asked anything. Until it is known where the answer may
 * go, a wrong one ends in a page; after that the app is told at its redirect URI. (RFC 6749 4.1.2.1, SMART app-launch.html)
 */
import { parseScopes, printScopes, type Scopes } from '../access/scopes.js';
import { limits } from '../kit/limits.js';
import { isRegistered, type Client, type Clients } from './clients.js';
import { OAuthFailure, type OAuthCode } from './failure.js';
import type { Form } from './form.js';
import type { Launches } from './launch.js';
import { asksForPatient, ofApp } from './offer.js';

export interface AuthorizationRequest {
  client: Client;
  redirectUri: string;
  state: string;
  /** What the client may ask for, of what it asked. */
  scopes: Scopes;
  challenge: string;
  nonce?: string;
  prompt: readonly string[];
  /** Seconds. */
  maxAge?: number;
  launch?: string;
}

/** Wrong in a way of which the app may be told. */
export class ToldFailure extends Error {
  constructor(
    readonly redirectUri: string,
    readonly state: string | undefined,
    readonly failure: OAuthFailure,
  ) {
    super(failure.message);
  }
}

export interface RequestParts {
  clients: Clients;
  launches: Launches;
  types: ReadonlySet<string>;
  base: string;
}

interface Asked {
  form: Form;
  client: Client;
  scopes: Scopes;
  parts: RequestParts;
}

/** TABLE: step -> what is wrong, if anything; in this order. */
const steps: Record<string, (asked: Asked) => Promise<OAuthFailure | undefined> | OAuthFailure | undefined> = {
  repeated: ({ form }) =>
    form.repeated.length > 0 ? wrong(`${shown(form.repeated[0])} comes more than once.`) : undefined,
  length: ({ form }) => {
    const long = form.names('').find((name) => (form.get(name)?.length ?? 0) > limits.oauthCharacters);
    return long === undefined ? undefined : wrong(`${shown(long)} has more than ${limits.oauthCharacters} characters.`);
  },
  client: ({ client }) =>
    client.grantTypes.includes('authorization_code')
      ? undefined
      : wrong('This client is no app that people use.', 'unauthorized_client'),
  requestObject: ({ form }) => {
    if (form.has('request')) return wrong('Request objects are not supported.', 'request_not_supported');
    return form.has('request_uri') ? wrong('request_uri is not supported.', 'request_uri_not_supported') : undefined;
  },
  responseType: ({ form }) => {
    const type = form.get('response_type');
    if (type === undefined) return wrong('response_type is missing; code is the only one.');
    return type === 'code' ? undefined : wrong('response_type: code is the only one.', 'unsupported_response_type');
  },
  responseMode: ({ form }) =>
    ['query', undefined].includes(form.get('response_mode'))
      ? undefined
      : wrong('response_mode: query is the only one.'),
  // Without it an app cannot tell its own answer from one that somebody else made it receive.
  state: ({ form }) => (form.has('state') ? undefined : wrong('state is missing.')),
  pkce: ({ form }) => {
    if (!form.has('code_challenge')) return wrong('code_challenge is missing: every client uses PKCE.');
    // RFC 7636 4.3 takes a missing method for plain, which SMART forbids.
    if (form.get('code_challenge_method') !== 'S256') return wrong('code_challenge_method: S256 is the only one.');
    return /^[A-Za-z0-9_-]{43}$/.test(form.get('code_challenge') ?? '')
      ? undefined
      : wrong('code_challenge is not a SHA-256 in base64url (43 characters).');
  },
  audience: ({ form, parts }) => {
    const aud = form.get('aud') ?? form.get('resource');
    if (aud === undefined) return wrong(`aud is missing: the FHIR base, ${parts.base}.`);
    return aud.replace(/\/$/, '') === parts.base ? undefined : wrong(`aud is not this server's FHIR base.`);
  },
  scope: ({ form, scopes }) => {
    if (!form.has('scope')) return wrong('scope is missing.', 'invalid_scope');
    if (tooMany(form.get('scope'))) return wrong(`More than ${limits.scopes} scopes.`, 'invalid_scope');
    const { others, resources } = scopes;
    return others.length + resources.length > 0
      ? undefined
      : wrong('Of these scopes the client may be granted none.', 'invalid_scope');
  },
  prompt: ({ form }) => {
    const prompts = wordsOf(form.get('prompt'));
    const known = prompts.every((one) => ['none', 'login', 'consent', 'select_account'].includes(one));
    return known && !(prompts.includes('none') && prompts.length > 1)
      ? undefined
      : wrong('prompt: login, consent, select_account, or none alone.');
  },
  maxAge: ({ form }) =>
    /^[0-9]{1,9}$/.test(form.get('max_age') ?? '0') ? undefined : wrong('max_age is not a number of seconds.'),
  launch: async ({ form, client, scopes, parts }) => {
    const launch = form.get('launch');
    if (launch === undefined) {
      return scopes.others.includes('launch') && !asksForPatient(scopes) && !scopes.others.includes('launch/encounter')
        ? wrong('scope has launch, but there is no launch parameter: was the app launched from an EHR?')
        : undefined;
    }
    const handle = await parts.launches.find(launch);
    // Another client's handle is as unknown as any other: nothing is told of it.
    return handle?.client === client.id ? undefined : wrong('launch is unknown, has been used, or has expired.');
  },
};

/** Throws an OAuthFailure for a page, or a ToldFailure for the app. */
export async function readRequest(form: Form, parts: RequestParts): Promise<AuthorizationRequest> {
  const client = await clientOf(form, parts.clients);
  const redirectUri = redirectOf(form, client);
  const state = form.repeated.includes('state') ? undefined : form.get('state');
  const said = form.get('scope') ?? '';
  // Too many are refused below, and not weighed before.
  const asked = parseScopes(tooMany(said) ? '' : said, parts.types);
  const scopes = withPatient(ofApp(client, asked), client, form.has('launch'));
  for (const step of Object.values(steps)) {
    const failed = await step({ form, client, scopes, parts });
    if (failed !== undefined) throw new ToldFailure(redirectUri, state, failed);
  }
  const [nonce, maxAge, launch] = [form.get('nonce'), form.get('max_age'), form.get('launch')];
  return {
    client,
    redirectUri,
    state: state ?? '',
    scopes,
    challenge: form.get('code_challenge') ?? '',
    prompt: wordsOf(form.get('prompt')),
    ...(nonce === undefined ? {} : { nonce }),
    ...(maxAge === undefined ? {} : { maxAge: Number(maxAge) }),
    ...(launch === undefined ? {} : { launch }),
  };
}

async function clientOf(form: Form, clients: Clients): Promise<Client> {
  if (form.repeated.includes('client_id')) throw wrong('client_id comes more than once.');
  const id = form.get('client_id');
  if (id === undefined) throw wrong('client_id is missing.');
  const client = id.length > 100 ? undefined : await clients.find(id);
  if (client === undefined) throw wrong('No app is registered under this client_id.');
  return client;
}

/** A code is sent nowhere but where the app was registered: in doubt there is a page, and no redirect. */
function redirectOf(form: Form, client: Client): string {
  if (form.repeated.includes('redirect_uri')) throw wrong('redirect_uri comes more than once.');
  const uri = form.get('redirect_uri');
  if (uri === undefined) throw wrong('redirect_uri is missing.');
  if (!isRegistered(client, uri)) throw wrong('redirect_uri is not one that the app was registered with.');
  return uri;
}

/** `patient/` scopes of an app that was not launched from an EHR need a patient to be picked. (scopes req. 164, 165) */
function withPatient(scopes: Scopes, client: Client, launched: boolean): Scopes {
  const needs = scopes.resources.some(({ context }) => context === 'patient') && !launched;
  if (!needs || scopes.others.includes('launch/patient')) return scopes;
  return client.scope.length === 0 ? scopes : { ...scopes, others: [...scopes.others, 'launch/patient'] };
}

const tooMany = (scope: string | undefined): boolean => wordsOf(scope).length > limits.scopes;
const wordsOf = (text: string | undefined): string[] => (text ?? '').split(' ').filter((word) => word !== '');
const wrong = (why: string, code: OAuthCode = 'invalid_request'): OAuthFailure => new OAuthFailure(code, why);
const shown = (name: string | undefined): string => (name ?? '').slice(0, 60);

/** As it stands in a transaction's record. */
export const printedScope = (scopes: Scopes): string => printScopes(scopes);
