/** What is true of one caller beside role and scopes, for a moment: what patients deny them, and which glass they broke. */
import type { Instant } from '../kit/clock.js';
import { nothing, type Plan } from '../search/plan.js';
import type { SearchRegistry } from '../search/registry.js';
import { both, isNothing } from '../search/restrict.js';
import { inCompartment } from './compartment.js';
import type { Refusals } from './consent/plan.js';
import type { Emergency } from './emergency.js';
import { allows, type Kind } from './policy.js';
import type { Principal } from './principal.js';

export interface Terms {
  /** When this was looked at. */
  at: Instant;
  refusals?: Refusals;
  emergencies: readonly Emergency[];
}

export const noTerms: Terms = { at: 0, emergencies: [] };

/** What is about no patient is nobody's to deny, and who looks after the trail sees that something was denied. */
const BEYOND: ReadonlySet<Kind> = new Set<Kind>(['directory', 'definition', 'audit', 'subscription']);

/** What patients deny this caller of a type. */
export function refusedOf({ refusals }: Terms, principal: Principal, purpose: string, kind: Kind, type: string): Plan {
  if (refusals === undefined || BEYOND.has(kind)) return nothing;
  if (kind !== 'consent' || !allows(principal, kind, 'u')) return refusals.of(type);
  // Somebody has to be able to keep a Consent that denies their whole organization; nobody changes one about themselves.
  return WRITING.has(purpose) ? refusals.ofPatientsInPerson(type) : refusals.inPerson(type);
}

const WRITING: ReadonlySet<string> = new Set(['create', 'update', 'delete']);

/** What emergencies open of a type, each as far as the patient does not deny that too. */
export function openInEmergency({ emergencies, refusals }: Terms, type: string, registry: SearchRegistry): Plan[] {
  return emergencies.flatMap(({ owner, patient }) => {
    const members = inCompartment(patient, type, registry);
    if (members === undefined) return [];
    const theirs = both({ node: 'owned', by: [owner] }, members);
    return [without(theirs, refusals?.inEmergency(type) ?? nothing)];
  });
}

export const without = (where: Plan, refused: Plan): Plan =>
  isNothing(refused) ? where : both(where, { node: 'not', of: refused });
