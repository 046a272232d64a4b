/** Steps of a Task between two organizations: which part may take which (docs/sharing.md). */
import fc from 'fast-check';
import { openNow, type Eyes } from './authorizer.js';
import type { Request } from './request.js';
import type { Token } from './roles.js';
import { named, names } from './sharing.js';
import { keptOf, thereOf } from './state.js';
import { current, latest, nameOf, OWNERS, ref, type Json, type Kept, type World } from './world.js';

/** TABLE: from which status to which. */
const PERFORMER: Record<string, string[]> = {
  requested: ['received', 'accepted', 'rejected'],
  received: ['accepted', 'rejected'],
  accepted: ['in-progress', 'on-hold', 'failed'],
  ready: ['in-progress'],
  'in-progress': ['on-hold', 'completed', 'failed'],
  'on-hold': ['in-progress', 'failed'],
};
const REQUESTER: Record<string, string[]> = {
  draft: ['requested', 'cancelled'],
  requested: ['cancelled', 'ready'],
  received: ['cancelled'],
  accepted: ['cancelled', 'on-hold'],
  ready: ['cancelled'],
  'in-progress': ['cancelled', 'on-hold'],
  'on-hold': ['cancelled', 'in-progress'],
};
const STATUSES = [
  'draft', 'requested', 'received', 'accepted', 'rejected', 'ready', 'in-progress', 'on-hold', 'completed', 'failed', 'cancelled', 'entered-in-error',
]; // prettier-ignore
/** Who may ask another, and after what nobody is asked any more. */
const ASKS_ANOTHER: Token['role'][] = ['coordinator', 'administrator'];
const ENDED = ['rejected', 'cancelled', 'failed', 'completed', 'entered-in-error'];
const OF_PERFORMER = [
  'status',
  'statusReason',
  'businessStatus',
  'output',
  'note',
  'owner',
  'executionPeriod',
  'lastModified',
  'meta',
];

/** Undefined: a Task of one house, which is no step between two. */
export function mayStep(eyes: Eyes, kept: Kept, next: Json): boolean | undefined {
  const { world, token } = eyes;
  const was = current(kept);
  const names_ = OWNERS.some((one) => one !== kept.owner && names(world, kept, one));
  if (kept.owner === token.organization) {
    if (!names_) return undefined;
    if (!eyes.sees(kept, 'u')) return eyes.sees(kept, 'rs') ? false : undefined;
    if (!eyes.allows('Task', 'u', next)) return false;
    if (was.status !== 'draft' && was.owner?.reference !== next.owner?.reference)
      return ASKS_ANOTHER.includes(token.role) && !ENDED.includes(was.status) && next.status === 'requested';
    return (
      was.status === next.status ||
      next.status === 'entered-in-error' ||
      (REQUESTER[was.status] ?? []).includes(next.status)
    );
  }
  // Whose step it is needs no more than to be allowed to change Tasks, and that no patient keeps it from them.
  const mayChange = eyes.isReached(kept) && !eyes.isRefused(kept) && eyes.allows('Task', 'u', was);
  if (!mayChange) return eyes.sees(kept, 'rs') ? false : undefined;
  // It is handed on within the house only.
  if ([was, next].some((one) => named(world, one.owner) !== token.organization)) return false;
  const changed = [...new Set([...Object.keys(was), ...Object.keys(next)])].filter(
    (name) => JSON.stringify(was[name]) !== JSON.stringify(next[name]),
  );
  if (changed.some((name) => !OF_PERFORMER.includes(name))) return false;
  return was.status === next.status ? true : (PERFORMER[was.status] ?? []).includes(next.status);
}

type Updated = (eyes: Eyes, kept: Kept, next: Json) => ReturnType<Request['expected']>;

/** Any status after any other, and what a performer may and may not say with it. */
export const step = (world: World, updated: Updated): fc.Arbitrary<Request> => {
  const tasks = world.kept.filter((kept) => kept.type === 'Task' && current(kept) !== undefined);
  const between = tasks.filter((kept) => OWNERS.some((one) => one !== kept.owner && names(world, kept, one)));
  // Others see them and are not who is asked.
  const told = between.filter((kept) => !OWNERS.includes(named(world, current(kept).owner) ?? ''));
  const people = [...OWNERS, ...keptOf(world, 'Practitioner').map(nameOf)];
  return fc
    .tuple(
      fc.oneof(...[tasks, between, told].filter((all) => all.length > 0).map((all) => fc.constantFrom(...all))),
      fc.constantFrom(...STATUSES),
      fc.constantFrom('', '', 'note', 'description', 'for', 'owner', 'owner'),
      fc.nat(9999),
    )
    .map(([kept, drawn, more, n]): Request => {
      // As often as any other: the same once more, or what one of the parts may say next.
      const was: string = latest(kept).status;
      const likely = [was, ...(PERFORMER[was] ?? []), ...(REQUESTER[was] ?? [])];
      const status = n % 3 === 0 ? drawn : more === 'owner' && n % 2 === 0 ? 'requested' : likely[n % likely.length];
      const patients = Object.values(world.patients).flat();
      const extra = {
        '': {},
        note: { note: [...(latest(kept).note ?? []), { text: `note ${n}` }] },
        description: { description: `description ${n}` },
        owner: { owner: ref(people[n % people.length]!) },
        for: { for: ref(`Patient/${patients[n % patients.length]}`) },
      }[more];
      const next = { ...latest(kept), status, ...extra };
      return stepTo(kept, next, updated);
    });
};

/** Who sees a Task and is neither asked nor asking takes it on: somebody of theirs is its owner from now on. */
export const takeOver = (world: World, updated: Updated): fc.Arbitrary<Request> =>
  fc.nat().map((n): Request => {
    const seen = thereOf(world, 'Task').flatMap((kept) =>
      OWNERS.filter(
        (one) =>
          one !== kept.owner && one !== named(world, current(kept).owner) && openNow(world).get(one)!.has(nameOf(kept)),
      ).map((by) => ({ kept, by })),
    );
    const all = thereOf(world, 'Task').map((kept) => ({ kept, by: kept.owner }));
    const from = seen.length > 0 ? seen : all;
    const { kept, by } = from[n % from.length]!;
    const { status } = current(kept);
    const people = thereOf(world, 'Practitioner').filter(({ owner }) => owner === by);
    const may = [status, ...(PERFORMER[status] ?? [])];
    const owner = ref(nameOf(people[n % people.length]!));
    const next = { ...current(kept), status: may[n % may.length], owner };
    return { ...stepTo(kept, next, updated), about: { owner: by, versions: [{ at: world.now, resource: { owner } }] } };
  });

const stepTo = (kept: Kept, next: Json, updated: Updated): Request => ({
  method: 'PUT',
  path: `/${nameOf(kept)}`,
  about: kept,
  body: next,
  expected: (eyes) => updated(eyes, kept, next),
  effect: ({ world }, { etag }) => {
    if (etag !== `W/"${kept.versions.length}"`) kept.versions.push({ at: world.now, resource: next });
  },
});
