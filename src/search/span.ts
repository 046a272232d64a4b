/**
 * What a plan says about the key that a resource is sorted by, so that a walk in key order need not pass what cannot
 * match. Of a plan that a resource meets it follows: one of its entries of the parameter lies within these bounds.
 */
import type { Plan, Test } from './plan.js';

export interface KeySpan {
  /** Every match has a number or a date of this parameter. */
  present: boolean;
  /** Where the entry that meets the plan begins, and where it ends; infinite where nothing is said. */
  low: Ends;
  high: Ends;
}

interface Ends {
  min: number;
  max: number;
}

export function keySpan(plan: Plan, param: string): KeySpan {
  switch (plan.node) {
    case 'entry':
      return plan.param === param ? ofTest(plan.test) : unknown;
    case 'all':
      // Several entries may meet one condition each; so what follows from all of them holds for keys, which are extremes.
      return plan.of.map((one) => keySpan(one, param)).reduce(both, unknown);
    case 'any':
      return plan.of.length === 0 ? unknown : plan.of.map((one) => keySpan(one, param)).reduce(either);
    case 'not':
    case 'id':
    case 'owned':
    case 'points':
    case 'pointed':
      return unknown;
  }
}

/** Whether a plan asks for nothing but the key: its span says then how far a walk goes. */
export const isAboutKey = (plan: Plan, param: string): boolean =>
  plan.node === 'entry'
    ? plan.param === param
    : (plan.node === 'any' || plan.node === 'all') && plan.of.every((one) => isAboutKey(one, param));

const endless: Ends = { min: -Infinity, max: Infinity };
const unknown: KeySpan = { present: false, low: endless, high: endless };

function ofTest(test: Test): KeySpan {
  if (test.kind !== 'range' || test.value !== '') return unknown;
  const low = { min: test.low?.gte ?? test.low?.gt ?? -Infinity, max: test.low?.lte ?? test.low?.lt ?? Infinity };
  const high = { min: test.high?.gte ?? test.high?.gt ?? -Infinity, max: test.high?.lte ?? test.high?.lt ?? Infinity };
  // What begins at a number or later ends there or later; what ends before one begins before it.
  return {
    present: true,
    low: { min: low.min, max: Math.min(low.max, high.max) },
    high: { min: Math.max(high.min, low.min), max: high.max },
  };
}

const both = (one: KeySpan, other: KeySpan): KeySpan => ({
  present: one.present || other.present,
  low: within(one.low, other.low),
  high: within(one.high, other.high),
});

const either = (one: KeySpan, other: KeySpan): KeySpan => ({
  present: one.present && other.present,
  low: around(one.low, other.low),
  high: around(one.high, other.high),
});

const within = (one: Ends, other: Ends): Ends => ({
  min: Math.max(one.min, other.min),
  max: Math.min(one.max, other.max),
});

const around = (one: Ends, other: Ends): Ends => ({
  min: Math.min(one.min, other.min),
  max: Math.max(one.max, other.max),
});
