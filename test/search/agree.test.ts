/** Random plans over random worlds: the matcher, SQLite and, where there is one, MongoDB find the same. */
import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import { systemClock } from '../../src/kit/clock.js';
import { matches, type Doc } from '../../src/search/match.js';
import { compare, sortKeys, type Order } from '../../src/search/plan.js';
import { isOpen, type OpenedTo } from '../../src/search/opened.js';
import type { Position, Store } from '../../src/store/port.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { freshDatabase, mongoUrl } from '../support/mongo.js';
import { restrict, type Seen } from '../../src/search/restrict.js';
import { currentOf, limit, make, question, reaches, world, type Question } from './random-world.js';

const WORLDS = 5;
const PLANS_OF_EACH = 1000;
/** One in so many plans is counted too. */
const COUNTED = 4;
/** How many plans a store is asked at the same time. */
const AT_ONCE = 8;
const seed = 20240229;
/** What is asked is who finds what: however busy the machine, nobody gives up. */
const PATIENCE_MS = 240_000;

/** A store, and which part of the plans it is asked. */
const openers: [string, number, () => Promise<Store>][] = [
  ['SQLite', 1, () => Promise.resolve(openSqliteStore({ file: ':memory:', clock: systemClock }))],
  // With larger data it begins elsewhere, makes sets and walks; so it does here when less counts as few.
  [
    'SQLite with more data',
    4,
    () => Promise.resolve(openSqliteStore({ file: ':memory:', clock: systemClock, few: 3 })),
  ],
  [
    'SQLite with much data',
    4,
    () => Promise.resolve(openSqliteStore({ file: ':memory:', clock: systemClock, few: 0 })),
  ],
];
const url = mongoUrl();
if (url !== undefined)
  openers.push([
    'MongoDB',
    1,
    async () => {
      const { openMongoStore } = await import('../../src/store/mongo/index.js');
      return openMongoStore({
        url,
        database: freshDatabase(),
        clock: systemClock,
        operationMs: PATIENCE_MS,
        writeMs: PATIENCE_MS,
      });
    },
  ]);

const worlds = fc.sample(world, { seed, numRuns: WORLDS });
const questions = fc.sample(question, { seed: seed + 1, numRuns: WORLDS * PLANS_OF_EACH });
const docsOf = worlds.map(currentOf);
/** One in so many plans is asked within what a caller sees of each type. */
const LIMITED = 4;
const limits = fc.sample(limit, { seed: seed + 2, numRuns: questions.length / LIMITED });
const expected = questions.map((one, n) => answerOf(one, docsOf[n % WORLDS]!));

test('the worlds are worth asking, and so are the plans', () => {
  for (const one of worlds) {
    const { changes } = one;
    expect(currentOf(one).length).toBeGreaterThanOrEqual(60);
    expect(visibleIn(currentOf(one), { owners: [], opened: reaches[4]!.opened! }).length).toBeGreaterThan(10);
    expect(changes.some((change) => change.text === undefined)).toBe(true);
    expect(changes.some((change) => change.version > 2)).toBe(true);
  }
  const withHits = expected.filter((ids) => ids.length > 0).length;
  console.log(`${questions.length} plans, ${withHits} with hits.`);
  expect(withHits).toBeGreaterThan(questions.length / 4);
  const nodes = JSON.stringify(questions.map((one) => one.plan));
  for (const node of ['all', 'any', 'not', 'id', 'entry', 'owned', 'points', 'pointed'])
    expect(nodes.split(`"node":"${node}"`).length).toBeGreaterThan(500);
});

describe.each(openers)('%s', (_name, parts, open) => {
  const stores: Store[] = [];
  beforeAll(async () => {
    for (const one of worlds) {
      const store = await open();
      stores.push(store);
      await make(store, one);
    }
  });
  afterAll(() => Promise.all(stores.map((store) => store.close())));

  test('finds and counts what the matcher finds, in its order', async () => {
    const waiting = questions.map((one, n) => ({ one, n })).slice(0, questions.length / parts);
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { one, n } = next;
        const [store, ids] = [stores[n % WORLDS]!, expected[n]!];
        const found = await foundBy(store, one, docsOf[n % WORLDS]!);
        // The message is the plan: with it the difference is found again.
        deepStrictEqual({ one, found }, { one, found: ids });
        if (n % COUNTED !== 0) continue;
        const count = await store.count(one.types, one.plan, reaches[one.reach]!, 5);
        deepStrictEqual({ one, count }, { one, count: Math.min(5, ids.length) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }, 120_000);
});

describe('within what a caller sees of each type', () => {
  const limited = questions.map((one, n) => ({ one, n, seen: limits[n % limits.length]! })).slice(0, limits.length);

  /** Whatever a caller does not see is taken out of the world, and the plan is asked of the rest. */
  const visibleTo = (seen: Record<string, Seen>, docs: (Doc & { owner: string })[]) =>
    docs.filter((doc) => visibleIn([doc], seen[doc.type]!).length > 0 && matches(seen[doc.type]!.where, doc, []));

  test.each(openers.filter(([name]) => !name.includes('more')))(
    '%s finds what is left of the world',
    async (_name, _parts, open) => {
      const store = await open();
      await make(store, worlds[0]!);
      let hits = 0;
      for (const { one, seen } of limited.filter(({ n }) => n % WORLDS === 0)) {
        const visible = visibleTo(seen, docsOf[0]!);
        const left = visible.filter((doc) => one.types.includes(doc.type) && matches(one.plan, doc, visible));
        const { plan, ...reach } = restrict(one.plan, one.types, (type) => seen[type]!);
        const page = await store.search(one.types, plan, [], { size: 1000 }, reach);
        const names = page.items.map(({ type, id }) => `${type}/${id}`).sort();
        deepStrictEqual({ one, seen, names }, { one, seen, names: left.map(({ type, id }) => `${type}/${id}`).sort() });
        hits += Number(names.length > 0);
      }
      expect(hits).toBeGreaterThan(20);
      await store.close();
    },
    PATIENCE_MS,
  );
});

function visibleIn<T extends Doc & { owner: string }>(
  docs: T[],
  { owners, opened }: { owners: readonly string[]; opened?: OpenedTo },
): T[] {
  return docs.filter((doc) => owners.includes(doc.owner) || isOpen(doc.openings, opened));
}

function answerOf({ types, plan, order, reach }: Question, docs: (Doc & { owner: string })[]): string[] {
  const visible = visibleIn(docs, reaches[reach]!);
  return inOrder(
    visible.filter((doc) => types.includes(doc.type) && matches(plan, doc, visible)),
    order,
  );
}

/** All pages; what the order leaves open is put in the order of names, so that two answers can be compared. */
async function foundBy(store: Store, { types, plan, order, reach, size }: Question, docs: Doc[]): Promise<string[]> {
  const names: string[] = [];
  let after: Position | undefined;
  do {
    const request = { size, ...(after !== undefined && { after }) };
    const page = await store.search(types, plan, order, request, reaches[reach]!);
    names.push(...page.items.map((item) => `${item.type}/${item.id}`));
    after = page.next;
  } while (after !== undefined && names.length <= docs.length);
  const found = names.map((name) => docs.find((doc) => `${doc.type}/${doc.id}` === name)!);
  // Sorting is stable: where the store broke the order, the ranks show it.
  const ranks = found.map((doc, n) => (n === 0 ? 0 : Math.sign(difference(order, found[n - 1]!, doc))));
  if (ranks.some((rank) => rank > 0)) return names;
  return inOrder(found, order);
}

function inOrder(docs: Doc[], order: Order[]): string[] {
  const name = (doc: Doc) => `${doc.type}/${doc.id}`;
  return docs.toSorted((a, b) => difference(order, a, b) || compare(name(a), name(b))).map(name);
}

function difference(order: Order[], a: Doc, b: Doc): number {
  for (const { param, descending } of order) {
    const [left, right] = [a, b].map((doc) => keyOf(doc, param, descending));
    const difference = descending ? compare(right, left) : compare(left, right);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}

function keyOf(doc: Doc, param: string, descending: boolean) {
  if (param === '_id') return doc.id;
  if (param === '_lastUpdated') return doc.updated;
  const key = sortKeys(doc.entries).get(param);
  return descending ? key?.last : key?.first;
}
