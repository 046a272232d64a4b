/**
 * The other side of SMART: another EHR launches a page of ours. Only EHRs that the operator named are asked anything, and
 * the answer counts only in the browser that was sent away. (SMART App Launch 2.2 app-launch.html, as a client)
 */
import { createHash } from 'node:crypto';
import * as openid from 'openid-client';
import type { Clock } from '../kit/clock.js';
import { unguessableToken } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Vault } from '../store/port.js';
import { OAuthFailure } from './failure.js';
import { parseLocal } from './local.js';
import { createOutbound } from './outbound.js';
import { createRecords } from './records.js';
import { digest } from './secrets.js';

/** An EHR that may launch us. */
export interface Ehr {
  /** Its FHIR base, as it sends it. */
  iss: string;
  /** What we are called there. */
  clientId: string;
  clientSecret?: string;
}

/** What is shown of what was launched. */
export interface Guest {
  iss: string;
  patient: string | undefined;
  user: string | undefined;
  /** The referral and its task. */
  references: string[];
}

export interface Guests {
  add(ehr: Ehr): Promise<void>;
  remove(iss: string): Promise<boolean>;
  list(): Promise<Ehr[]>;
  /** Where the browser goes. Throws for an EHR that nobody named. */
  begin(iss: string, launch: string | undefined): Promise<{ location: string; state: string }>;
  /** @param expected the state that this browser's session keeps */
  finish(url: URL, expected: string): Promise<Guest>;
}

interface Question {
  iss: string;
  verifier: string;
}

const SCOPE = 'launch openid fhirUser patient/*.rs';

export function createGuests(vault: Vault, clock: Clock, redirectUri: string): Guests {
  const ehrs = createRecords<Ehr>(vault, 'ehr');
  const questions = createRecords<Question>(vault, 'launched');
  const plain = (iss: string) => iss.replace(/\/+$/, '');

  async function configurationOf(iss: string): Promise<openid.Configuration> {
    const ehr = await ehrs.get(digest(plain(iss)));
    if (ehr === undefined)
      throw new OAuthFailure('access_denied', 'This EHR is not one from which we may be launched.');
    // The operator named it: it may stand in a private network, but nothing else may for that.
    const said = await smartConfigurationOf(ehr.iss);
    const metadata = { ...said, issuer: typeof said.issuer === 'string' ? said.issuer : ehr.iss };
    const configuration = new openid.Configuration(metadata, ehr.clientId, ehr.clientSecret);
    configuration.timeout = limits.jwksMs / 1000;
    if (ehr.iss.startsWith('http:')) insecurely(configuration);
    return configuration;
  }

  return {
    add: (ehr) => ehrs.put(digest(plain(ehr.iss)), { ...ehr, iss: plain(ehr.iss) }),
    remove: async (iss) => (await ehrs.take(digest(plain(iss)))) !== undefined,
    list: async () => (await ehrs.list('', limits.clients)).map(({ value }) => value),
    async begin(iss, launch) {
      const configuration = await configurationOf(iss);
      const [state, verifier] = [unguessableToken(), unguessableToken()];
      await questions.put(digest(state), { iss: plain(iss), verifier }, clock.now() + limits.signInMs);
      const location = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: launch === undefined ? SCOPE.replace('launch', 'launch/patient') : SCOPE,
        ...(launch === undefined ? {} : { launch }),
        aud: plain(iss),
        state,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      return { location: location.href, state };
    },
    async finish(url, expected) {
      const question = await questions.take(digest(expected));
      if (question === undefined) throw new OAuthFailure('access_denied', 'Nothing was asked that this would answer.');
      const { iss, verifier } = question;
      const configuration = await configurationOf(iss);
      const back = new URL(redirectUri);
      back.search = url.search;
      const checks = { pkceCodeVerifier: verifier, expectedState: expected };
      const tokens = await openid.authorizationCodeGrant(configuration, back, checks).catch((error: unknown) => {
        throw new OAuthFailure('access_denied', `The EHR did not let us in: ${told(error)}`);
      });
      const patient =
        typeof tokens.patient === 'string'
          ? await nameOf(configuration, iss, tokens.access_token, tokens.patient)
          : undefined;
      const { fhirUser } = (tokens.claims() ?? {}) as { fhirUser?: unknown };
      return {
        iss,
        patient,
        user: typeof fhirUser === 'string' ? fhirUser : undefined,
        references: referencesIn(tokens.fhirContext),
      };
    },
  };
}

async function smartConfigurationOf(iss: string): Promise<openid.ServerMetadata> {
  try {
    const { text } = await createOutbound([new URL(iss).host])(`${iss}/.well-known/smart-configuration`);
    return JSON.parse(text) as openid.ServerMetadata;
  } catch (error) {
    throw new OAuthFailure('temporarily_unavailable', `The EHR does not answer as it should: ${told(error)}`);
  }
}

/** Reads the patient there, with the token: the launch is worth something only when that works. */
async function nameOf(
  configuration: openid.Configuration,
  iss: string,
  token: string,
  id: string,
): Promise<string | undefined> {
  if (parseLocal(`Patient/${id}`) === undefined) return undefined;
  const patient = await openid
    .fetchProtectedResource(configuration, token, new URL(`${iss}/Patient/${id}`), 'GET')
    .then(
      async (response) => (await response.json()) as { name?: { text?: string; family?: string; given?: string[] }[] },
    )
    .catch((error: unknown) => {
      throw new OAuthFailure('access_denied', `The EHR does not show the patient: ${told(error)}`);
    });
  const [name] = patient.name ?? [];
  return name?.text ?? [...(name?.given ?? []), name?.family].filter((part) => part !== undefined).join(' ');
}

function referencesIn(context: unknown): string[] {
  const list = Array.isArray(context) ? (context as { reference?: unknown }[]) : [];
  return list.map(({ reference }) => reference).filter((one): one is string => typeof one === 'string');
}

const told = (error: unknown): string => (error instanceof Error ? error.message : 'unknown').slice(0, 200);

/** Marked as deprecated so that nobody uses it by mistake; here the operator named an EHR that has no https. */
const insecurely: (configuration: openid.Configuration) => void = Reflect.get(openid, 'allowInsecureRequests');
