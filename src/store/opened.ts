/** The part of the store's contract that is about what is open to others than its owner. */
import type { Openness } from '../search/opened.js';
import type { ResourceType } from '../fhir/types.js';
import { StoreError, type Key } from './port.js';

/** A resource that is open to an organization, or to everybody (`*`). */
export interface Opening extends Key, Openness {}

/** All that is opened by one reason, its `via`: it replaces what the same `via` opened before. */
export interface Opened {
  /** A referral (`ServiceRequest/x`, `Task/y`), or the directory's entry that opens itself (`directory/Type/id`). */
  via: string;
  /** The generation that it was computed at, see `sharing`; 0: there was none. */
  was: number;
  openings: Opening[];
}

/** What is open, and why. Not part of the data: it follows from the resources, and no feed or backup has it. */
export interface Sharing {
  /** What each of these opened, and at which generation; nothing, at 0, where one never did. */
  of(via: string[]): Promise<Map<string, { generation: number; openings: Opening[] }>>;
  /** By which `via` each of these resources is open to anybody, at whatever time; by `Type/id`, without those that are not. */
  via(keys: Key[]): Promise<Map<string, string[]>>;
  /**
   * The names that begin so to which current resources of a type are open, at whatever time; undefined where more than
   * `atMost` openings name one. It is for what the server decides by itself: no caller is told.
   */
  named(type: ResourceType, beginning: string, atMost: number): Promise<Set<string> | undefined>;
}

/** Where the names end that begin so. */
export const endOf = (beginning: string): string => `${beginning}\u{10ffff}`;

export const overtaken = (via: string): StoreError =>
  new StoreError('conflict', `What ${via} opens was computed anew meanwhile.`, via);
