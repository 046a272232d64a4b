/**
 * The bound on chains and `_has`: so many resources may meet the condition on their far side. Without it one question
 * could make a set of everything there is, and nobody else would be served meanwhile.
 */
import type { Plan } from '../../search/plan.js';
import { StoreError } from '../port.js';
import type { Sides } from './within.js';

/** Throws `too-costly` when a join of the plan meets more than `most`; those inside others are looked at first. */
export function refuseWideJoins(
  plan: Plan,
  sides: Sides,
  most: number,
  count: (types: string[], plan: Plan, sides: Sides, atMost: number) => number,
): void {
  const refuse = (types: string[], where: Plan): void => {
    look(where);
    if (count(types, where, sides, most + 1) > most)
      throw new StoreError('too-costly', `One side of a chain or _has meets more than ${most} resources; narrow it.`);
  };
  const look = (one: Plan): void => {
    switch (one.node) {
      case 'all':
      case 'any':
        one.of.forEach(look);
        return;
      case 'not':
        look(one.of);
        return;
      case 'points':
        refuse(one.types, one.where);
        return;
      case 'pointed': {
        const refers: Plan = { node: 'entry', param: one.param, test: { kind: 'text' } };
        refuse([one.by], { node: 'all', of: [one.where, refers] });
        return;
      }
      case 'id':
      case 'entry':
      case 'owned':
        return;
    }
  };
  look(plan);
}
