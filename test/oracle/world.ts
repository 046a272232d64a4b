/** What the small world is made of that the oracle asks about: its resources with all their versions, and its words. */
export type Json = any;

export const NAMES = ['north', 'south', 'west'] as const;
export type Organization = (typeof NAMES)[number];

/** Owners are named by their Organization, as tokens have it. */
export const ownerOf = (name: Organization): string => `Organization/${name}`;
export const OWNERS = NAMES.map(ownerOf);

export interface Version {
  at: number;
  /** Undefined for a deletion. */
  resource: Json;
  /** Who wrote it, where that was not the owner: a performer's step. */
  by?: string;
}

/** One resource with all its versions, oldest first. */
export interface Kept {
  type: string;
  id: string;
  owner: string;
  versions: Version[];
}

export interface World {
  kept: Kept[];
  /** `Type/id` -> what is there. */
  at: Map<string, Kept>;
  patients: Record<string, string[]>;
  /** Milliseconds; the server's clock says the same. */
  now: number;
  /** Counts changes, so that what was worked out of the world is not used after one. */
  revision: number;
}

export const DAY = 24 * 3600 * 1000;
/** When the world is complete; odd, so that nothing ends at this very instant. */
export const TODAY = Date.UTC(2026, 5, 1, 12) + 7;
/** Ages at which the world was written: everything at first, then what became of it. */
export const FIRST = 60;

export const GENDERS = ['female', 'male', 'other'];
export const CODES = ['c0', 'c1', 'c2'];
export const CODE_SYSTEM = 'urn:oracle:codes';
export const CATEGORIES = ['vital-signs', 'laboratory', 'social-history'];
export const CATEGORY_SYSTEM = 'http://terminology.hl7.org/CodeSystem/observation-category';

export const ref = (to: string) => ({ reference: to });
export const concept = (code: string) => ({ coding: [{ system: CODE_SYSTEM, code }] });
export const current = ({ versions }: Kept): Json => versions.at(-1)?.resource;
/** As it is, or as it was before it was deleted. */
export const latest = ({ versions }: Kept): Json => versions.at(-1)?.resource ?? versions.at(-2)!.resource;
export const nameOf = ({ type, id }: Kept): string => `${type}/${id}`;

/** What the makers of the world build with. */
export interface Builder {
  world: World;
  chance: (likelihood: number) => boolean;
  pick: <T>(from: readonly T[]) => T;
  /** Each in its turn, from a random one on: so that no world lacks one. */
  deal: <T>(from: readonly T[]) => T;
  /** Gives the resource's `Type/id`. */
  add: (type: string, owner: string, resource: Json, age?: number) => string;
  /** Its next version, so many days ago. */
  change: (to: string, age: number, next: (was: Json) => Json, by?: string) => void;
  /** A reference to one of these that is there: mostly of the same owner, at times another's, as careless clients write it. */
  some: (owner: string, type: string, foreign?: number) => Json;
}
