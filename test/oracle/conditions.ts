/** Conditions of searches: their text, the types that they search on the way, and what meets them. */
import fc from 'fast-check';
import type { Eyes } from './authorizer.js';
import { keptOf, once } from './state.js';
import { CODES, current, DAY, GENDERS, TODAY, type Json, type Kept, type World } from './world.js';

export interface Condition {
  text: string;
  through: string[];
  meets: (eyes: Eyes, kept: Kept) => boolean;
}

type References = Record<string, (resource: Json) => Json[]>;

/** TABLE: what a search by each parameter looks at. */
export const REFERENCES: Record<string, References> = {
  Observation: {
    subject: ({ subject }) => [subject],
    performer: ({ performer = [] }) => performer,
    focus: ({ focus = [] }) => focus,
    'based-on': ({ basedOn = [] }) => basedOn,
  },
  Condition: { subject: ({ subject }) => [subject], asserter: ({ asserter }) => [asserter] },
  Encounter: { subject: ({ subject }) => [subject] },
  DiagnosticReport: {
    subject: ({ subject }) => [subject],
    result: ({ result = [] }) => result,
    'based-on': ({ basedOn = [] }) => basedOn,
  },
  DocumentReference: { subject: ({ subject }) => [subject] },
  Media: { subject: ({ subject }) => [subject], 'based-on': ({ basedOn = [] }) => basedOn },
  QuestionnaireResponse: {
    subject: ({ subject }) => [subject],
    author: ({ author }) => [author],
    'based-on': ({ basedOn = [] }) => basedOn,
  },
  ServiceRequest: {
    subject: ({ subject }) => [subject],
    requester: ({ requester }) => [requester],
    performer: ({ performer = [] }) => performer,
    'supporting-info': ({ supportingInfo = [] }) => supportingInfo,
  },
  Task: { patient: (task) => [task.for], focus: ({ focus }) => [focus], owner: ({ owner }) => [owner] },
  Communication: { subject: ({ subject }) => [subject], recipient: ({ recipient = [] }) => recipient },
  Consent: { patient: ({ patient }) => [patient] },
  RelatedPerson: { patient: ({ patient }) => [patient] },
  AllergyIntolerance: { patient: ({ patient }) => [patient] },
  Provenance: { target: ({ target }) => target },
  CareTeam: {
    subject: ({ subject }) => [subject],
    participant: ({ participant = [] }) => participant.map(({ member }: Json) => member),
  },
  PractitionerRole: {
    practitioner: ({ practitioner }) => [practitioner],
    organization: ({ organization }) => [organization],
  },
  Group: { member: ({ member = [] }) => member.map(({ entity }: Json) => entity) },
  Patient: { link: ({ link = [] }) => link.map(({ other }: Json) => other) },
};

/** TABLE: token parameters. */
const TOKENS: Record<string, { param: string; of: (resource: Json) => string[]; values: string[] }> = {
  Patient: { param: 'gender', of: ({ gender }) => [gender ?? ''].filter(Boolean), values: GENDERS },
  Task: { param: 'status', of: ({ status }) => [status], values: ['requested', 'accepted', 'completed', 'rejected'] },
  ServiceRequest: {
    param: 'status',
    of: ({ status }) => [status],
    values: ['active', 'completed', 'draft', 'revoked'],
  },
  Consent: { param: 'status', of: ({ status }) => [status], values: ['active', 'inactive'] },
  Media: { param: 'status', of: ({ status }) => [status], values: ['completed'] },
};
for (const type of ['Observation', 'Condition', 'DiagnosticReport', 'AllergyIntolerance'])
  TOKENS[type] = { param: 'code', of: ({ code }) => (code?.coding ?? []).map((one: Json) => one.code), values: CODES };

/** TABLE: [type, parameter, type that it leads to]: chains along it, `_has` against it. */
export const STEPS: [string, string, string][] = [
  ['Observation', 'subject', 'Patient'],
  ['Observation', 'based-on', 'ServiceRequest'],
  ['Condition', 'subject', 'Patient'],
  ['Media', 'subject', 'Patient'],
  ['Media', 'based-on', 'ServiceRequest'],
  ['QuestionnaireResponse', 'subject', 'Patient'],
  ['ServiceRequest', 'subject', 'Patient'],
  ['ServiceRequest', 'supporting-info', 'Observation'],
  ['Task', 'focus', 'ServiceRequest'],
  ['Task', 'patient', 'Patient'],
  ['DiagnosticReport', 'result', 'Observation'],
  ['DiagnosticReport', 'based-on', 'ServiceRequest'],
  ['Consent', 'patient', 'Patient'],
  ['Patient', 'link', 'Patient'],
];

export const refersTo = (type: string, param: string, kept: Kept): string[] =>
  (REFERENCES[type]?.[param]?.(current(kept)) ?? []).flatMap((one) =>
    one?.reference === undefined ? [] : [one.reference],
  );

export const conditionOn = (world: World, type: string, depth = 2): fc.Arbitrary<Condition> =>
  once(world, `conditions ${type} ${depth}`, () => conditions(world, type, depth));

function conditions(world: World, type: string, depth: number): fc.Arbitrary<Condition> {
  const all = keptOf(world, type);
  const choices: fc.Arbitrary<Condition>[] = [byId(all), byTime];
  const token = TOKENS[type];
  if (token !== undefined) choices.push(byToken(token), byToken(token));
  const params = Object.keys(REFERENCES[type] ?? {});
  const values = params.flatMap((param) =>
    all
      .filter((kept) => current(kept) !== undefined)
      .flatMap((kept) => refersTo(type, param, kept).map((to) => ({ param, to }))),
  );
  if (values.length > 0) choices.push(byReference(type, values), byMissing(type, params));
  if (depth > 0) {
    const chains = STEPS.filter(([from]) => from === type);
    const pointers = STEPS.filter(([, , to]) => to === type);
    // Half of what is asked leads over something else, which may be out of reach.
    const over: fc.Arbitrary<Condition>[] = [];
    if (chains.length > 0) over.push(fc.constantFrom(...chains).chain((step) => byChain(world, step, depth)));
    if (pointers.length > 0) over.push(fc.constantFrom(...pointers).chain((step) => byPointing(world, step, depth)));
    if (over.length > 0) return fc.oneof(fc.oneof(...choices), fc.oneof(...over));
  }
  return fc.oneof(...choices);
}

const byId = (all: Kept[]): fc.Arbitrary<Condition> =>
  fc
    .subarray(
      all.map(({ id }) => id),
      { minLength: Math.min(1, all.length), maxLength: Math.min(4, all.length) },
    )
    .map((some) => ({
      text: `_id=${some.join(',') || 'none'}`,
      through: [],
      meets: (_eyes, kept) => some.includes(kept.id),
    }));

const byTime: fc.Arbitrary<Condition> = fc.constantFrom(50, 30, 7).map((age) => ({
  text: `_lastUpdated=lt${new Date(TODAY - age * DAY).toISOString()}`,
  through: [],
  meets: (_eyes, kept) => kept.versions.at(-1)!.at < TODAY - age * DAY,
}));

const byToken = ({ param, of, values }: (typeof TOKENS)[string]): fc.Arbitrary<Condition> =>
  fc
    .tuple(fc.subarray(values, { minLength: 1, maxLength: Math.min(2, values.length) }), fc.boolean())
    .map(([some, not]) => ({
      text: not ? `${param}:not=${some.join(',')}` : `${param}=${some.join(',')}`,
      through: [],
      meets: (_eyes, kept) => of(current(kept)).some((one) => some.includes(one)) !== not,
    }));

/** Values that stand somewhere, of whatever organization. */
const byReference = (type: string, values: { param: string; to: string }[]): fc.Arbitrary<Condition> =>
  fc.constantFrom(...values).map(({ param, to }) => ({
    text: `${param}=${to}`,
    through: [],
    meets: (_eyes, kept) => refersTo(type, param, kept).includes(to),
  }));

const byMissing = (type: string, params: string[]): fc.Arbitrary<Condition> =>
  fc.tuple(fc.constantFrom(...params), fc.boolean()).map(([param, missing]) => ({
    text: `${param}:missing=${missing}`,
    through: [],
    meets: (_eyes, kept) => (refersTo(type, param, kept).length === 0) === missing,
  }));

/** What is on the far side counts only where the token may search it. */
const byChain = (world: World, [from, param, to]: [string, string, string], depth: number): fc.Arbitrary<Condition> =>
  conditionOn(world, to, depth - 1)
    .filter(({ text }) => !text.startsWith('_id=') && !text.startsWith('_lastUpdated'))
    .map((inner) => ({
      text: `${param}:${to}.${inner.text}`,
      through: [to, ...inner.through],
      meets: (eyes, kept) =>
        refersTo(from, param, kept).some((name) => {
          const one = eyes.world.at.get(name);
          return one?.type === to && eyes.visible(to, 's').includes(one) && inner.meets(eyes, one);
        }),
    }));

const byPointing = (
  world: World,
  [from, param, to]: [string, string, string],
  depth: number,
): fc.Arbitrary<Condition> =>
  conditionOn(world, from, depth - 1).map((inner) => {
    // Asked of each that might be a hit, so who points is found once.
    const pointed = new WeakMap<Eyes, Set<string>>();
    return {
      text: `_has:${from}:${param}:${inner.text}`,
      through: [from, ...inner.through],
      meets(eyes, kept) {
        const pointing = () => eyes.visible(from, 's').filter((one) => inner.meets(eyes, one));
        const found = pointed.get(eyes) ?? new Set(pointing().flatMap((one) => refersTo(from, param, one)));
        pointed.set(eyes, found);
        return found.has(`${to}/${kept.id}`);
      },
    };
  });
