/** Consents of patients: what they refuse to whom, by every word that the server can judge. */
import { concept, CODE_SYSTEM, DAY, nameOf, OWNERS, ref, TODAY, type Builder, type Json } from './world.js';

const time = (days: number): string => new Date(TODAY + days * DAY - 7 * 1000).toISOString();
const kind = (code: string) => ({ system: 'http://hl7.org/fhir/resource-types', code });
export const LABEL = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
const actor = (reference: Json) => ({
  actor: [
    {
      role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
      reference,
    },
  ],
});

/** Whoever does research is nobody who asks here. */
const RESEARCH = {
  type: 'deny',
  purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }],
};

/** TABLE: provisions by what they narrow; `to` is another organization, `own` a person of the patient's own. */
const PROVISIONS: ((to: string, own: Json, person: Json) => Json)[] = [
  () => ({ type: 'deny' }),
  (to) => ({ type: 'deny', ...actor(ref(to)) }),
  (to) => ({ type: 'deny', ...actor(ref(to)), class: [kind('Observation'), kind('Media')] }),
  () => ({ type: 'deny', securityLabel: [LABEL] }),
  () => ({ type: 'deny', period: { start: time(-3), end: time(9) } }),
  () => ({ type: 'deny', period: { end: time(-9) } }),
  () => ({ type: 'deny', period: { start: time(5) } }),
  () => ({ type: 'deny', period: { start: time(12), end: time(20) } }),
  (to) => ({
    type: 'deny',
    provision: [{ type: 'permit', ...actor(ref(to)), class: [kind('Patient'), kind('ServiceRequest')] }],
  }),
  () => ({ type: 'permit', provision: [{ type: 'deny', class: [kind('DocumentReference')] }] }),
  (to) => ({
    type: 'permit',
    provision: [{ type: 'deny', ...actor(ref(to)), provision: [{ type: 'permit', securityLabel: [LABEL] }] }],
  }),
  (_to, own) => ({ type: 'deny', ...actor(own), class: [kind('Observation'), kind('Condition')] }),
  (_to, _own, person) => ({ type: 'deny', ...actor(person), class: [kind('Observation'), kind('Patient')] }),
  () => RESEARCH,
];

/** What a patient refuses to one person, beside what they say to all. */
const PERSONAL: typeof PROVISIONS = [
  (_to, own) => ({ type: 'deny', ...actor(own), class: [kind('Media'), kind('Encounter')] }),
  (_to, own) => ({ type: 'deny', ...actor(own) }),
  (_to, _own, person) => ({ type: 'deny', ...actor(person) }),
];

/** What says nothing of one's own people is no rule for them, though another Consent is about one of them by name. */
const BOTH: typeof PROVISIONS = [
  () => ({ type: 'deny', class: [kind('Observation'), kind('Condition')] }),
  (_to, own) => ({ type: 'deny', ...actor(own), class: [kind('Encounter')] }),
];

const consentIn = (patient: string, scope: string, dateTime: string): Json => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: scope }] },
  category: [{ coding: [{ system: CODE_SYSTEM, code: 'c0' }] }],
  policyRule: concept('c0'),
  patient: ref(patient),
  dateTime,
});

/** What a patient decides while the world is asked about: to refuse everything to one person, or to all outside. */
export const consentOf = ({ reference }: Json, person: Json, now: number): Json => ({
  ...consentIn(reference, 'patient-privacy', new Date(now).toISOString()),
  provision: { type: 'deny', ...(person === null ? {} : actor(person)) },
});

export function consents(builder: Builder): void {
  const { world, add, change, chance, deal, pick } = builder;
  const people = (owner: string) =>
    world.kept.filter((one) => one.type === 'Practitioner' && one.owner === owner).map(nameOf);
  const consent = (owner: string, patient: string, age: number, provisions = PROVISIONS): string => {
    const to = pick(OWNERS.filter((one) => one !== owner));
    const provision = deal(provisions)(to, ref(pick(people(owner))), ref(pick(people(to))));
    return add(
      'Consent',
      owner,
      { ...consentIn(patient, pick(['patient-privacy', 'treatment']), time(-age)), provision },
      age,
    );
  };
  for (const owner of OWNERS)
    for (const [at, id] of world.patients[owner]!.entries()) {
      // Some patients have none, or none that counts: referrals alone decide about them.
      if (at === 0) {
        if (owner !== OWNERS[0]) consent(owner, `Patient/${id}`, 20, [() => RESEARCH]);
        continue;
      }
      // Of the last one both are said at once: what names nobody, and what names one of the house.
      if (at === world.patients[owner]!.length - 1) {
        for (const one of BOTH) consent(owner, `Patient/${id}`, 15, [one]);
        continue;
      }
      const made = consent(owner, `Patient/${id}`, 20);
      if (chance(0.4)) change(made, 5, (was) => ({ ...was, status: 'inactive' }));
      if (chance(0.6)) consent(owner, `Patient/${id}`, chance(0.5) ? 10 : 30, PERSONAL);
      // One that another organization wrote about the same patient speaks of that organization's resources.
      consent(pick(OWNERS), `Patient/${id}`, 5);
    }
}
