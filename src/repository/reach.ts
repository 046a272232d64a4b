/** What a caller's sight comes to for a store: the organizations, and what others have opened to it at the time of the call. */
import type { Purpose, Sight } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import type { ResourceType } from '../fhir/types.js';
import type { OpenedTo } from '../search/opened.js';
import type { Plan } from '../search/plan.js';
import type { Seen } from '../search/restrict.js';
import type { Key, Reach } from '../store/port.js';

/** Seen by the owners' reach, and what is open to these at the time of the call. */
export function reachOf(call: Call, owners: readonly string[], opens: readonly string[] | undefined): Reach {
  const opened = openedTo(call, opens);
  return opened === undefined ? { owners: [...owners] } : { owners: [...owners], opened };
}

export const openedTo = ({ at }: Call, to: readonly string[] | undefined): OpenedTo | undefined =>
  to === undefined ? undefined : { to, at };

/** Keys of types that are seen of the same organizations are read together. */
export function groupsOf(call: Call, sight: Sight, keys: Key[], seen: (Seen | undefined)[]) {
  const groups = new Map<string, { reach: Reach; places: { key: Key; at: number; where: Plan }[] }>();
  for (const [at, key] of keys.entries()) {
    const rule = seen[at];
    if (rule === undefined) continue;
    const opens = sight.opens(key.type);
    const name = JSON.stringify([rule.owners, opens]);
    const group = groups.get(name) ?? { reach: reachOf(call, rule.owners, opens), places: [] };
    groups.set(name, group);
    group.places.push({ key, at, where: rule.where });
  }
  return groups.values();
}

/** Resources that a write names, by `Type/id`. */
export interface Named {
  /** The same resource named them before: they need not be within reach any more. */
  kept: ReadonlySet<string>;
  /** They become visible to others by being named here: nobody does that with what they do not see. */
  opening: readonly string[];
}

/** Of a type of which nothing is seen. */
export const NOTHING: Seen = { owners: [], where: { node: 'any', of: [] } };

export const ownersOf = (seen: readonly (Seen | undefined)[]): string[] => [
  ...new Set(seen.flatMap((rule) => rule?.owners ?? [])),
];

export function seenOr403(sight: Sight, purpose: Purpose, type: ResourceType): Seen | undefined {
  const rule = sight.of(type);
  if (rule === undefined && purpose !== 'include' && purpose !== 'refer') throw sight.refusal(type);
  return rule;
}

/** Keys that are read at once, so that their texts do not fill the memory. */
export const READ_AT_ONCE = 50;
/** How often a history looks further for what the caller sees: when it has some, and when it has none. */
export const ROUNDS = 20;
export const MANY_ROUNDS = 200;

/** A search before it is narrowed. */
export interface Asked {
  purpose: 'search' | 'include';
  types: readonly ResourceType[];
  plan: Plan;
  /** The client named the types: one that it may not search is refused, where it would else be passed over. */
  named?: boolean;
}
