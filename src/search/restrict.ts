/**
 * A plan within what a caller may see: every resource that it touches, at its root and on the far side of each chain and
 * `_has`, must meet what is asked of its type. So nothing that a caller cannot see answers for them, not even by yes or
 * no. It is done to plans, not in a store: both stores and the matcher then mean the same by it.
 */
import type { ResourceType } from '../fhir/types.js';
import type { OpenedTo } from './opened.js';
import type { Plan, Test } from './plan.js';

/** Which resources of a type may be seen. */
export interface Seen {
  owners: readonly string[];
  /** Seen too is what is open to these; the same for all types of which that is true. */
  opened?: OpenedTo;
  where: Plan;
}

export interface Restricted {
  plan: Plan;
  /** Of all types that the plan touches, and what is open to whom. */
  owners: string[];
  opened?: OpenedTo;
}

/** @param of must know every type that the plan touches, see `typesIn` */
export function restrict(plan: Plan, types: readonly ResourceType[], of: (type: ResourceType) => Seen): Restricted {
  const touched = new Set([...types, ...typesIn(plan)]);
  const owners = [...new Set([...touched].flatMap((type) => of(type).owners))];
  const opened = [...touched].map((type) => of(type).opened).find((one) => one !== undefined);

  const limit = (some: readonly ResourceType[]): Plan =>
    ofEach(
      some.map((type) => {
        const seen = of(type);
        const few = seen.owners.length < owners.length || (seen.opened === undefined) !== (opened === undefined);
        return { type, where: few ? both(ownedBy(seen), seen.where) : seen.where };
      }),
    );

  const within = (one: Plan): Plan => {
    switch (one.node) {
      case 'all':
      case 'any':
        return { ...one, of: one.of.map(within) };
      case 'not':
        return { ...one, of: within(one.of) };
      case 'points':
        return { ...one, where: bounded(within(one.where), limit(one.types)) };
      case 'pointed':
        return { ...one, where: bounded(within(one.where), limit([one.by])) };
      case 'id':
      case 'entry':
      case 'owned':
        return one;
    }
  };

  return { plan: bounded(within(plan), limit(types)), owners, ...(opened === undefined ? {} : { opened }) };
}

const ownedBy = ({ owners, opened }: Seen): Plan => ({
  node: 'owned',
  by: [...owners],
  ...(opened === undefined ? {} : { opened }),
});

/**
 * Both; the limit alone is left out where the plan asks for it already, as a search by patient in that patient's own
 * compartment does: no store asks the same twice.
 */
function bounded(plan: Plan, limit: Plan): Plan {
  const asked = plan.node === 'all' ? plan.of : [plan];
  const implied = alternatives(limit).some((way) => asked.some((one) => implies(one, way)));
  return implied ? plan : both(plan, limit);
}

/** Whether what meets one entry's test meets the other's: some of the values, of the same parameter. */
function implies(one: Plan, other: Plan): boolean {
  if (one.node !== 'entry' || other.node !== 'entry' || one.param !== other.param || other.types !== undefined)
    return false;
  const [some, all] = [valuesOf(one.test), valuesOf(other.test)];
  const narrow = other.test.kind === 'text' && other.test.detail !== undefined;
  return !narrow && some !== undefined && all !== undefined && some.every((value) => all.includes(value));
}

const valuesOf = (test: Test): string[] | undefined =>
  test.kind === 'text' && test.value !== undefined && 'is' in test.value ? test.value.is : undefined;

/** The types on the far sides of its chains and `_has`. */
export function typesIn(plan: Plan): ResourceType[] {
  switch (plan.node) {
    case 'all':
    case 'any':
      return plan.of.flatMap(typesIn);
    case 'not':
      return typesIn(plan.of);
    case 'points':
      return [...plan.types, ...typesIn(plan.where)];
    case 'pointed':
      return [plan.by, ...typesIn(plan.where)];
    case 'id':
    case 'entry':
    case 'owned':
      return [];
  }
}

/** A plan that asks another thing of each type; of one type, or where all are asked the same, it names no types. */
export function ofEach(rules: readonly { type: ResourceType; where: Plan }[]): Plan {
  const [first] = rules;
  if (first !== undefined && rules.length === 1) return first.where;
  const groups = new Map<string, { types: ResourceType[]; where: Plan }>();
  for (const { type, where } of rules) {
    const key = JSON.stringify(where);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { types: [type], where });
    else group.types.push(type);
  }
  const [only, ...others] = groups.values();
  if (only !== undefined && others.length === 0) return only.where;
  const of = [...groups.values()].flatMap(({ types, where }) => alternatives(ofTypes(where, types)));
  return { node: 'any', of: merged(of) };
}

export function both(one: Plan, other: Plan): Plan {
  const of = [one, other].flatMap((plan) => (plan.node === 'all' ? plan.of : [plan]));
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { node: 'all', of };
}

export const isEverything = (plan: Plan): boolean => plan.node === 'all' && plan.of.length === 0;

export const isNothing = (plan: Plan): boolean => plan.node === 'any' && plan.of.length === 0;

/** Met only by resources of these types. */
function ofTypes(plan: Plan, types: ResourceType[]): Plan {
  switch (plan.node) {
    case 'id':
    case 'entry': {
      const { types: some } = plan;
      return { ...plan, types: some === undefined ? types : types.filter((type) => some.includes(type)) };
    }
    case 'any':
      return { node: 'any', of: plan.of.map((one) => ofTypes(one, types)) };
    case 'all':
    case 'not':
    case 'owned':
    case 'points':
    case 'pointed':
      return both(areOf(types), plan);
  }
}

const areOf = (types: ResourceType[]): Plan => ({ node: 'entry', param: '_lastUpdated', test: { kind: 'any' }, types });

const alternatives = (plan: Plan): Plan[] => (plan.node === 'any' ? plan.of : [plan]);

/** The same question to several types is asked once. */
function merged(plans: Plan[]): Plan[] {
  const found = new Map<string, Plan>();
  for (const plan of plans) {
    const types = 'types' in plan && plan.node !== 'points' ? plan.types : undefined;
    if (types === undefined) {
      found.set(JSON.stringify(plan), plan);
      continue;
    }
    const key = JSON.stringify({ ...plan, types: [] });
    const known = found.get(key);
    const more = known !== undefined && 'types' in known ? (known.types ?? []) : [];
    found.set(key, { ...plan, types: [...new Set([...more, ...types])] } as Plan);
  }
  return [...found.values()];
}
