/**
 * What the Consents of patients keep from one caller, as a condition on each type that nothing of it may meet. With no
 * such Consent there is no condition, and nobody pays for one.
 */
import type { Instant } from '../../kit/clock.js';
import { everything, type Plan } from '../../search/plan.js';
import type { SearchRegistry } from '../../search/registry.js';
import { both, isEverything, isNothing } from '../../search/restrict.js';
import { SHOWS } from '../../search/shown.js';
import { about, SHOWING } from '../compartment.js';
import type { Agreement } from './consent.js';
import { denied, type Actor } from './decide.js';
import { boundsOf } from './windows.js';

export interface Refusals {
  /** What of a type is denied; `nothing` where nothing is. */
  of(type: string): Plan;
  /** The same, while an emergency lasts. */
  inEmergency(type: string): Plan;
  /** What is denied to the caller in person, whatever is denied to their organization. */
  inPerson(type: string): Plan;
  /** Of the patients of whom something is denied to the caller in person. */
  ofPatientsInPerson(type: string): Plan;
  /** From here on another answer may be right. */
  until: Instant;
}

/** One patient's Consents at one organization. */
interface Group {
  owner: string;
  patient: string;
  agreements: Agreement[];
}

/**
 * @param agreements all that are active of the patients of whom something may be denied to the caller
 * @param people what the caller is in FHIR, with the roles that they have
 */
export function refusals(
  agreements: readonly Agreement[],
  caller: { organization: string; people: readonly string[] },
  at: Instant,
  registry: SearchRegistry,
): Refusals {
  const groups = grouped(agreements);

  function deniedOf(type: string, actor: Actor, emergency: boolean, among = groups): Plan {
    const own = among.map((group) => ({ ...group, where: denied(group.agreements, { type, actor, at, emergency }) }));
    const plans = ofPatients(type, own, registry);
    if (type !== 'Binary') return anyOf(plans);
    // Bytes are kept from whom what shows them is kept from, in the same house: its Consents speak of no other's.
    const shown = [...new Set(among.map(({ owner }) => owner))].flatMap((owner): Plan[] => {
      const theirs = among.filter((group) => group.owner === owner);
      const by = SHOWING.flatMap((one): Plan[] => {
        const where = deniedOf(one, actor, emergency, theirs);
        return isNothing(where) ? [] : [{ node: 'pointed', by: one, param: SHOWS, where }];
      });
      return by.length === 0 ? [] : [both({ node: 'owned', by: [owner] }, anyOf(by))];
    });
    return anyOf([...plans, ...shown]);
  }

  function ofPatientsInPerson(type: string): Plan {
    const actor: Actor = { kind: 'person', ...caller };
    const named = groups.filter((group) =>
      registry.resourceTypes.some((one) => !isNothing(denied(group.agreements, { type: one, actor, at }))),
    );
    return anyOf(
      ofPatients(
        type,
        named.map((group) => ({ ...group, where: everything })),
        registry,
      ),
    );
  }

  const bounds = agreements.flatMap(({ root }) => boundsOf(root)).filter((bound) => bound > at);
  return {
    of: (type) => deniedOf(type, { kind: 'caller', ...caller }, false),
    inEmergency: (type) => deniedOf(type, { kind: 'caller', ...caller }, true),
    inPerson: (type) => deniedOf(type, { kind: 'person', ...caller }, false),
    ofPatientsInPerson,
    until: bounds.reduce((one, other) => Math.min(one, other), Number.MAX_SAFE_INTEGER),
  };
}

function grouped(agreements: readonly Agreement[]): Group[] {
  const groups = new Map<string, Group>();
  for (const agreement of agreements) {
    const { owner, patient } = agreement;
    const key = JSON.stringify([owner, patient]);
    const group = groups.get(key) ?? { owner, patient, agreements: [] };
    group.agreements.push(agreement);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Patients of whom the same is denied are asked about together. */
function ofPatients(type: string, groups: readonly (Group & { where: Plan })[], registry: SearchRegistry): Plan[] {
  const alike = new Map<string, { owner: string; where: Plan; patients: string[] }>();
  for (const { owner, patient, where } of groups) {
    if (isNothing(where)) continue;
    const key = JSON.stringify([owner, where]);
    const one = alike.get(key) ?? { owner, where, patients: [] };
    one.patients.push(patient);
    alike.set(key, one);
  }
  return [...alike.values()].flatMap(({ owner, patients, where }) => {
    const members = about(patients, type, registry);
    if (members === undefined) return [];
    const theirs = both({ node: 'owned', by: [owner] }, members);
    return [isEverything(where) ? theirs : both(theirs, where)];
  });
}

const anyOf = (plans: readonly Plan[]): Plan => {
  const [only] = plans;
  return only !== undefined && plans.length === 1 ? only : { node: 'any', of: [...plans] };
};
