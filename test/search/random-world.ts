/** Random worlds and random plans over them, for the test that all who run a plan agree. */
import fc from 'fast-check';
import { everything, type Bounds, type Entry, type Order, type Plan, type Test } from '../../src/search/plan.js';
import type { Seen } from '../../src/search/restrict.js';
import type { Doc } from '../../src/search/match.js';
import type { OpenedTo } from '../../src/search/opened.js';
import type { Change, Opened, Owner, Reach, Store } from '../../src/store/port.js';

export const types = ['Patient', 'Observation', 'Task'];
const owners: Owner[] = ['north', 'south'];
/** What is open to east, or to everybody, at noon. */
const opened: OpenedTo = { to: ['east', '*'], at: 12 };
/** Reaches that a plan is run with: most see one owner, and half of them what is open. */
export const reaches: Reach[] = [
  { owners: ['north'] },
  { owners: ['north', 'south'] },
  { owners: ['south'] },
  { owners: [] },
  { owners: ['north'], opened },
  { owners: ['south', 'east'], opened: { to: ['east'], at: 12 } },
  { owners: [], opened },
];

const ids = Array.from({ length: 30 }, (_, n) => `r${n}`);
/** What only a modifier finds, and the value of a composite, are entries like others. */
const textParams = ['name', 'code', 'code:text', 'answer-token'];
const rangeParams = ['date', 'size'];
const referenceParams = ['subject', 'focus'];
const values = ['', 'a', 'a\u001eb', 'urn:x\u001fa\u001eb', 'ab', 'abc', 'b', 'B', 'é', '\u{1F600}', 'a%', "'"];
const details = ['', 'urn:x', 'urn:y'];
const units = ['', '', 'mg', 'a\u001e', 'urn:x\u001fa\u001e=0,0,1,0'];

const pick = <T>(from: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...from);
const reference = fc.tuple(pick(types), pick(ids)).map(([type, id]) => `${type}/${id}`);
const number = fc
  .integer({ min: -4, max: 10 })
  .map((n) => (n === -4 ? -Infinity : n === 8 ? Infinity : n === 9 ? 1e-300 : n === 10 ? 6.02214e26 : n / 2));

const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ param: pick(textParams), value: pick(values), detail: pick(details) }),
  fc.record({ param: pick(referenceParams), value: reference, detail: pick(['', '', '1']) }),
  fc
    .record({ param: pick(rangeParams), value: pick(units), low: number, width: fc.nat(3) })
    .map(({ width, ...range }) => ({ ...range, high: range.low + width })),
);

/** A step in the life of a resource: a version, or its deletion. */
const step = fc.record({
  at: reference,
  owner: pick(owners),
  deleted: fc.nat(9).map((n) => n === 0),
  entries: fc.uniqueArray(entry, { maxLength: 6, selector: (one) => JSON.stringify(Object.entries(one)) }),
});

/** What is opened after so many changes: much of it long ago, or later than noon. */
const opening = fc.record({
  after: fc.nat(170),
  at: reference,
  to: pick(['east', 'east', '*', 'west']),
  from: pick([0, 0, 0, 12, 13]),
  until: pick([12, 13, 24, Number.MAX_SAFE_INTEGER]),
});

/** The changes that make the world, each with the version that follows; none deletes what is not there. */
const changes: fc.Arbitrary<Change[]> = fc.array(step, { minLength: 150, maxLength: 170 }).map((steps) => {
  const current = new Map<string, { version: number; there: boolean }>();
  return steps.flatMap(({ at, owner, deleted, entries }, n): Change[] => {
    const { version, there } = current.get(at) ?? { version: 0, there: false };
    if (deleted && !there) return [];
    current.set(at, { version: version + 1, there: !deleted });
    const [type = '', id = ''] = at.split('/');
    const change = { type, id, version: version + 1, updated: 1_700_000_000_000 + (n % 50), owner };
    return deleted
      ? [{ ...change, method: 'DELETE', text: undefined, entries: [] }]
      : [{ ...change, method: 'PUT', text: JSON.stringify({ at, n }), entries }];
  });
});

export interface World {
  changes: Change[];
  /** What is opened when so many of the changes are made. */
  opened: Map<number, Opened>;
}

export const world: fc.Arbitrary<World> = fc
  .tuple(changes, fc.array(opening, { minLength: 170, maxLength: 190 }))
  .map(([some, openings]) => ({
    changes: some,
    opened: new Map(
      some.map((_, n) => {
        const then = openings.filter(({ after }) => Math.min(after, some.length - 1) === n);
        const named = then.map(({ at, to, from, until }) => ({ ...keyOf(at), to, from, until }));
        return [n, { via: `after ${n}`, was: 0, openings: uniqueBy(JSON.stringify, named) }] as const;
      }),
    ),
  }));

const uniqueBy = <T>(name: (one: T) => string, some: T[]): T[] => [
  ...new Map(some.map((one) => [name(one), one])).values(),
];

function keyOf(reference: string) {
  const [type = '', id = ''] = reference.split('/');
  return { type, id };
}

/** What is current at the end, to whom it belongs, and to whom it is open. */
export function currentOf({ changes, opened }: World): (Doc & { owner: string })[] {
  const current = new Map<string, Doc & { owner: string }>();
  for (const [n, change] of changes.entries()) {
    const name = `${change.type}/${change.id}`;
    if (change.text === undefined) current.delete(name);
    else current.set(name, { ...change, openings: current.get(name)?.openings });
    for (const { type, id, ...one } of opened.get(n)?.openings ?? []) {
      const doc = current.get(`${type}/${id}`);
      if (doc !== undefined) doc.openings = [...(doc.openings ?? []), one];
    }
  }
  return [...current.values()];
}

/** Makes the world in a store. */
export async function make(store: Store, { changes, opened }: World): Promise<void> {
  for (const [n, change] of changes.entries()) {
    const now = opened.get(n);
    const along = now === undefined || now.openings.length === 0 ? {} : { opened: [now] };
    await store.write([change], [], undefined, undefined, along);
  }
}

const bounds: fc.Arbitrary<Bounds> = fc.record(
  { gt: number, gte: number, lt: number, lte: number },
  { requiredKeys: [], noNullPrototype: true },
);
const boundsOfTime: fc.Arbitrary<Bounds> = fc
  .tuple(pick(['gt', 'gte', 'lt', 'lte'] as const), fc.nat(50))
  .map(([bound, n]) => ({ [bound]: 1_700_000_000_000 + n }));

const textTest: fc.Arbitrary<Test> = fc
  .record(
    {
      value: fc.oneof(
        fc.uniqueArray(pick(values), { maxLength: 4 }).map((is) => ({ is })),
        pick(values).map((startsWith) => ({ startsWith })),
        pick(values).map((contains) => ({ contains })),
      ),
      detail: pick(details),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((test) => ({ kind: 'text', ...test }));
const rangeTest = (low: fc.Arbitrary<Bounds>): fc.Arbitrary<Test> =>
  fc
    .record({ value: pick(units), low, high: low }, { requiredKeys: ['value'], noNullPrototype: true })
    .map((test) => ({ kind: 'range', ...test }));
const anyTest: Test = { kind: 'any' };

/** One in four is about some types only. */
const ofTypes = <T extends Plan>(node: fc.Arbitrary<T>): fc.Arbitrary<Plan> =>
  fc
    .tuple(node, fc.nat(3), fc.uniqueArray(pick(types), { maxLength: 2 }))
    .map(([one, n, some]) => (n === 0 ? { ...one, types: some } : one));

const leaf: fc.Arbitrary<Plan> = fc.oneof(
  {
    weight: 4,
    arbitrary: ofTypes(fc.record({ node: fc.constant('entry' as const), param: pick(textParams), test: textTest })),
  },
  {
    weight: 3,
    arbitrary: ofTypes(
      fc.record({ node: fc.constant('entry' as const), param: pick(rangeParams), test: rangeTest(bounds) }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      node: fc.constant('entry' as const),
      param: pick(['_lastUpdated']),
      test: rangeTest(boundsOfTime),
    }),
  },
  {
    weight: 1,
    // Tests that do not fit what the parameter has, and parameters that nothing has.
    arbitrary: ofTypes(
      fc.record({
        node: fc.constant('entry' as const),
        param: pick([...textParams, ...rangeParams, ...referenceParams, '_lastUpdated', 'none']),
        test: fc.oneof(fc.constant(anyTest), textTest, rangeTest(bounds)),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      node: fc.constant('entry' as const),
      param: pick(referenceParams),
      test: fc
        .uniqueArray(reference, { minLength: 1, maxLength: 3 })
        .map((is): Test => ({ kind: 'text', value: { is } })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { node: fc.constant('owned' as const), by: fc.uniqueArray(pick(owners)), opened: fc.constant(opened) },
      { requiredKeys: ['node', 'by'], noNullPrototype: true },
    ),
  },
  {
    weight: 1,
    arbitrary: ofTypes(
      fc.record({ node: fc.constant('id' as const), ids: fc.uniqueArray(pick(ids), { maxLength: 9 }) }),
    ),
  },
);

function nested(depth: number): fc.Arbitrary<Plan> {
  if (depth === 0) return leaf;
  const inner = nested(depth - 1);
  const some = fc.array(inner, { maxLength: 3 });
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    { weight: 2, arbitrary: fc.record({ node: fc.constant('all' as const), of: some }) },
    { weight: 2, arbitrary: fc.record({ node: fc.constant('any' as const), of: some }) },
    { weight: 1, arbitrary: fc.record({ node: fc.constant('not' as const), of: inner }) },
    {
      weight: 2,
      arbitrary: fc.record({
        node: fc.constant('points' as const),
        param: pick(referenceParams),
        types: fc.uniqueArray(pick(types), { maxLength: 3 }),
        where: inner,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        node: fc.constant('pointed' as const),
        by: pick(types),
        param: pick(referenceParams),
        where: inner,
      }),
    },
  );
}

const anyOf = (of: Plan[]): Plan => ({ node: 'any', of });

/** What a caller sees of each type: some organizations, and what meets a plan without chains. */
export const limit: fc.Arbitrary<Record<string, Seen>> = fc.record(
  Object.fromEntries(
    types.map((type) => [
      type,
      fc.record(
        {
          owners: pick([['north'], ['north', 'south'], ['south']]),
          where: fc.oneof(fc.constant(everything), fc.array(leaf, { minLength: 1, maxLength: 2 }).map(anyOf), leaf),
          opened: fc.constant(opened),
        },
        { requiredKeys: ['owners', 'where'], noNullPrototype: true },
      ),
    ]),
  ),
);

export interface Question {
  types: string[];
  plan: Plan;
  order: Order[];
  reach: number;
  /** Resources on a page. */
  size: number;
}

const order: fc.Arbitrary<Order> = fc.record({
  param: pick([...textParams, ...rangeParams, ...referenceParams, '_id', '_lastUpdated', 'none']),
  descending: fc.boolean(),
});

export const question: fc.Arbitrary<Question> = fc.record({
  types: fc.uniqueArray(pick(types), { minLength: 1, maxLength: 3 }),
  plan: nested(3),
  order: fc.oneof(fc.constant<Order[]>([]), fc.array(order, { minLength: 1, maxLength: 3 })),
  reach: pick([0, 0, 1, 1, 2, 3, 4, 4, 4, 5, 5, 6]),
  size: pick([1000, 1000, 3, 7]),
});
