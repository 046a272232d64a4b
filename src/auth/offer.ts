/** Which scopes there are, and which of those that were asked for a user can be offered to give. */
import { intersect, type Scopes } from '../access/scopes.js';
import type { Account } from './accounts.js';
import { allowedTo, type Client } from './clients.js';

/** What a client may ask for; smaller scopes of the same kind as well. (`scopes_supported`) */
export const scopesSupported = [
  'openid',
  'fhirUser',
  'launch',
  'launch/patient',
  'launch/encounter',
  'offline_access',
  'online_access',
  'patient/*.cruds',
  'patient/*.rs',
  'patient/*.read',
  'user/*.cruds',
  'user/*.rs',
  'user/*.read',
  'system/*.cruds',
  'system/*.rs',
  'system/*.read',
] as const;

const CONTEXTLESS: ReadonlySet<string> = new Set(scopesSupported.filter((scope) => !scope.includes('.')));

/** What a user-facing app gets at most: never system scopes, and nothing that this server does not know. */
export const ofApp = (client: Client, asked: Scopes): Scopes => {
  const { others, refused, resources } = allowedTo(client, asked);
  return {
    others: others.filter((scope) => CONTEXTLESS.has(scope)),
    resources: resources.filter(({ context }) => context !== 'system'),
    refused,
  };
};

/** What a backend service gets at most: system scopes alone. */
export const ofBackend = (client: Client, asked: Scopes): Scopes => {
  const { refused, resources } = allowedTo(client, asked);
  return { others: [], resources: resources.filter(({ context }) => context === 'system'), refused };
};

/** What this user can give of it. Whether they may see a resource is asked anew with every request. */
export function ofUser(
  scopes: Scopes,
  { fhirUser }: Account,
  context: { patient: boolean; encounter: boolean },
): Scopes {
  const needs: Record<string, boolean> = {
    // Who is nobody in FHIR has no fhirUser to tell.
    fhirUser: fhirUser !== undefined,
    'launch/patient': context.patient,
    'launch/encounter': context.encounter,
  };
  return {
    ...scopes,
    others: scopes.others.filter((scope) => needs[scope] ?? true),
    // A patient's scope means the patient in context; without one it would mean nothing, or everybody.
    resources: scopes.resources.filter((scope) => scope.context !== 'patient' || context.patient),
  };
}

/** What the user left of it: some scopes whole, some narrowed to categories. */
export const chosenOf = (offered: Scopes, chosen: Scopes): Scopes => intersect(chosen, offered);

export const asksForPatient = ({ others, resources }: Scopes): boolean =>
  others.includes('launch/patient') || resources.some(({ context }) => context === 'patient');

/** TABLE: type -> categories to which a user may narrow a scope of all of it (US Core: Condition and Observation). */
export const categories: Record<string, { system: string; codes: string[] }> = {
  Observation: {
    system: 'http://terminology.hl7.org/CodeSystem/observation-category',
    codes: ['laboratory', 'vital-signs', 'survey', 'social-history', 'imaging', 'exam'],
  },
  Condition: {
    system: 'http://terminology.hl7.org/CodeSystem/condition-category',
    codes: ['problem-list-item', 'encounter-diagnosis'],
  },
};
