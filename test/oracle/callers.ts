/** Random callers: every role, organization and context, with scopes of either version and granular ones. */
import fc from 'fast-check';
import type { Principal } from '../../src/access/principal.js';
import { parseScopes } from '../../src/access/scopes.js';
import { isPatient, userOf, type Token, type TokenScope } from './roles.js';
import { TYPES } from './searches.js';
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

/**
 * A caller who has to do with a resource: of its organization or of one that it names, with a patient in context whom it
 * speaks of, or once spoke of.
 */
export function near(world: World, token: Token, { owner, versions }: Kept, nth: number): Token {
  const said = [...new Set(versions.flatMap(({ resource }) => (resource === undefined ? [] : namedIn(resource))))];
  const owners = said.map((name) => world.at.get(name)?.owner ?? '');
  const patients = said
    .filter((name) => name.startsWith('Patient/') && world.at.has(name))
    .map((name) => name.slice(8));
  const patient = patients[nth % Math.max(patients.length, 1)];
  const houses = OWNERS.filter((one) => one === owner || owners.includes(one));
  const house = isPatient(token) && patient !== undefined ? world.at.get(`Patient/${patient}`)!.owner : undefined;
  const organization = house ?? houses[nth % Math.max(houses.length, 1)] ?? token.organization;
  if (isPatient(token) && patient === undefined) return token;
  const { person, ...rest } = token;
  const who = person === undefined ? undefined : peopleOf(world, organization)[nth % 3];
  return {
    ...rest,
    organization,
    ...(token.patient === undefined || patient === undefined ? {} : { patient }),
    ...(who === undefined ? {} : { person: who }),
  };
}

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
