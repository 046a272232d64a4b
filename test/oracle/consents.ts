/** Consents of patients: what they refuse to whom, by every word that the server can judge. */
import { concept, CODE_SYSTEM, DAY, nameOf, OWNERS, ref, TODAY, type Builder, type Json } from './world.js';

const time = (days: number): string => new Date(TODAY + days * DAY - 7 * 1000).toISOString();
const kind = (code: string) => ({ system: 'http://hl7.org/fhir/resource-types', code });
const LABEL = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
const actor = (reference: Json) => ({
  actor: [
    {
      role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
      reference,
    },
  ],
});

/** TABLE: provisions by what they narrow; `to` is another organization, `own` a person of the patient's own. */
const PROVISIONS: ((to: string, own: Json, person: Json) => Json)[] = [
  () => ({ type: 'deny' }),
  (to) => ({ type: 'deny', ...actor(ref(to)) }),
  (to) => ({ type: 'deny', ...actor(ref(to)), class: [kind('Observation'), kind('Media')] }),
  () => ({ type: 'deny', securityLabel: [LABEL] }),
  () => ({ type: 'deny', period: { start: time(-3), end: time(9) } }),
  () => ({ type: 'deny', period: { end: time(-9) } }),
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
  () => ({ type: 'deny', purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }] }),
];

export function consents(builder: Builder): void {
  const { world, add, change, chance, deal, pick } = builder;
  const people = (owner: string) =>
    world.kept.filter((one) => one.type === 'Practitioner' && one.owner === owner).map(nameOf);
  const consent = (owner: string, patient: string, age: number, status = 'active'): string => {
    const to = pick(OWNERS.filter((one) => one !== owner));
    const provision = deal(PROVISIONS)(to, ref(pick(people(owner))), ref(pick(people(to))));
    return add(
      'Consent',
      owner,
      {
        status,
        scope: {
          coding: [
            {
              system: 'http://terminology.hl7.org/CodeSystem/consentscope',
              code: pick(['patient-privacy', 'treatment']),
            },
          ],
        },
        category: [{ coding: [{ system: CODE_SYSTEM, code: 'c0' }] }],
        policyRule: concept('c0'),
        patient: ref(patient),
        dateTime: time(-age),
        provision,
      },
      age,
    );
  };
  for (const owner of OWNERS)
    for (const [at, id] of world.patients[owner]!.entries()) {
      // Some patients have none: referrals alone decide about them.
      if (at === 0) continue;
      const made = consent(owner, `Patient/${id}`, 20);
      if (chance(0.4)) change(made, 5, (was) => ({ ...was, status: 'inactive' }));
      if (chance(0.4)) consent(owner, `Patient/${id}`, 10);
      // One that another organization wrote about the same patient speaks of that organization's resources.
      consent(pick(OWNERS), `Patient/${id}`, 5);
    }
}
