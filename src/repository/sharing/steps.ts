/** The one place where a Task's steps are asked for: between what is current and what a write would leave. */
import type { Principal } from '../../access/principal.js';
import { demandStep } from '../../access/steps.js';
import type { Element } from '../../fhir/types.js';
import { parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';
import { isThere, type Change, type Found } from '../../store/port.js';
import { nameOf } from '../operations.js';
import { othersNamed } from './referral.js';
import { knownOf, type World } from './world.js';

/** Throws 403 for a step that is not this caller's. What is new, in one's own house, or deleted by its own, is free. */
export async function demandTaskStep(
  principal: Principal,
  was: Found | undefined,
  change: Change,
  world: World,
): Promise<void> {
  if (!isThere(was) || !isThere(change) || principal.grant === undefined) return;
  const name = nameOf(change);
  const others = await othersNamed(knownOf(name, was), world);
  if (others.size === 0 && principal.owner === was.owner) return;
  const [before, after] = [was, change].map(({ text = '{}' }) => parseJson(text, limits.depth) as Element);
  const asked = async (task: Element | undefined): Promise<string | undefined> => {
    const [owner] = world.named(task, 'owner');
    await world.loadOwners(owner === undefined ? [] : [owner]);
    return owner === undefined ? undefined : world.ownerOf(owner);
  };
  demandStep(principal, {
    name,
    organization: was.owner,
    was: before ?? {},
    next: after ?? {},
    asked: { was: await asked(before), next: await asked(after) },
  });
}
