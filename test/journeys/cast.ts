/** Who plays in the consult: each with an app and a token of their own, as the authorization server gives them. */
import { Client } from 'fhir-kit-client';
import { backend, clientOf, getTokens, patientOf, userOf, type SmartServer, type Wanted } from '../support/smart.js';

export interface Actor {
  name: string;
  base: string;
  client: Client;
  /** A request as it is, with the actor's token. */
  fetch(path: string, init?: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }): Promise<Response>;
}

export interface Cast {
  /** The referring EHR: a backend service with a key of its own. */
  ehr: Actor;
  /** Of the hospital that is asked, in a user-facing app, with PKCE. */
  specialist: Actor;
  colleague: Actor;
  /** In an app that was launched standalone, with her own record in context. */
  patient: Actor;
  /** A specialist of a third organization, in the same app. */
  outsider: Actor;
  /** Reads the clinic's audit trail, and nothing else. */
  auditor: Actor;
  /** The specialist's Practitioner, as the network's directory has it. */
  specialistId: string;
  /** The id of the patient whom it is about. */
  patientId: string;
}

const actor = (name: string, base: string, token: string): Actor => ({
  name,
  base,
  client: new Client({ baseUrl: base, bearerToken: token }),
  fetch: (path, { headers, ...init } = {}) =>
    fetch(`${base}/${path}`, { ...init, headers: { ...headers, Authorization: `Bearer ${token}` } }),
});

export async function gather(server: SmartServer): Promise<Cast> {
  const { base } = server;
  const { status, body } = await backend(server, {}, { scope: 'system/*.cruds' });
  if (status !== 200) throw new Error(`The EHR gets no token: ${status} ${JSON.stringify(body)}`);
  const inApp = async (name: string, username: string, wanted: Wanted): Promise<Actor> => {
    const { tokens } = await getTokens(server, { user: username, ...wanted });
    return actor(name, base, tokens.access_token);
  };
  const clinical = { ask: { scope: 'openid fhirUser user/*.cruds' } };
  const portal = clientOf(server, 'portal').client_id;
  return {
    ehr: actor('The referring EHR', base, body.access_token),
    specialist: await inApp('Dr. Sam Specialist', 'specialist', clinical),
    colleague: await inApp('Dr. Kim Colleague', 'colleague', clinical),
    patient: await inApp('Ada Müller', 'ada', {
      ask: { client_id: portal, scope: 'launch/patient openid fhirUser patient/*.rs' },
    }),
    outsider: await inApp(`Dr. Otto Outsider (${userOf(server, 'outsider').organization})`, 'outsider', clinical),
    auditor: await inApp('Pat Privacy', 'auditor', clinical),
    specialistId: userOf(server, 'specialist').fhirUser?.slice('Practitioner/'.length) ?? '',
    patientId: patientOf(server, 'ada'),
  };
}
