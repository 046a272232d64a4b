/** What every patient has in the record of their own organization, whether it is referred anywhere or not. */
import { CATEGORIES, CATEGORY_SYSTEM, CODES, concept, GENDERS, OWNERS, ref, type Builder, type Json } from './world.js';

type Make = (subject: Json, owner: string, builder: Builder) => Json;

const category = (code: string) => ({ coding: [{ system: CATEGORY_SYSTEM, code }] });
const clinical = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code }],
});
/** Labels of R4's confidentiality codes, which consents can speak of. */
const labelled = ({ chance }: Builder): Json =>
  chance(0.2)
    ? { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] } }
    : {};

export const observation: Make = (subject, owner, builder) => ({
  ...labelled(builder),
  status: builder.pick(['final', 'amended']),
  code: concept(builder.pick(CODES)),
  category: [category(builder.pick(CATEGORIES))],
  subject,
  effectiveDateTime: `2026-0${builder.pick([1, 2, 3])}-01`,
  performer: [builder.pick([subject, builder.some(owner, 'Practitioner'), builder.some(owner, 'Patient')])],
  focus: [builder.some(owner, 'Patient')],
});

/** TABLE: type, how many of a patient, how. */
const MAKERS: [string, number, Make][] = [
  ['Observation', 5, observation],
  [
    'Condition',
    2,
    (subject, owner, builder) => ({
      ...labelled(builder),
      subject,
      code: concept(builder.pick(CODES)),
      asserter: builder.some(owner, 'Practitioner'),
    }),
  ],
  [
    'Encounter',
    1,
    (subject, _owner, { pick }) => ({ status: pick(['finished', 'planned']), class: { code: 'AMB' }, subject }),
  ],
  [
    'DiagnosticReport',
    2,
    (subject, owner, { pick, some }) => ({
      status: 'final',
      code: concept(pick(CODES)),
      subject,
      result: [some(owner, 'Observation')],
    }),
  ],
  [
    'QuestionnaireResponse',
    1,
    (subject, owner, { pick, some }) => ({
      status: 'in-progress',
      subject,
      author: pick([subject, some(owner, 'Patient')]),
    }),
  ],
  ['RelatedPerson', 1, (subject) => ({ patient: subject })],
  [
    'CareTeam',
    1,
    (subject, owner, { some }) => ({
      status: 'active',
      subject,
      participant: [{ member: some(owner, 'Practitioner') }],
    }),
  ],
  [
    'Communication',
    1,
    (subject, owner, { some }) => ({
      status: 'completed',
      subject,
      sender: some(owner, 'Practitioner'),
      recipient: [some(owner, 'Patient')],
    }),
  ],
  [
    'AllergyIntolerance',
    1,
    (subject, _owner, { pick }) => ({
      clinicalStatus: clinical('active'),
      patient: subject,
      code: concept(pick(CODES)),
    }),
  ],
  [
    'Provenance',
    1,
    (subject, owner, { some }) => ({
      target: [subject],
      recorded: '2026-01-01T00:00:00Z',
      agent: [{ who: some(owner, 'Practitioner') }],
    }),
  ],
];

export const PNG = 'iVBORw0KGgoAAAANSUhEUg==';

/** Bytes, and what shows them. */
export function picture({ add }: Builder, owner: string, subject: Json, more: Json = {}): string {
  const url = add('Binary', owner, { contentType: 'image/png', data: PNG });
  return add('Media', owner, { status: 'completed', subject, content: { contentType: 'image/png', url }, ...more });
}
export function letter({ add }: Builder, owner: string, subject: Json, more: Json = {}): string {
  const url = add('Binary', owner, { contentType: 'image/png', data: PNG });
  const content = [{ attachment: { contentType: 'image/png', url } }];
  return add('DocumentReference', owner, { status: 'current', subject, content, ...more });
}

export function records(builder: Builder): void {
  const { world, chance, pick, add, change, some } = builder;
  for (const owner of OWNERS)
    for (const patient of world.patients[owner]!) {
      // One in twelve speaks of another organization's patient.
      const subject = () => ref(`Patient/${chance(1 / 12) ? pick(world.patients[pick(OWNERS)]!) : patient}`);
      const made = MAKERS.flatMap(([type, count, make]) =>
        Array.from({ length: count }, () => add(type, owner, make(subject(), owner, builder))),
      );
      made.push(picture(builder, owner, subject()), letter(builder, owner, subject()));
      // What a patient sent says whose it is.
      const sent = add('Binary', owner, {
        contentType: 'image/png',
        data: PNG,
        securityContext: some(owner, 'Patient'),
      });
      // Shown by what may be another patient's: it stays whose it says.
      if (chance(0.5))
        add('Media', owner, {
          status: 'completed',
          subject: subject(),
          content: { contentType: 'image/png', url: sent },
        });
      for (const to of made) {
        const { subject: first } = world.at.get(to)!.versions[0]!.resource;
        if (first !== undefined && chance(0.15))
          change(to, 20, (was) => ({ ...was, subject: ref(`Patient/${pick(world.patients[owner]!)}`) }));
        if (chance(0.05)) change(to, 5, () => undefined);
      }
    }
  for (const owner of OWNERS)
    change(`Patient/${pick(world.patients[owner]!)}`, 20, (was) => ({ ...was, gender: pick(GENDERS) }));
}
