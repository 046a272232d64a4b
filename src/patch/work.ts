/** How much one patch may still do: what it copies, compares and walks through is paid for here. */
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

export interface Work {
  /** Takes from what is left; refuses the patch when that is not enough. */
  spend(amount: number): void;
}

/** The work of one whole patch, not of one of its operations: a thousand small ones are as slow as a large one. */
export function workOf(limit: number = limits.patchWork): Work {
  let left = limit;
  return {
    spend(amount) {
      left -= amount;
      if (left >= 0) return;
      throw failure(
        'too-costly',
        `The patch copies, compares or walks through more than ${limit} elements and characters. Send fewer operations, or an update.`,
      );
    },
  };
}
