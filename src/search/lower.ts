/** Turns a search into the plan that a store answers. */
import type { Condition, Search } from './ast.js';
import { everything, type Plan, type Test } from './plan.js';

/** The caller's access constraint, once there is one, is and-ed to this by whoever knows it. */
export function lower(search: Pick<Search, 'conditions'>): Plan {
  const plans = search.conditions.map(lowerCondition);
  const [only] = plans;
  if (only === undefined) return everything;
  return plans.length === 1 ? only : { node: 'all', of: plans };
}

function lowerCondition(condition: Condition): Plan {
  switch (condition.kind) {
    case 'id':
      return unless(condition.negated, { node: 'id', ids: [...new Set(condition.ids)] });
    case 'missing':
      return unless(
        condition.missing,
        anyOf(condition.params.map((param) => ({ node: 'entry', param, test: { kind: 'any' } }))),
      );
    case 'tests':
      return unless(condition.negated, anyEntry(condition.param, condition.tests));
    case 'points':
      return { node: 'points', param: condition.param, types: condition.types, where: lowerCondition(condition.where) };
    case 'pointed':
      return { node: 'pointed', by: condition.by, param: condition.param, where: lowerCondition(condition.where) };
    case 'within':
      return condition.plan;
  }
}

const unless = (negated: boolean, plan: Plan): Plan => (negated ? { node: 'not', of: plan } : plan);

function anyEntry(param: string, tests: readonly Test[]): Plan {
  return anyOf(joined(tests).map((test): Plan => ({ node: 'entry', param, test })));
}

function anyOf(plans: Plan[]): Plan {
  const [only] = plans;
  return only !== undefined && plans.length === 1 ? only : { node: 'any', of: plans };
}

/** Values that may be met in the same way become one list: `code=a,b,c` asks the store once, not three times. */
function joined(tests: readonly Test[]): Test[] {
  const lists = new Map<string | undefined, Set<string>>();
  const others: Test[] = [];
  for (const test of tests) {
    if (test.kind !== 'text' || test.value === undefined || !('is' in test.value)) others.push(test);
    else {
      const list = lists.get(test.detail) ?? new Set();
      for (const value of test.value.is) list.add(value);
      lists.set(test.detail, list);
    }
  }
  const lone = [...lists].map(([detail, is]): Test => ({
    kind: 'text',
    value: { is: [...is] },
    ...(detail === undefined ? {} : { detail }),
  }));
  return [...lone, ...others];
}
