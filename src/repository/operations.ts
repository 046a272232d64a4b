/** What writes are asked for, and what became of them: the words that the files of a write share. */
import type { BlobRef } from '../blob/port.js';
import type { Issue } from '../fhir/outcome.js';
import type { Operation } from '../fhir/transaction/operation.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import { isRange } from '../search/plan.js';
import { SHOWS } from '../search/shown.js';
import type { Found, Guard, Key, Version } from '../store/port.js';
import type { Conditions } from './conditions.js';
import type { Prepared } from './prepare/prepare.js';

/**
 * What a create or update brings: a resource, with its text where that is the one that would be made of it, or what was
 * made of one that is large.
 */
export type Brought =
  { resource: Resource; text?: string; prepared?: never } | { resource?: never; text?: never; prepared: Prepared };

export interface Asked extends Operation, Pick<Brought, 'text'> {
  prepared?: Prepared;
}

export const idBrought = ({ resource, prepared }: Pick<Asked, 'resource' | 'prepared'>): string | undefined =>
  prepared === undefined ? resource?.id : prepared.id;

/** An operation that changes something, with the bytes of a Binary where these came by themselves. */
export interface Work {
  operation: Asked;
  blob?: BlobRef;
}

/** What a write did. */
export interface Written {
  /** What is current now, a deletion too; undefined where there was nothing to delete. */
  version: Version | undefined;
  /** False when a resource of this id was there before. */
  created: boolean;
  /** False when all was already as it was to be: a conditional create that found its resource, nothing to delete. */
  changed: boolean;
  /** What the checks found that does not forbid the write. */
  issues: Issue[];
  /** It was made by an earlier submission, and this is its answer once more. */
  replayed?: true;
  /** The caller may write this, but not read it. */
  withheld?: true;
}

/** One resource that an operation is about, once conditions have found it. */
export interface Step {
  work: Work;
  key: Key;
  /** What is current, read before the write. */
  was: Found | undefined;
  /** Nothing is to be written: it is there already. */
  unchanged?: true;
}

/** The steps of all operations, and what must stay true of what was found until the write is made. */
export interface Resolved {
  /** In the order of the operations; of those that found nothing to delete there is none. */
  steps: Step[];
  guards: Guard[];
}

export const nameOf = ({ type, id }: Key): string => `${type}/${id}`;

export function keyOf(name: string): Key {
  const slash = name.indexOf('/');
  return { type: name.slice(0, slash), id: name.slice(slash + 1) };
}

/** The Binaries whose bytes it shows, as `Binary/id`. */
export const shownBy = ({ entries }: Pick<Found, 'entries'>): string[] =>
  entries.flatMap((entry) => (entry.param === SHOWS && !isRange(entry) ? [entry.value] : []));

/** An operation as a request of its own would be. */
export const created = (type: ResourceType, resource: Resource): Operation => ({
  index: 0,
  method: 'POST',
  interaction: 'create',
  type,
  query: '',
  resource,
  conditions: {},
});

export const updated = ({ type, id }: Key, resource: Resource, conditions: Conditions): Operation => ({
  index: 0,
  method: 'PUT',
  interaction: 'update',
  type,
  id,
  query: '',
  resource,
  conditions,
});
