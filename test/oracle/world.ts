/**
 * A small world to ask about: three organizations, four patients each, and some 400 resources, with references that
 * cross organizations wherever a careless server would follow them. The same seed makes the same world.
 */

export type Json = any;

export const ORGANIZATIONS = ['north', 'south', 'west'] as const;
export type Organization = (typeof ORGANIZATIONS)[number];

/** One resource with all its versions, oldest first; undefined for a deletion. */
export interface Kept {
  type: string;
  id: string;
  owner: string;
  versions: Json[];
}

export interface World {
  kept: Kept[];
  /** `Type/id` -> what is there. */
  at: Map<string, Kept>;
  patients: Record<Organization, string[]>;
}

export const CODES = ['c0', 'c1', 'c2'];
export const CATEGORIES = ['vital-signs', 'laboratory', 'social-history'];
export const CATEGORY_SYSTEM = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const GENDERS = ['female', 'male', 'other'];
const CODE_SYSTEM = 'urn:oracle:codes';

/** mulberry32: small, and the same everywhere. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const ref = (to: string) => ({ reference: to });
const concept = (code: string) => ({ coding: [{ system: CODE_SYSTEM, code }] });
const category = (code: string) => ({ coding: [{ system: CATEGORY_SYSTEM, code }] });

/** What is made of a patient, `count` each; `pick` chooses, `some` gives a reference to one of a type that exists. */
type Make = (subject: Json, pick: <T>(from: readonly T[]) => T, some: (type: string) => Json) => Json;

const MAKERS: { type: string; count: number; make: Make }[] = [
  {
    type: 'Observation',
    count: 6,
    make: (subject, pick, some) => ({
      status: pick(['final', 'amended']),
      code: concept(pick(CODES)),
      category: [category(pick(CATEGORIES))],
      subject,
      performer: [pick([subject, some('Practitioner'), some('Patient')])],
      focus: [some('Patient')],
    }),
  },
  {
    type: 'Condition',
    count: 3,
    make: (subject, pick, some) => ({ subject, code: concept(pick(CODES)), asserter: some('Practitioner') }),
  },
  {
    type: 'Encounter',
    count: 2,
    make: (subject, pick) => ({ status: pick(['finished', 'planned']), class: { code: 'AMB' }, subject }),
  },
  {
    type: 'DiagnosticReport',
    count: 3,
    make: (subject, pick, some) => ({
      status: 'final',
      code: concept(pick(CODES)),
      subject,
      result: [some('Observation')],
    }),
  },
  { type: 'Media', count: 2, make: (subject) => ({ status: 'completed', subject, content: { title: 'photo' } }) },
  {
    type: 'QuestionnaireResponse',
    count: 2,
    make: (subject, pick, some) => ({
      status: pick(['in-progress', 'stopped']),
      subject,
      author: pick([subject, some('Patient')]),
    }),
  },
  {
    type: 'ServiceRequest',
    count: 3,
    make: (subject, pick, some) => ({
      status: pick(['active', 'completed']),
      intent: 'order',
      subject,
      requester: some('Practitioner'),
      performer: [pick([some('Practitioner'), some('Patient')])],
    }),
  },
  {
    type: 'Task',
    count: 2,
    make: (subject, pick, some) => ({
      status: pick(['requested', 'accepted']),
      intent: 'order',
      for: subject,
      focus: some('ServiceRequest'),
      owner: some('Practitioner'),
    }),
  },
  { type: 'RelatedPerson', count: 1, make: (subject) => ({ patient: subject }) },
  {
    type: 'Consent',
    count: 1,
    make: (subject) => ({
      status: 'active',
      scope: concept('c0'),
      category: [concept('c0')],
      policyRule: concept('c0'),
      patient: subject,
    }),
  },
  {
    type: 'Communication',
    count: 2,
    make: (subject, _pick, some) => ({
      status: 'completed',
      subject,
      sender: some('Practitioner'),
      recipient: [some('Patient')],
    }),
  },
  {
    type: 'AllergyIntolerance',
    count: 1,
    make: (subject, pick) => ({
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }],
      },
      patient: subject,
      code: concept(pick(CODES)),
    }),
  },
];

export function makeWorld(seed: number): World {
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  const world: World = { kept: [], at: new Map(), patients: { north: [], south: [], west: [] } };
  let made = 0;
  const add = (type: string, owner: string, resource: Json): string => {
    made += 1;
    const id = `${owner[0]!}${seed}-${made}`;
    const kept: Kept = { type, id, owner, versions: [{ resourceType: type, id, ...resource }] };
    world.kept.push(kept);
    world.at.set(`${type}/${id}`, kept);
    return id;
  };
  /** Mostly of the same organization; at times of another, as a careless client would write it. */
  const someOf = (owner: string) => (type: string) => {
    const all = world.kept.filter((one) => one.type === type);
    const own = all.filter((one) => one.owner === owner);
    const from = own.length > 0 && next() < 0.8 ? own : all;
    return ref(from.length === 0 ? 'Practitioner/none' : `${type}/${pick(from).id}`);
  };
  for (const owner of ORGANIZATIONS) {
    add('Organization', owner, { name: `Clinic ${owner}` });
    for (let at = 0; at < 2; at += 1) add('Practitioner', owner, { name: [{ family: `Doc${at}` }] });
  }
  for (const owner of ORGANIZATIONS)
    for (let at = 0; at < 4; at += 1) {
      const link = next() < 0.3 && world.patients[owner].length > 0;
      const other = link ? [{ other: ref(`Patient/${pick(world.patients[owner])}`), type: 'seealso' }] : undefined;
      const id = add('Patient', owner, {
        name: [{ family: `Fam${at}` }],
        gender: pick(GENDERS),
        ...(other ? { link: other } : {}),
      });
      world.patients[owner].push(id);
    }
  for (const owner of ORGANIZATIONS)
    for (const patient of world.patients[owner])
      for (const { type, count, make } of MAKERS)
        for (let at = 0; at < count; at += 1) {
          // One in twelve speaks of another organization's patient.
          const of = next() < 1 / 12 ? pick(world.patients[pick(ORGANIZATIONS)]) : patient;
          add(type, owner, make(ref(`Patient/${of}`), pick, someOf(owner)));
        }
  for (const kept of world.kept) change(kept, next, pick, world);
  return world;
}

/** Some were another patient's before, some are deleted. */
function change(kept: Kept, next: () => number, pick: <T>(from: readonly T[]) => T, world: World): void {
  const [first] = kept.versions;
  if (first.subject !== undefined && next() < 0.15) {
    const subject = ref(`Patient/${pick(world.patients[kept.owner as Organization])}`);
    kept.versions.push({ ...first, subject });
  }
  if (kept.type !== 'Patient' && kept.type !== 'Organization' && next() < 0.05) kept.versions.push(undefined);
}
