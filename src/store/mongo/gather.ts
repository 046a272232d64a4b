/**
 * What comes while others are under way goes together: to ask MongoDB costs as much as many a question. Who comes alone
 * waits for nobody.
 */

/** Groups under way at once: while MongoDB works at one, the next one is gathered; with two, they were half as large. */
const AT_ONCE = 1;

/**
 * @param countOf how many of those that wait, the first of them at least, go together
 * @param work never rejects: each of the group hears for itself
 */
export function gather<T>(
  countOf: (waiting: readonly T[]) => number,
  work: (group: T[]) => Promise<void>,
): (one: T) => void {
  const queue: T[] = [];
  let underWay = 0;

  function next(): void {
    while (underWay < AT_ONCE && queue.length > 0) {
      underWay += 1;
      void work(queue.splice(0, countOf(queue))).finally(() => {
        underWay -= 1;
        next();
      });
    }
  }

  return (one) => {
    queue.push(one);
    // What else this turn of the event loop brings goes with it.
    if (queue.length === 1) setImmediate(next);
  };
}
