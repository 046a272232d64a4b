/** What one caller sees of the world as it is: role and scopes, owner and openings, and what Consents take away. */
import { isDenied, isDeniedInPerson } from './decisions.js';
import { isBound, isGeneral, isMember, reaches, ways, type Token } from './roles.js';
import { isDirectory, openIn, showing, shows, type Open } from './sharing.js';
import { once, thereOf } from './state.js';
import { current, nameOf, type Json, type Kept, type World } from './world.js';

export interface Eyes {
  world: World;
  token: Token;
  /** Whether the token reaches the type at all; else a request for it is 403. */
  reaches(type: string, letter: string): boolean;
  /** Whether it is there for reading, judged by the version that is current, and by the one that is asked for. */
  sees(kept: Kept, letters: string, at?: number): boolean;
  /** Whether a resource of this type and text, of its own organization, would be within what the letter allows. */
  allows(type: string, letter: string, resource: Json): boolean;
  /** Whether it is there for the organization at all, whatever the token may do with it. */
  isReached(kept: Kept): boolean;
  /** Whether it is a Consent of who refuses something to the caller in person: nobody writes about themselves. */
  isConcerned(owner: string, consent: Json): boolean;
  /** Whether a patient keeps it, as it stands, from this person. */
  isRefused(kept: Kept): boolean;
  /** Whether what it writes may refer to it: to all that its organization sees, and a patient to what is their own. */
  mayReferTo(kept: Kept): boolean;
  /** All that is there now and is seen. */
  visible(type: string, letters: string): Kept[];
}

/** What is open depends on the world alone. Bytes are taken out with the last resource that shows them. */
export const openNow = (world: World): Open =>
  once(world, 'open', () =>
    openIn(world, (kept, to) => !isDirectory(kept) && isDenied(world, { organization: to }, kept)),
  );

export function createEyes(world: World, token: Token): Eyes {
  const open = openNow(world).get(token.organization) ?? new Set<string>();
  const lists = new Map<string, Kept[]>();
  const meant = new Map<string, ((resource: Json) => boolean)[]>();
  const actor = { organization: token.organization, person: token.person };

  const bytesOf = (patient: string, binary: Json): boolean => {
    const context = binary.securityContext?.reference;
    const itself = world.at.get(`Binary/${binary.id}`)!;
    const isOf = (one: Kept | undefined) =>
      one !== undefined && current(one) !== undefined && isMember(patient, one.type, current(one));
    if (context !== undefined) return context === `Patient/${patient}` || isOf(world.at.get(context));
    return showing(world).some((one) => shows(one, itself) && isOf(one) && isReached(one));
  };
  const isAbout = (patient: string, kept: Kept): boolean =>
    isGeneral(kept.type) ||
    (kept.type === 'Binary' ? bytesOf(patient, current(kept)) : isMember(patient, kept.type, current(kept)));
  const isReached = (kept: Kept): boolean =>
    kept.owner === token.organization ||
    kept.owner === '*' ||
    // An auditor sees the directory, and no case.
    (open.has(nameOf(kept)) && (token.role !== 'auditor' || isDirectory(kept)));

  function isThere(kept: Kept, at: number): boolean {
    if (!isReached(kept)) return false;
    if (kept.owner === token.organization || kept.owner === '*') return true;
    return current(kept) !== undefined && kept.versions[at] !== undefined;
  }

  /**
   * Refused to this person, or to their own organization; what is refused to others as a whole is not open in the first
   * place, but for an older version that was about somebody else.
   */
  const isRefused = (kept: Kept, resource: Json, isOld: boolean): boolean =>
    (isDenied(world, actor, kept, resource) &&
      (isOld ||
        kept.owner === token.organization ||
        !isDenied(world, { organization: token.organization }, kept, resource))) ||
    // Bytes are kept from whom what shows them is kept from.
    (kept.type === 'Binary' &&
      showing(world).some(
        (one) => one.owner === kept.owner && shows(one, kept) && isReached(one) && isRefused(one, current(one), false),
      ));

  const isConcerned = (owner: string, { resourceType, patient }: Json): boolean =>
    resourceType === 'Consent' &&
    token.person !== undefined &&
    isDeniedInPerson(world, owner, patient.reference.slice(8), token.person);

  const eyes: Eyes = {
    world,
    token,
    reaches: (type, letter) => reaches(token, type, letter),
    sees(kept, letters, at = kept.versions.length - 1) {
      if (!isThere(kept, at)) return false;
      // What is open to others is open for reading.
      const given = Array.from(letters).filter((one) => 'rs'.includes(one) || kept.owner === token.organization);
      const writes = !Array.from(letters).some((one) => 'rs'.includes(one));
      return [at, kept.versions.length - 1].every((one) => {
        const resource = kept.versions[one]!.resource ?? kept.versions[one - 1]!.resource;
        if (writes && isConcerned(kept.owner, resource)) return false;
        const isOld = one < kept.versions.length - 1;
        return !isRefused(kept, resource, isOld) && given.some((letter) => eyes.allows(kept.type, letter, resource));
      });
    },
    allows(type, letter, resource) {
      const found = meant.get(`${type} ${letter}`) ?? ways(token, type, letter, bytesOf);
      meant.set(`${type} ${letter}`, found);
      return found.some((meets) => meets(resource));
    },
    isReached,
    isRefused: (kept) => isRefused(kept, current(kept), false),
    isConcerned,
    mayReferTo(kept) {
      if (current(kept) === undefined || !isReached(kept) || isRefused(kept, current(kept), false)) return false;
      return !isBound(token) || (token.patient !== undefined && isAbout(token.patient, kept));
    },
    visible(type, letters) {
      const found = lists.get(`${type} ${letters}`) ?? thereOf(world, type).filter((kept) => eyes.sees(kept, letters));
      lists.set(`${type} ${letters}`, found);
      return found;
    },
  };
  return eyes;
}
