/** Random callers: every role, organization and context, with scopes of either version and granular ones. */
import fc from 'fast-check';
import type { Principal } from '../../src/access/principal.js';
import { parseScopes } from '../../src/access/scopes.js';
import type { Request } from './request.js';
import { isPatient, TYPES, userOf, type Token, type TokenScope } from './roles.js';
import { keptOf, ofText } from './state.js';
import { CATEGORIES, CATEGORY_SYSTEM, nameOf, OWNERS, type Json, type Kept, type World } from './world.js';

const WORDS = { read: 'rs', write: 'cud', '*': 'cruds' } as const;
const ROLES: Token['role'][] = [
  'administrator', 'referrer', 'specialist', 'specialist', 'coordinator', 'system', 'patient', 'related-person', 'auditor',
]; // prettier-ignore

/** But for its context. */
const scopeOf: fc.Arbitrary<Omit<TokenScope, 'context'>> = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, { weight: 1, arbitrary: fc.constantFrom(...TYPES) }),
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom('rs', 'cruds') },
      { weight: 3, arbitrary: fc.constantFrom('r', 's', 'us', 'rus', 'crs') },
      { weight: 2, arbitrary: fc.constantFrom<'read' | 'write' | '*'>('read', 'write', '*') },
    ),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...CATEGORIES) },
    ),
  )
  .map(([type, said, category]) => {
    if (category !== undefined) return { type: 'Observation', letters: 'rs', category };
    return said in WORDS ? { type, word: said as 'read', letters: WORDS[said as 'read'] } : { type, letters: said };
  });

const peopleOf = (world: World, owner: string): string[] =>
  keptOf(world, 'Practitioner')
    .filter((one) => one.owner === owner)
    .slice(0, 3)
    .map(nameOf);

/** All that looks like the name of a resource. */
const namedIn = ofText(
  (resource: Json): string[] => JSON.stringify(resource).match(/[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+/g) ?? [],
);

/** A caller who has to do with what is asked. */
export function fitting(world: World, token: Token, { about, by, through = [] }: Request, nth: number): Token {
  const who = about === undefined ? token : near(world, inRole(token, by ?? STAFF, nth, by !== undefined), about, nth);
  const type = through[nth % Math.max(through.length, 1)];
  return type === undefined ? who : narrowed(world, who, type, nth);
}

/** In one of these roles, whoever is one of the staff; in one of `by`, whoever is no patient. A patient's scopes are theirs. */
function inRole(token: Token, roles: readonly Token['role'][], nth: number, isAsked: boolean): Token {
  if (isPatient(token) || !(isAsked || STAFF.includes(token.role))) return token;
  const role = roles[nth % roles.length]!;
  if (!isPatientRole(role)) return { ...token, role };
  const { person: _, ...rest } = token;
  return { ...rest, role, scopes: token.scopes.map((one) => ({ ...one, context: 'patient' })) };
}

/**
 * Of the organization of a resource or of one that it names, with a patient in context whom it speaks of, or once spoke
 * of, and at times with no scope but that patient's.
 */
function near(world: World, token: Token, { owner, versions }: Pick<Kept, 'owner' | 'versions'>, nth: number): Token {
  const said = [...new Set(versions.flatMap(({ resource }) => (resource === undefined ? [] : namedIn(resource))))];
  const houses = OWNERS.filter((one) => one === owner || said.some((name) => world.at.get(name)?.owner === one));
  const patients = said.filter((name) => name.startsWith('Patient/') && world.at.has(name));
  const about = patients[nth % Math.max(patients.length, 1)];
  if (isPatient(token))
    return about === undefined
      ? token
      : { ...token, organization: world.at.get(about)!.owner, patient: about.slice(8) };
  const organization = houses[Math.floor(nth / 10) % Math.max(houses.length, 1)] ?? token.organization;
  const { person, ...rest } = token;
  // One of those who are named, where somebody is.
  const people = peopleOf(world, organization);
  const who = people.find((one) => nth % 2 === 0 && said.includes(one)) ?? people[nth % 3];
  const patient = about?.slice(8) ?? token.patient;
  return {
    ...rest,
    organization,
    ...(person === undefined || who === undefined ? {} : { person: who }),
    ...(patient === undefined ? {} : { patient }),
    ...(nth % 5 === 0 ? { scopes: [scope('patient', '*')] } : nth % 2 === 0 ? { scopes: [own(token, '*')] } : {}),
    ...(nth % 6 === 1 ? { scopes: [{ ...own(token, '*'), letters: PARTS[nth % PARTS.length]! }] } : {}),
  };
}

/** Of what may be done to all types, a part. */
const PARTS = ['crs', 'rus', 'r', 's', 'crs'];
const STAFF: readonly Token['role'][] = ['referrer', 'specialist', 'coordinator', 'administrator'];

const scope = (context: TokenScope['context'], type: string, letters = 'cruds'): TokenScope => ({
  context,
  type,
  letters,
});
const own = ({ role }: Token, type: string): TokenScope =>
  scope(isPatientRole(role) ? 'patient' : role === 'system' ? 'system' : 'user', type);

const isPatientRole = (role: Token['role']): boolean => isPatient({ role } as Token);

/** A caller with all that the role may see, but of one type a part: of one category, or of one patient. */
function narrowed(world: World, token: Token, type: string, nth: number): Token {
  const scopes = NARROW.filter((one) => one !== type).map((one) => own(token, one));
  const patient = token.patient ?? world.patients[token.organization]![nth % 4]!;
  const category = CATEGORIES[nth % CATEGORIES.length]!;
  const part =
    type === 'Observation' && nth % 2 === 0
      ? { ...own(token, type), letters: 'rs', category }
      : scope('patient', type, 'rs');
  return { ...token, patient, scopes: [...scopes, part] };
}

/** Types that a search leads through, or finds by that. */
const NARROW = [
  'Observation', 'Condition', 'Media', 'QuestionnaireResponse', 'ServiceRequest', 'Task', 'DiagnosticReport', 'Consent', 'Patient',
]; // prettier-ignore

export function tokens(world: World): fc.Arbitrary<Token> {
  const patients = Object.values(world.patients).flat();
  return fc
    .record({
      role: fc.constantFrom(...ROLES),
      organization: fc.constantFrom(...OWNERS),
      own: fc.nat(3),
      any: fc.option(fc.constantFrom(...patients)),
      scopes: fc.array(scopeOf, { minLength: 1, maxLength: 3 }),
      contexts: fc.array(fc.nat(9), { minLength: 3, maxLength: 3 }),
      person: fc.nat(3),
      // As often as any other: who may do all that the role may.
      whole: fc.boolean(),
    })
    .map(({ role, organization, own, any, scopes: narrow, contexts, person, whole }): Token => {
      const drawn = whole ? [{ type: '*', letters: 'cruds' }] : narrow;
      // One scope in ten is of a kind that this caller's token would never have.
      const fitting = { system: ['system'], patient: ['patient'], 'related-person': ['patient'] }[role as string] ?? [
        'user',
        'user',
        'patient',
      ];
      const scopes = drawn.map((one, at): TokenScope => ({
        ...one,
        context: (contexts[at] === 0 ? 'system' : fitting[contexts[at]! % fitting.length]) as TokenScope['context'],
      }));
      const token: Token = { role, organization, scopes };
      // Staff may have another organization's patient in context: one who was referred to them.
      const patient = isPatient(token) ? world.patients[organization]![own] : (any ?? undefined);
      if (patient !== undefined) token.patient = patient;
      const who = peopleOf(world, organization)[person];
      if (who !== undefined && !isPatient(token) && role !== 'system') token.person = who;
      return token;
    });
}

export const print = ({ context, type: of, letters, word, category }: TokenScope): string =>
  `${context}/${of}.${word ?? letters}${category === undefined ? '' : `?category=${CATEGORY_SYSTEM}|${category}`}`;

/** As the authorization server would make it of a token. */
export function principalOf(token: Token): Principal {
  const { role, organization, scopes, patient, person } = token;
  const user = userOf(token);
  const fhirUser = role === 'patient' ? `Patient/${patient}` : person;
  return {
    name: role,
    role,
    owner: organization,
    owners: [organization],
    grant: {
      id: JSON.stringify(token),
      client: 'oracle',
      ...(user === undefined ? {} : { user }),
      ...(fhirUser === undefined ? {} : { fhirUser }),
      ...(patient === undefined ? {} : { patient }),
      scopes: parseScopes(scopes.map(print).join(' ')),
    },
  };
}

/** Who stores an organization's part of the world. */
export const importer = (organization: string): Token => ({
  role: 'administrator',
  organization,
  scopes: [{ context: 'user', type: '*', letters: 'cruds' }],
});
