/** However many long works there are, a turn of the event loop has one slice of them, and all come to their end. */
import { limits } from '../../src/kit/limits.js';
import { Turns } from '../../src/kit/turns.js';

function busy(milliseconds: number): void {
  for (const until = performance.now() + milliseconds; performance.now() < until;);
}

test.each([
  [1, 40],
  [2, 20],
  [20, 3],
])('%i works of %i slices each: never more than a slice or two in one turn', async (works, slices) => {
  let isDone = false;
  let [most, pieces, before] = [0, 0, 0];
  const watch = () => {
    most = Math.max(most, pieces - before);
    before = pieces;
    if (!isDone) setImmediate(watch);
  };
  setImmediate(watch);
  const work = async () => {
    const own = new Turns();
    for (let slice = 0; slice < slices; slice += 1) {
      await own.next();
      while (!own.over) {
        busy(limits.sliceMs / 5);
        pieces += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: works }, work));
  isDone = true;
  expect(pieces).toBeGreaterThanOrEqual(works * slices);
  expect(most).toBeLessThanOrEqual(10);
});

test('works that give way at once share a slice', async () => {
  const works = Array.from({ length: 100 }, () => new Turns());
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(works.map((own) => own.next()));
  isDone = true;
  expect(turns).toBeLessThan(50);
});
