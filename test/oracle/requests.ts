/** Requests of every kind, and what the authorizer says that the answer must be. */
import fc from 'fast-check';
import { current, isMember, reaches, reachesVersion, visible, type Token, type TokenScope } from './authorizer.js';
import { CATEGORIES, CODES, GENDERS, ORGANIZATIONS, type Json, type Kept, type World } from './world.js';

/** What an answer tells: its status, which resources it shows (`Type/id` or `Type/id/version`), and how many there are. */
export interface Verdict {
  status: number;
  shown?: string[];
  total?: number;
}

export interface Request {
  method: 'GET' | 'PUT' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: Json;
  expected: (world: World, token: Token) => Verdict;
}

const TYPES = [
  'Observation', 'Condition', 'Encounter', 'DiagnosticReport', 'Media', 'QuestionnaireResponse', 'ServiceRequest',
  'Task', 'RelatedPerson', 'Consent', 'Communication', 'AllergyIntolerance', 'Patient', 'Practitioner', 'Organization',
]; // prettier-ignore

/** TABLE: what a search by each parameter looks at. */
const REFERENCES: Record<string, Record<string, (resource: Json) => Json[]>> = {
  Observation: {
    subject: ({ subject }) => [subject],
    performer: ({ performer = [] }) => performer,
    focus: ({ focus = [] }) => focus,
  },
  Condition: { subject: ({ subject }) => [subject], asserter: ({ asserter }) => [asserter] },
  Encounter: { subject: ({ subject }) => [subject] },
  DiagnosticReport: { subject: ({ subject }) => [subject], result: ({ result = [] }) => result },
  Media: { subject: ({ subject }) => [subject] },
  QuestionnaireResponse: { subject: ({ subject }) => [subject], author: ({ author }) => [author] },
  ServiceRequest: { subject: ({ subject }) => [subject], requester: ({ requester }) => [requester] },
  Task: { patient: (task) => [task.for], focus: ({ focus }) => [focus], owner: ({ owner }) => [owner] },
  Communication: { subject: ({ subject }) => [subject], recipient: ({ recipient = [] }) => recipient },
  Consent: { patient: ({ patient }) => [patient] },
  RelatedPerson: { patient: ({ patient }) => [patient] },
  AllergyIntolerance: { patient: ({ patient }) => [patient] },
};
const CODED = new Set(['Observation', 'Condition', 'DiagnosticReport', 'AllergyIntolerance']);

type Meets = (world: World, token: Token, kept: Kept) => boolean;
/** A condition of a search: its text, the types that it searches on the way, and what meets it. */
interface Condition {
  text: string;
  through: string[];
  meets: Meets;
}

const codeOf = (kept: Kept): string[] => (current(kept).code?.coding ?? []).map((one: Json) => one.code);
const refersTo = (type: string, param: string, kept: Kept): string[] =>
  (REFERENCES[type]?.[param]?.(current(kept)) ?? []).flatMap((one) => (one === undefined ? [] : [one.reference]));

const byCode = fc.constantFrom(...CODES).map((code): Condition => ({
  text: `code=${code}`,
  through: [],
  meets: (_world, _token, kept) => codeOf(kept).includes(code),
}));
const byNoCode = fc.constantFrom(...CODES).map((code): Condition => ({
  text: `code:not=${code}`,
  through: [],
  meets: (_world, _token, kept) => !codeOf(kept).includes(code),
}));

const conditionOn = (world: World, type: string): fc.Arbitrary<Condition> => {
  const params = Object.keys(REFERENCES[type] ?? {});
  const ids = world.kept.filter((kept) => kept.type === type).map(({ id }) => id);
  const choices: fc.Arbitrary<Condition>[] = [
    fc.subarray(ids, { minLength: 1, maxLength: Math.min(4, ids.length) }).map((some) => ({
      text: `_id=${some.join(',')}`,
      through: [],
      meets: (_world, _token, kept) => some.includes(kept.id),
    })),
  ];
  if (CODED.has(type)) choices.push(byCode, byNoCode);
  if (type === 'Patient') choices.push(onPatient(), hasPointing(world));
  if (params.length > 0) choices.push(byReference(world, type, params), byMissing(type, params), byChain(type, params));
  return fc.oneof(...choices);
};

const onPatient = (): fc.Arbitrary<Condition> =>
  fc.constantFrom(...GENDERS).map((gender) => ({
    text: `gender=${gender}`,
    through: [],
    meets: (_world, _token, kept) => current(kept).gender === gender,
  }));

/** Values that stand somewhere, of whatever organization. */
const byReference = (world: World, type: string, params: string[]): fc.Arbitrary<Condition> => {
  const values = params.flatMap((param) =>
    world.kept
      .filter((kept) => kept.type === type && current(kept) !== undefined)
      .flatMap((kept) => refersTo(type, param, kept).map((to) => ({ param, to }))),
  );
  return fc.constantFrom(...values).map(({ param, to }) => ({
    text: `${param}=${to}`,
    through: [],
    meets: (_world, _token, kept) => refersTo(type, param, kept).includes(to),
  }));
};

const byMissing = (type: string, params: string[]): fc.Arbitrary<Condition> =>
  fc.tuple(fc.constantFrom(...params), fc.boolean()).map(([param, missing]) => ({
    text: `${param}:missing=${missing}`,
    through: [],
    meets: (_world, _token, kept) => (refersTo(type, param, kept).length === 0) === missing,
  }));

/** What is on the far side counts only where the token may search it. */
const byChain = (type: string, params: string[]): fc.Arbitrary<Condition> => {
  const toPatient = params.filter((param) => param === 'subject' || param === 'patient');
  return fc
    .tuple(fc.constantFrom(...(toPatient.length > 0 ? toPatient : params)), fc.constantFrom(...GENDERS))
    .map(([param, gender]) => ({
      text: `${param}:Patient.gender=${gender}`,
      through: ['Patient'],
      meets: (world, token, kept) =>
        visible(world, token, 'Patient', 's').some(
          (patient) =>
            refersTo(type, param, kept).includes(`Patient/${patient.id}`) && current(patient).gender === gender,
        ),
    }));
};

const hasPointing = (world: World): fc.Arbitrary<Condition> =>
  fc.constantFrom('Observation', 'Condition').chain((by) =>
    fc.oneof(byCode, byNoCode, conditionOn(world, by)).map((inner): Condition => ({
      text: `_has:${by}:subject:${inner.text}`,
      through: [by, ...inner.through],
      meets: (all, token, kept) =>
        visible(all, token, by, 's').some(
          (other) => refersTo(by, 'subject', other).includes(`Patient/${kept.id}`) && inner.meets(all, token, other),
        ),
    })),
  );

const names = (found: Kept[]): string[] => found.map(({ type, id }) => `${type}/${id}`).sort();

const found = (world: World, token: Token, type: string, conditions: Condition[]): Kept[] =>
  visible(world, token, type, 's').filter((kept) => conditions.every(({ meets }) => meets(world, token, kept)));

const maySearch = (token: Token, type: string, conditions: Condition[]): boolean =>
  [type, ...conditions.flatMap(({ through }) => through)].every((one) => reaches(token, one, 's'));

function search(world: World): fc.Arbitrary<Request> {
  return fc.constantFrom(...TYPES).chain((type) =>
    fc
      .tuple(
        fc.array(conditionOn(world, type), { maxLength: 2 }),
        fc.constantFrom('', 'count', 'include', 'revinclude'),
      )
      .map(([conditions, more]): Request => {
        const include = type === 'Task' ? 'Task:focus' : `${type}:${REFERENCES[type]?.subject ? 'subject' : 'patient'}`;
        const extra = {
          '': '&_total=accurate',
          count: '&_summary=count',
          include: REFERENCES[type] === undefined ? '&_total=accurate' : `&_total=accurate&_include=${include}`,
          revinclude:
            type === 'Patient'
              ? '&_total=accurate&_revinclude=Observation:subject&_revinclude=Condition:subject'
              : '&_total=accurate',
        }[more];
        return {
          method: 'GET',
          path: `/${type}?${[...conditions.map(({ text }) => text), '_count=1000'].join('&')}${extra}`,
          expected(all, token) {
            if (!maySearch(token, type, conditions)) return { status: 403 };
            const matches = found(all, token, type, conditions);
            if (more === 'count') return { status: 200, shown: [], total: matches.length };
            const shown = new Set(names(matches));
            if (more === 'include' && REFERENCES[type] !== undefined) {
              const [, param = ''] = include.split(':');
              for (const match of matches)
                for (const to of refersTo(type, param, match)) {
                  const other = all.at.get(to);
                  if (other !== undefined && current(other) !== undefined && reachesVersion(token, other, 'rs'))
                    shown.add(to);
                }
            }
            if (more === 'revinclude' && type === 'Patient')
              for (const by of ['Observation', 'Condition'])
                for (const other of visible(all, token, by, 'rs'))
                  if (matches.some(({ id }) => refersTo(by, 'subject', other).includes(`Patient/${id}`)))
                    shown.add(`${by}/${other.id}`);
            return { status: 200, shown: [...shown].sort(), total: matches.length };
          },
        };
      }),
  );
}

const compartment = (world: World): fc.Arbitrary<Request> =>
  fc
    .tuple(
      fc.constantFrom('Observation', 'Condition', 'Communication', 'ServiceRequest'),
      fc.constantFrom(...ORGANIZATIONS),
      fc.nat(3),
    )
    .map(([type, owner, at]): Request => {
      const patient = world.patients[owner][at]!;
      return {
        method: 'GET',
        path: `/Patient/${patient}/${type}?_count=1000&_total=accurate`,
        expected(all, token) {
          if (!reaches(token, type, 's')) return { status: 403 };
          const shown = visible(all, token, type, 's').filter((kept) => isMember(patient, type, current(kept)));
          return { status: 200, shown: names(shown), total: shown.length };
        },
      };
    });

/** Each way to one resource: now, as it was, its history. */
const one = (world: World): fc.Arbitrary<Request> =>
  fc.tuple(fc.constantFrom(...world.kept), fc.constantFrom('read', 'vread', 'history')).map(([kept, way]): Request => {
    const at = `/${kept.type}/${kept.id}`;
    const seen = (token: Token, version?: number) =>
      reachesVersion(token, kept, 'r') && (version === undefined || reachesVersion(token, kept, 'r', version - 1));
    const shape = (token: Token, status: () => Verdict): Verdict =>
      !reaches(token, kept.type, 'r') ? { status: 403 } : seen(token) ? status() : { status: 404 };
    if (way === 'read')
      return {
        method: 'GET',
        path: at,
        expected: (_all, token) =>
          shape(token, () => (current(kept) === undefined ? { status: 410 } : { status: 200, shown: [at.slice(1)] })),
      };
    if (way === 'vread')
      return {
        method: 'GET',
        path: `${at}/_history/1`,
        expected: (_all, token) =>
          shape(token, () => (seen(token, 1) ? { status: 200, shown: [at.slice(1)] } : { status: 404 })),
      };
    return {
      method: 'GET',
      path: `${at}/_history?_count=1000`,
      expected: (_all, token) =>
        shape(token, () => ({
          status: 200,
          shown: kept.versions
            .flatMap((_, index) => (seen(token, index + 1) ? [`${at.slice(1)}/${index + 1}`] : []))
            .sort(),
        })),
    };
  });

const history = (world: World): fc.Arbitrary<Request> =>
  fc.constantFrom(...TYPES).map((type): Request => ({
    method: 'GET',
    path: `/${type}/_history?_count=1000`,
    expected(_all, token) {
      if (!reaches(token, type, 's')) return { status: 403 };
      const shown = world.kept
        .filter((kept) => kept.type === type && reachesVersion(token, kept, 's'))
        .flatMap((kept) =>
          kept.versions.flatMap((_, at) =>
            reachesVersion(token, kept, 's', at) ? [`${type}/${kept.id}/${at + 1}`] : [],
          ),
        );
      return { status: 200, shown: shown.sort() };
    },
  }));

/** A change that must not happen: its condition is stale. Who may not change it is told what a stranger is told. */
const staleWrite = (world: World): fc.Arbitrary<Request> =>
  fc.tuple(fc.constantFrom(...world.kept), fc.constantFrom('PUT', 'DELETE')).map(([kept, method]): Request => {
    const letter = method === 'PUT' ? 'u' : 'd';
    return {
      method: method,
      path: `/${kept.type}/${kept.id}`,
      headers: { 'If-Match': 'W/"99"' },
      ...(method === 'PUT' ? { body: kept.versions[0] } : {}),
      expected(_all, token) {
        if (!reaches(token, kept.type, letter)) return { status: 403 };
        if (reachesVersion(token, kept, letter)) return { status: 412 };
        if (reachesVersion(token, kept, 'rs')) return { status: 403 };
        // As if it were not there: nothing has version 99. An administrator may bring resources under their ids.
        if (method === 'DELETE') return { status: 412 };
        if (token.role !== 'administrator') return { status: 404 };
        return { status: reaches(token, kept.type, 'c') ? 412 : 403 };
      },
    };
  });

export const requests = (world: World): fc.Arbitrary<Request> =>
  fc.oneof(
    { weight: 5, arbitrary: search(world) },
    { weight: 1, arbitrary: compartment(world) },
    { weight: 3, arbitrary: one(world) },
    { weight: 1, arbitrary: history(world) },
    { weight: 1, arbitrary: staleWrite(world) },
  );

const scopeOf = (context: TokenScope['context']): fc.Arbitrary<TokenScope> =>
  fc
    .tuple(
      fc.constantFrom('*', '*', ...TYPES),
      fc.constantFrom('rs', 'r', 's', 'cruds', 'us', 'rus'),
      fc.option(fc.constantFrom(...CATEGORIES), { nil: undefined, freq: 4 }),
    )
    .map(([type, letters, category]) => ({
      context,
      type: category === undefined ? type : 'Observation',
      letters,
      ...(category === undefined ? {} : { category }),
    }));

export const tokens = (world: World): fc.Arbitrary<Token> =>
  fc
    .tuple(
      fc.constantFrom<Token['role'][]>(
        'administrator',
        'referrer',
        'specialist',
        'coordinator',
        'system',
        'patient',
        'auditor',
      ),
      fc.constantFrom(...ORGANIZATIONS),
      fc.nat(3),
      fc.array(fc.constantFrom<TokenScope['context'][]>('patient', 'user', 'user', 'system').chain(scopeOf), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.boolean(),
    )
    .map(([role, organization, at, scopes, inContext]) => ({
      role,
      organization,
      scopes,
      ...(inContext || role === 'patient' ? { patient: world.patients[organization][at]! } : {}),
    }));
