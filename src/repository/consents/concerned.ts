/**
 * Of whom Consents speak, so that they are found when one of those calls, at whatever organization. They are kept as what
 * the Consent is open to, under names that no organization can have: the one index that goes across organizations. No
 * caller's reach has such a name, so nobody is shown the Consent by it.
 */
import { namedBy, nameOf } from '../../access/consent/actors.js';
import type { Agreement, Provision } from '../../access/consent/consent.js';
import type { Resource } from '../../fhir/types.js';

/** A person, a role, a team that is named. */
export const toOf = (name: string): string => `:${name}`;
/** The people of the organization that keeps the Consent, as a whole. */
export const insideOf = (organization: string): string => `:inside ${organization}`;
/** Some people of an organization, where others of it are meant otherwise. */
export const someOf = (organization: string): string => `:some ${organization}`;

/** Whom a Consent concerns one by one; what it says of a whole other organization stands in what is open to that. */
export function concernedBy(resource: Resource, { owner, root }: Agreement, base: string): string[] {
  const all = provisionsIn(root);
  const denying = all.filter(({ type }) => type === 'deny');
  const inside = denying.some(({ actors }) => actors?.organizations.includes(owner) === true) ? [insideOf(owner)] : [];
  const some =
    denying.length === 0 ? [] : all.flatMap(({ actors, type }) => (type === 'permit' ? (actors?.homes ?? []) : []));
  const named = namedBy({ ...resource, resourceType: 'Consent' }, base).filter(({ type }) => type !== 'Organization');
  return [...new Set([...inside, ...some.map(someOf), ...named.map((one) => toOf(nameOf(one)))])];
}

const provisionsIn = (root: Provision): Provision[] => [root, ...root.exceptions.flatMap(provisionsIn)];
