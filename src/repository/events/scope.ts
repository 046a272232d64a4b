/** What of the trail a plan need not look at: by which keys it can be found, and within which time. */
import { keyOfResource } from '../../audit/record.js';
import type { Bounds, Plan } from '../../search/plan.js';

/** A patient, a resource or a person that it asks for; else everything of the organizations. */
export function keysAsked(plan: Plan, owners: readonly string[]): string[] {
  const asked = conjuncts(plan);
  for (const [param, key] of KEYS)
    for (const one of asked) {
      const values = one.node === 'entry' && one.param === param ? valuesOf(one) : undefined;
      if (values !== undefined && values.length <= MOST) return [...new Set(values.map(key))];
    }
  return owners.map((owner) => `o:${owner}`);
}

/** TABLE: parameter -> the key of what it names, those that find the fewest first. */
const KEYS: readonly [string, (reference: string) => string][] = [
  ['entity', keyOfResource],
  ['patient', keyOfResource],
  ['agent', (reference) => `a:${reference}`],
];

/** So many keys are followed at once. An id without a type stands for one of each type. */
const MOST = 8;

/** The time within which what meets the plan was recorded, both ends included. */
export function spanOf(plan: Plan): { from?: number; to?: number } {
  let [from, to] = [-Infinity, Infinity];
  for (const one of conjuncts(plan)) {
    if (one.node !== 'entry' || one.test.kind !== 'range' || !TIMES.has(one.param)) continue;
    const { low, high } = one.test;
    // A record has one instant: its range begins and ends there.
    from = Math.max(from, least(low), least(high));
    to = Math.min(to, greatest(low), greatest(high));
  }
  return {
    ...(from === -Infinity ? {} : { from: Math.floor(from) }),
    ...(to === Infinity ? {} : { to: Math.ceil(to) }),
  };
}

const TIMES: ReadonlySet<string> = new Set(['date', '_lastUpdated']);

const least = ({ gt = -Infinity, gte = -Infinity }: Bounds = {}): number => Math.max(gt, gte);
const greatest = ({ lt = Infinity, lte = Infinity }: Bounds = {}): number => Math.min(lt, lte);

/** What all must hold. */
function conjuncts(plan: Plan): Plan[] {
  return plan.node === 'all' ? plan.of.flatMap(conjuncts) : [plan];
}

const valuesOf = ({ test }: Plan & { node: 'entry' }): string[] | undefined =>
  test.kind === 'text' && test.value !== undefined && 'is' in test.value ? test.value.is : undefined;
