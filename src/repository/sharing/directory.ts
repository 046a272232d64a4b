/**
 * The network's directory: whom there is to refer to. Each entry is open to everybody for reading, by a reason of its
 * own, as soon as it is written; it is its owner's to write. (docs/sharing.md)
 */
import { EVERYBODY } from '../../access/principal.js';
import type { Element } from '../../fhir/types.js';
import { isThere, type Opened, type Store, type Version } from '../../store/port.js';
import { nameOf } from '../operations.js';
import { FOREVER } from './referral.js';
import type { Turn } from './touched.js';

/** TABLE: type -> whether an entry is of the directory. */
const DIRECTORY: Record<string, (says: Element) => boolean> = {
  Organization: () => true,
  OrganizationAffiliation: () => true,
  Practitioner: () => true,
  PractitionerRole: () => true,
  HealthcareService: () => true,
  Location: () => true,
  Endpoint: () => true,
  /** With a subject it tells who cares for whom. */
  CareTeam: ({ subject }) => subject === undefined,
};

/** What these changes open or close; a new version of what is open stays open by itself. */
export async function inDirectory(turns: readonly Turn[], of: Store['sharing']['of']): Promise<Opened[]> {
  const changed = turns.flatMap(({ change, was }) => {
    const isOpen = isListed(change);
    return isThere(change) && isOpen !== (isThere(was) && isListed(was)) ? [{ change, was, isOpen }] : [];
  });
  const known = changed.filter(({ was }) => was !== undefined).map(({ change }) => viaOf(change));
  const generations = known.length === 0 ? undefined : await of(known);
  return changed.map(({ change, isOpen }) => {
    const [via, { type, id }] = [viaOf(change), change];
    const openings = isOpen ? [{ type, id, to: EVERYBODY, from: 0, until: FOREVER }] : [];
    return { via, was: generations?.get(via)?.generation ?? 0, openings };
  });
}

export function isListed(version: Version & { document?: object }): boolean {
  const listed = DIRECTORY[version.type];
  if (listed === undefined || !isThere(version)) return false;
  if (version.type !== 'CareTeam') return true;
  return listed((version.document ?? JSON.parse(version.text ?? '{}')) as Element);
}

export const viaOf = (version: Pick<Version, 'type' | 'id'>): string => `directory/${nameOf(version)}`;
