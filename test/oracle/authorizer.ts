/**
 * Who may see what, decided by plain loops over the whole world. It shares no code with the server's access control: it
 * is written from what docs and R4 say, so that what both do wrong in the same way must be wrong twice.
 */
import { CATEGORY_SYSTEM, type Json, type Kept, type World } from './world.js';

export interface TokenScope {
  context: 'patient' | 'user' | 'system';
  type: string;
  letters: string;
  /** A granular scope: one code of the type's category. */
  category?: string;
}

export interface Token {
  role: 'administrator' | 'referrer' | 'specialist' | 'coordinator' | 'system' | 'patient' | 'auditor';
  organization: string;
  scopes: TokenScope[];
  /** The patient in context, and of a patient's own account. */
  patient?: string;
}

/** R4's compartment of a patient: where a member of each type names the patient. */
const MEMBER: Record<string, (resource: Json) => Json[]> = {
  Observation: ({ subject, performer = [] }) => [subject, ...performer],
  Condition: ({ subject, asserter }) => [subject, asserter],
  Encounter: ({ subject }) => [subject],
  DiagnosticReport: ({ subject }) => [subject],
  Media: ({ subject }) => [subject],
  QuestionnaireResponse: ({ subject, author }) => [subject, author],
  ServiceRequest: ({ subject, performer = [] }) => [subject, ...performer],
  RelatedPerson: ({ patient }) => [patient],
  Consent: ({ patient }) => [patient],
  Communication: ({ subject, sender, recipient = [] }) => [subject, sender, ...recipient],
  AllergyIntolerance: ({ patient, recorder, asserter }) => [patient, recorder, asserter],
};

const DIRECTORY = new Set(['Organization', 'Practitioner']);
const SUBMISSION = new Set(['Communication', 'Media', 'Observation', 'QuestionnaireResponse']);

/** What a role may do with a type, as letters. */
function roleAllows(role: Token['role'], type: string): string {
  if (role === 'auditor') return DIRECTORY.has(type) ? 'rs' : '';
  if (role === 'patient') return SUBMISSION.has(type) ? 'crus' : type === 'Task' ? '' : 'rs';
  if (DIRECTORY.has(type))
    return role === 'administrator' ? 'cruds' : role === 'coordinator' || role === 'system' ? 'crus' : 'rs';
  if (type === 'Consent') return role === 'administrator' ? 'cruds' : role === 'coordinator' ? 'crus' : 'rs';
  return 'cruds';
}

export function isMember(patient: string, type: string, resource: Json): boolean {
  if (type === 'Patient') return resource.id === patient;
  return (MEMBER[type]?.(resource) ?? []).some((one) => one?.reference === `Patient/${patient}`);
}

/** The ways in which the token reaches a type at all with this letter: each is a condition on one resource. */
function ways(token: Token, type: string, letter: string): ((resource: Json) => boolean)[] {
  if (!roleAllows(token.role, type).includes(letter)) return [];
  const found: ((resource: Json) => boolean)[] = [];
  for (const scope of token.scopes) {
    if (scope.type !== '*' && scope.type !== type) continue;
    if (!scope.letters.includes(letter)) continue;
    const hasUser = token.role !== 'system';
    if (scope.context === 'user' && !hasUser) continue;
    if (scope.context === 'system' && hasUser) continue;
    const bound = scope.context === 'patient' || token.role === 'patient';
    if (bound && !DIRECTORY.has(type) && (token.patient === undefined || type === 'Task')) continue;
    found.push((resource) => {
      if (bound && !DIRECTORY.has(type) && !isMember(token.patient!, type, resource)) return false;
      if (scope.category === undefined) return true;
      const codings = (resource.category ?? []).flatMap((one: Json) => one.coding ?? []);
      return codings.some((one: Json) => one.system === CATEGORY_SYSTEM && one.code === scope.category);
    });
  }
  return found;
}

/** Whether the token reaches the type at all; else a request for it is 403. */
export const reaches = (token: Token, type: string, letter: string): boolean => ways(token, type, letter).length > 0;

export const current = (kept: Kept): Json => kept.versions.at(-1);

/** Whether the token reaches this resource, judged by one of its versions (a deletion: by what was deleted). */
export function reachesVersion(token: Token, kept: Kept, letters: string, at = kept.versions.length - 1): boolean {
  if (kept.owner !== token.organization) return false;
  const resource = kept.versions[at] ?? kept.versions[at - 1];
  return Array.from(letters).some((letter) => ways(token, kept.type, letter).some((meets) => meets(resource)));
}

/** All that is there now and that the token reaches. */
export const visible = (world: World, token: Token, type: string, letters: string): Kept[] =>
  world.kept.filter(
    (kept) => kept.type === type && current(kept) !== undefined && reachesVersion(token, kept, letters),
  );
