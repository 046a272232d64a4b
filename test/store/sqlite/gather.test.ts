/** How long a group waits for others before it is committed. */
import { jest } from '@jest/globals';
import { createGathering } from '../../../src/store/sqlite/gather.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A line of writers. `group` takes those that are there when the gathering says so. */
function line() {
  let waiting = 0;
  const gathering = createGathering(() => waiting);
  const come = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      waiting += 1;
      gathering.came();
    }
  };
  async function group(): Promise<number> {
    await gathering.gathered();
    const taken = waiting;
    waiting = 0;
    return taken;
  }
  return { come, group, took: (milliseconds: number) => gathering.took(milliseconds) };
}

test('who writes alone never waits', async () => {
  const { come, group } = line();
  for (let n = 0; n < 20; n += 1) {
    come(1);
    const taken = group();
    await turn();
    // A pause would be a timer, which no turn of its own ends.
    const first = await Promise.race([taken, turn().then(turn)]);
    expect(first).toBe(1);
  }
});

test('where several wrote together, a group waits for as many again, and goes when they are there', async () => {
  const { come, group } = line();
  come(4);
  expect(await group()).toBe(4);
  come(1);
  const taken = group();
  await turn();
  await turn();
  come(2);
  await turn();
  come(1);
  expect(await taken).toBe(4);
});

test('it does not wait for those who stay away, and then expects fewer', async () => {
  const { come, group } = line();
  come(3);
  expect(await group()).toBe(3);
  for (let n = 0; n < 2; n += 1) {
    come(1);
    expect(await group()).toBe(1);
  }
  come(1);
  const taken = group();
  await turn();
  expect(await Promise.race([taken, turn().then(turn)])).toBe(1);
});

test.each([
  [0.2, 1],
  [3, 3],
  [80, 5],
])('after a commit of %p ms it waits for %p ms without anybody', async (took, patience) => {
  const writers = line();
  writers.come(2);
  await writers.group();
  writers.took(took);
  const timers = jest.spyOn(globalThis, 'setTimeout');
  writers.come(1);
  await writers.group();
  expect(timers.mock.calls.map(([, delay]) => delay)).toEqual([patience]);
  timers.mockRestore();
});
