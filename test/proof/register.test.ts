/** The checker of linearizability finds what it must, and accuses nobody: beside a search over all orders. */
import fc from 'fast-check';
import { anomalyOf, type Operation } from './register.js';

const base = { client: 0, outcome: 'done' } as const;
const write = (value: string, version: number, asked: number, answered: number, more: Partial<Operation> = {}) => ({
  ...base,
  kind: 'write' as const,
  value,
  version,
  asked,
  answered,
  ...more,
});
const read = (version: number, seen: string[], asked: number, answered: number) => ({
  ...base,
  kind: seen.length > 1 ? ('history' as const) : ('read' as const),
  version,
  seen,
  asked,
  answered,
});
const refused = (value: string, asked: number, answered: number, expects?: number): Operation => ({
  ...base,
  kind: 'write',
  outcome: 'refused',
  value,
  asked,
  answered,
  ...(expects === undefined ? {} : { expects, conditionFailed: true }),
});
const unknown = (value: string, asked: number, answered: number): Operation => ({
  ...base,
  kind: 'write',
  outcome: 'unknown',
  value,
  asked,
  answered,
});

test.each<[string, Operation[], string[], RegExp]>([
  ['a stale read', [write('b', 2, 0, 1), read(1, ['a'], 2, 3)], ['a', 'b'], /later in any order/],
  ['a read from the future', [read(2, ['b'], 0, 1), write('b', 2, 2, 3)], ['a', 'b'], /later in any order/],
  ['two reads that go back', [write('b', 2, 0, 9), read(2, ['b'], 1, 2), read(1, ['a'], 3, 4)], ['a', 'b'], /later/],
  ['a lost update', [write('b', 2, 0, 1)], ['a'], /lost update/],
  ['an update that another took over', [write('b', 2, 0, 1), write('c', 2, 0, 1)], ['a', 'c'], /lost update/],
  ['a write under another version', [write('b', 3, 0, 1), write('c', 2, 0, 1)], ['a', 'b', 'c'], /another version/],
  ['writes against time', [write('b', 3, 0, 1), write('c', 2, 2, 3)], ['a', 'c', 'b'], /later in any order/],
  ['a refused write that appears', [refused('b', 0, 1)], ['a', 'b'], /refused write is there/],
  [
    'a condition that did not hold',
    [write('b', 2, 0, 1), write('c', 3, 2, 3, { expects: 1 })],
    ['a', 'b', 'c'],
    /hold/,
  ],
  ['a condition refused for nothing', [refused('b', 0, 1, 1)], ['a'], /was the last one/],
  [
    'a condition refused before it broke',
    [refused('x', 0, 1, 1), write('b', 2, 2, 3)],
    ['a', 'b'],
    /later in any order/,
  ],
  ['a value from nowhere', [read(2, ['x'], 0, 1), write('b', 2, 0, 1)], ['a', 'b'], /never there/],
  [
    'a history with a hole',
    [write('b', 2, 0, 1), write('c', 3, 2, 3), read(3, ['c', 'a'], 4, 5)],
    ['a', 'b', 'c'],
    /never/,
  ],
  [
    'a history that is behind',
    [write('b', 2, 0, 1), write('c', 3, 2, 3), read(2, ['b', 'a'], 4, 5)],
    ['a', 'b', 'c'],
    /later/,
  ],
  ['an empty history', [{ ...read(1, ['a'], 0, 1), seen: [] }], ['a'], /never there/],
  ['a write that nobody made', [read(1, ['a'], 0, 1)], ['a', 'b'], /nobody wrote b/],
  ['a write that is there twice', [write('b', 2, 0, 1)], ['a', 'b', 'b'], /twice/],
  ['an unknown write before it was asked for', [read(2, ['b'], 0, 1), unknown('b', 2, 3)], ['a', 'b'], /later/],
])('%s is found', (_name, operations, final, message) => expect(anomalyOf(operations, final)).toMatch(message));

test.each<[string, Operation[], string[]]>([
  [
    'reads beside a write may see either',
    [write('b', 2, 0, 9), read(1, ['a'], 1, 2), read(2, ['b'], 3, 4)],
    ['a', 'b'],
  ],
  ['an unknown write may come late', [unknown('b', 0, 1), read(1, ['a'], 2, 3), read(2, ['b'], 4, 5)], ['a', 'b']],
  ['an unknown write may never come', [unknown('b', 0, 1), read(1, ['a'], 2, 3)], ['a']],
  ['a condition fails while another writes', [write('b', 2, 0, 9), refused('c', 1, 2, 1)], ['a', 'b']],
  ['a history of its newest', [write('b', 2, 0, 1), write('c', 3, 2, 3), read(3, ['c', 'b'], 4, 5)], ['a', 'b', 'c']],
])('%s', (_name, operations, final) => expect(anomalyOf(operations, final)).toBeUndefined());

/** What any order would have to be, tried out: the search that the checker does without. */
function bySearch(operations: Operation[], final: string[]): boolean {
  const effective = operations.filter(({ outcome, value, conditionFailed }) =>
    outcome === 'done' ? true : outcome === 'unknown' ? final.includes(value ?? '') : conditionFailed === true,
  );
  if (operations.some(({ outcome, value }) => outcome === 'refused' && final.includes(value ?? ''))) return false;
  const endOf = ({ outcome, answered }: Operation) => (outcome === 'unknown' ? Infinity : answered);

  function goOn(left: Operation[], history: string[]): boolean {
    if (left.length === 0) return history.join() === final.join();
    return left.some((next) => {
      if (left.some((other) => other !== next && endOf(other) < next.asked)) return false;
      const after = applied(next, history);
      return (
        after !== undefined &&
        goOn(
          left.filter((other) => other !== next),
          after,
        )
      );
    });
  }
  return goOn(effective, final.slice(0, 1));
}

/** The history after it, undefined when it could not have been answered so. */
function applied(operation: Operation, history: string[]): string[] | undefined {
  const { kind, outcome, value = '', version, expects, seen = [] } = operation;
  if (kind !== 'write') {
    const wanted = history.toReversed().slice(0, seen.length);
    return version === history.length && seen.length > 0 && seen.join() === wanted.join() ? history : undefined;
  }
  if (outcome === 'refused') return expects === history.length ? undefined : history;
  if (expects !== undefined && expects !== history.length) return undefined;
  return outcome === 'unknown' || version === history.length + 1 ? [...history, value] : undefined;
}

const VALUES = ['b', 'c', 'd'];
const operation = fc.record({
  what: fc.constantFrom('read', 'history', 'write', 'write', 'expecting', 'refused', 'unknown'),
  at: fc.integer({ min: 0, max: 8 }),
  takes: fc.integer({ min: 0, max: 5 }),
  version: fc.integer({ min: 1, max: 4 }),
});

test('it agrees with the search over all orders, about right and wrong histories', () => {
  const verdicts = { right: 0, wrong: 0 };
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), fc.nat({ max: 3 }), (drawn, length) => {
      const final = ['a', ...VALUES.slice(0, length)];
      let fresh = 0;
      const operations = drawn.map(({ what, at, takes, version }): Operation => {
        const times = [at, at + takes + 0.5] as const;
        if (what === 'read' || what === 'history') {
          const seen = final.slice(0, version).toReversed();
          return read(Math.min(version, final.length), seen.slice(0, what === 'read' ? 1 : 2), ...times);
        }
        // Each write has a value of its own: most of them one of the history's.
        const value = VALUES[fresh] ?? `x${fresh}`;
        fresh += 1;
        const stands = final.indexOf(value) + 1;
        const made = stands === 0 ? version : stands;
        if (what === 'write') return write(value, made, ...times);
        if (what === 'expecting') return write(value, made, ...times, { expects: version });
        return what === 'refused' ? refused(`y${fresh}`, ...times, version) : unknown(value, ...times);
      });
      const right = bySearch(operations, final);
      verdicts[right ? 'right' : 'wrong'] += 1;
      expect(anomalyOf(operations, final) === undefined).toBe(right);
    }),
    { numRuns: 10_000, seed: 6 },
  );
  expect(verdicts.right).toBeGreaterThan(250);
  expect(verdicts.wrong).toBeGreaterThan(250);
});
