/**
 * What the authorizer's loops go through, sorted out once for each state of the world: a million pairs ask about it, and
 * one in twenty changes it.
 */
import { current, type Json, type Kept, type World } from './world.js';

interface State {
  world: World;
  revision: number;
  now: number;
  known: Map<string, unknown>;
}

let state: State | undefined;

/** What was worked out of the world under this name; `work` does it when that is the first time since it last changed. */
export function once<T>(world: World, name: string, work: () => T): T {
  if (state?.world !== world || state.revision !== world.revision || state.now !== world.now)
    state = { world, revision: world.revision, now: world.now, known: new Map() };
  if (!state.known.has(name)) state.known.set(name, work());
  return state.known.get(name) as T;
}

/** What is worked out of one text, which never changes; what else is asked with it is the same each time. */
export function ofText<T, More extends unknown[] = []>(
  work: (resource: Json, ...more: More) => T,
): (resource: Json, ...more: More) => T {
  const known = new WeakMap<Json, { is: T }>();
  return (resource, ...more) => {
    const found = known.get(resource) ?? { is: work(resource, ...more) };
    known.set(resource, found);
    return found.is;
  };
}

/** All of a type, and what was deleted. */
export const keptOf = (world: World, type: string): Kept[] =>
  once(world, `kept ${type}`, () => world.kept.filter((kept) => kept.type === type));

/** All that is there now, of one type where one is said. */
export const thereOf = (world: World, type?: string): Kept[] =>
  once(world, `there ${type ?? ''}`, () =>
    (type === undefined ? world.kept : keptOf(world, type)).filter((kept) => current(kept) !== undefined),
  );
