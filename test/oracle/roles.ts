/**
 * What a token may do with a type, and with which of its resources: role, scopes and compartment. Like all of the oracle
 * it shares no code with the server's access control and is written from what docs and R4 say, so that what both do
 * wrong in the same way must be wrong twice.
 */
import { CATEGORY_SYSTEM, type Json } from './world.js';

export interface TokenScope {
  context: 'patient' | 'user' | 'system';
  type: string;
  letters: string;
  /** As version 1 of SMART wrote it; `letters` says what it means. */
  word?: 'read' | 'write' | '*';
  /** A granular scope: one code of the type's category. */
  category?: string;
}

export interface Token {
  role:
    'administrator' | 'referrer' | 'specialist' | 'coordinator' | 'system' | 'patient' | 'related-person' | 'auditor';
  organization: string;
  scopes: TokenScope[];
  /** The patient in context, and of a patient's own account. */
  patient?: string;
  /** Who the user is in FHIR: a Practitioner. */
  person?: string;
}

/** What is asked about; what decides about others more often. */
export const TYPES = [
  'Observation', 'Condition', 'Encounter', 'DiagnosticReport', 'DocumentReference', 'Media', 'QuestionnaireResponse',
  'ServiceRequest', 'ServiceRequest', 'Task', 'Task', 'RelatedPerson', 'Consent', 'Communication', 'AllergyIntolerance', 'Provenance',
  'CareTeam', 'Patient', 'Patient', 'Practitioner', 'PractitionerRole', 'Organization', 'HealthcareService', 'Location',
  'Endpoint', 'OrganizationAffiliation', 'Questionnaire', 'Binary', 'Group', 'Person', 'List',
]; // prettier-ignore

/** The account behind a token; a service has none. */
export const userOf = ({ role, organization, person, patient }: Token): string | undefined =>
  role === 'system' ? undefined : `${role} of ${organization}: ${person ?? patient ?? ''}`;

/** R4's compartment of a patient: where a member of each type names the patient. */
const MEMBER: Record<string, (resource: Json) => Json[]> = {
  Observation: ({ subject, performer = [] }) => [subject, ...performer],
  Condition: ({ subject, asserter }) => [subject, asserter],
  Encounter: ({ subject }) => [subject],
  DiagnosticReport: ({ subject }) => [subject],
  DocumentReference: ({ subject, author = [] }) => [subject, ...author],
  Media: ({ subject }) => [subject],
  QuestionnaireResponse: ({ subject, author }) => [subject, author],
  ServiceRequest: ({ subject, performer = [] }) => [subject, ...performer],
  RelatedPerson: ({ patient }) => [patient],
  CareTeam: ({ subject, participant = [] }) => [subject, ...participant.map(({ member }: Json) => member)],
  Consent: ({ patient }) => [patient],
  Communication: ({ subject, sender, recipient = [] }) => [subject, sender, ...recipient],
  AllergyIntolerance: ({ patient, recorder, asserter }) => [patient, recorder, asserter],
  Provenance: ({ target }) => target,
  List: ({ subject, source }) => [subject, source],
};

export const PLACES = new Set([
  'Organization', 'Practitioner', 'PractitionerRole', 'HealthcareService', 'Location', 'Endpoint', 'OrganizationAffiliation',
]); // prettier-ignore
const FORMS = new Set(['Questionnaire']);
/** What is about no patient: it is read by everybody within the organization. */
export const isGeneral = (type: string): boolean => PLACES.has(type) || FORMS.has(type);
const SUBMISSION = new Set([
  'Binary',
  'Communication',
  'DocumentReference',
  'Media',
  'Observation',
  'QuestionnaireResponse',
]);
/** What no patient's scope speaks of. */
const STAFF = new Set(['Task', 'Group', 'Person', 'Subscription']);

export const isPatient = ({ role }: Token): boolean => role === 'patient' || role === 'related-person';

/** Whether all that it may do is within one patient's record. */
export const isBound = (token: Token): boolean =>
  isPatient(token) ||
  token.scopes.every(({ context }) => context === 'patient' || (context === 'user') === (token.role === 'system'));

/** What a role may do with a type, as letters (docs/sharing.md, Roles). */
function roleAllows(role: Token['role'], type: string): string {
  if (role === 'auditor') return isGeneral(type) ? 'rs' : '';
  if (role === 'patient' || role === 'related-person')
    return SUBMISSION.has(type) ? 'crus' : STAFF.has(type) ? '' : 'rs';
  const writes = role === 'administrator' ? 'cruds' : 'crus';
  const leads = role === 'administrator' || role === 'coordinator';
  if (PLACES.has(type)) return leads || role === 'system' ? writes : 'rs';
  if (FORMS.has(type)) return role === 'administrator' || role === 'system' ? writes : 'rs';
  if (type === 'Consent') return leads ? writes : 'rs';
  if (type === 'Group' || type === 'Person') return leads || role === 'system' ? writes : 'rs';
  return 'cruds';
}

export function isMember(patient: string, type: string, resource: Json): boolean {
  if (type === 'Patient') return resource.id === patient;
  return (MEMBER[type]?.(resource) ?? []).some((one) => one?.reference === `Patient/${patient}`);
}

/** The condition under which a Binary, which R4 leaves out of the compartment, is a patient's. */
export type BytesOf = (patient: string, binary: Json) => boolean;

/** The ways in which the token reaches a type at all with this letter: each is a condition on one resource. */
export function ways(token: Token, type: string, letter: string, bytesOf: BytesOf): ((resource: Json) => boolean)[] {
  if (!roleAllows(token.role, type).includes(letter)) return [];
  const found: ((resource: Json) => boolean)[] = [];
  for (const scope of token.scopes) {
    if (scope.type !== '*' && scope.type !== type) continue;
    if (!scope.letters.includes(letter)) continue;
    const hasUser = token.role !== 'system';
    if (scope.context === 'user' && !hasUser) continue;
    if (scope.context === 'system' && hasUser) continue;
    const bound = (scope.context === 'patient' || isPatient(token)) && !isGeneral(type);
    if (bound && (token.patient === undefined || STAFF.has(type))) continue;
    found.push((resource) => {
      if (bound && !(type === 'Binary' ? bytesOf(token.patient!, resource) : isMember(token.patient!, type, resource)))
        return false;
      if (scope.category === undefined) return true;
      const codings = (resource.category ?? []).flatMap((one: Json) => one.coding ?? []);
      return codings.some((one: Json) => one.system === CATEGORY_SYSTEM && one.code === scope.category);
    });
  }
  return found;
}

const noBytes: BytesOf = () => false;

/** Whether the token reaches the type at all; else a request for it is 403. */
export const reaches = (token: Token, type: string, letter: string): boolean =>
  ways(token, type, letter, noBytes).length > 0;
