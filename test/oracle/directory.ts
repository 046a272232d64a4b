/** The network's directory, whom a referral can name in it, and what belongs to an organization but to no patient. */
import { NAMES, OWNERS, ownerOf, ref, type Builder } from './world.js';

export const PEOPLE = 3;
export const FORM = (owner: string, at: number) => `urn:oracle:form:${owner.slice(13)}:${at}`;

/** One of each kind for each organization; its Organization is the one that owners are named by. */
export function directory({ add }: Builder): void {
  for (const name of NAMES) add('Organization', ownerOf(name), { id: name, active: true, name: `Clinic ${name}` }, 62);
  OWNERS.forEach((owner, at) => {
    // A role is kept by one organization and may be held at another one: who keeps it is who it names.
    const elsewhere = OWNERS[(at + 1) % OWNERS.length]!;
    const people = Array.from({ length: PEOPLE }, (_, n) =>
      add('Practitioner', owner, { name: [{ family: `Doc${n}` }] }, 62),
    );
    for (const [n, person] of people.entries())
      add('PractitionerRole', owner, { practitioner: ref(person), organization: ref(n === 0 ? elsewhere : owner) }, 62);
    add('CareTeam', owner, { status: 'active', name: 'Team', participant: [{ member: ref(people[0]!) }] }, 62);
    add('HealthcareService', owner, { providedBy: ref(n0(owner, elsewhere, at)), name: 'Service' }, 62);
    add('Location', owner, { name: 'House', managingOrganization: ref(owner) }, 62);
    add('Endpoint', owner, { status: 'active', address: 'https://example.org', ...channel }, 62);
    add('OrganizationAffiliation', owner, { organization: ref(owner), participatingOrganization: ref(elsewhere) }, 62);
  });
}

const n0 = (owner: string, elsewhere: string, at: number): string => (at === 0 ? elsewhere : owner);

const channel = {
  connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
  payloadType: [{ text: 'any' }],
};

/** What stands at the door of each organization: its forms, groups and lists, and a second address. */
export function entrances({ add, world, pick }: Builder): void {
  for (const owner of OWNERS) {
    for (let at = 0; at < 2; at += 1)
      for (const version of ['1', '2'])
        add('Questionnaire', owner, { url: FORM(owner, at), version, status: 'active', item: [item] }, 61);
    const patients = world.patients[owner]!;
    add('Group', owner, { type: 'person', actual: true, member: [{ entity: ref(`Patient/${pick(patients)}`) }] });
    add('Person', owner, { link: [{ target: ref(`Patient/${pick(patients)}`) }] });
    add('List', owner, { status: 'current', mode: 'working', subject: ref(`Patient/${pick(patients)}`) });
    add('Organization', owner, { name: `Branch of ${owner.slice(13)}` });
  }
}

const item = {
  linkId: 'file',
  type: 'group',
  item: ['photo', 'letter'].map((linkId) => ({ linkId, type: 'reference' })),
};
