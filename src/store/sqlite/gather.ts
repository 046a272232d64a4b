/**
 * When a group is ready to be committed. A create touches some 60 pages, and writers that are committed together touch
 * mostly the same ones: 16 together write a third of the pages that each by itself would. So where several write at
 * once, a group waits until as many are there as came together lately. Who writes alone never waits.
 */

export interface Gathering {
  /** Resolves when the group is to be committed. */
  gathered: () => Promise<void>;
  /** So many milliseconds it took to commit the last group. */
  took: (milliseconds: number) => void;
  /** One more waits. */
  came: () => void;
}

/** More would hold up those who read for too long. */
const MOST = 32;
/**
 * Milliseconds without anybody after which nobody is expected any more: as long as the last commit took, within these
 * bounds, so that a slow disk or a busy machine has larger groups. And those after which a group goes in any case.
 */
const PATIENCE_MS = { least: 1, most: 5 };
const LONGEST_MS = 15;

/** @param count how many wait */
export function createGathering(count: () => number): Gathering {
  /** How many came together lately. */
  let expected = 1;
  let enough: (() => void) | undefined;
  let patience = PATIENCE_MS.least;

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** Until enough are there, or time is over. */
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, patience);
      enough = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    async gathered() {
      await turn();
      const until = performance.now() + LONGEST_MS;
      for (let seen = 0; count() > seen && count() < expected && performance.now() < until;) {
        seen = count();
        await pause();
        enough = undefined;
      }
      const found = Math.min(count(), MOST);
      // Those who stay away for once may come back: less is expected little by little.
      expected = found >= expected ? found : Math.max(found, expected - 1);
    },
    took(milliseconds) {
      patience = Math.min(PATIENCE_MS.most, Math.max(PATIENCE_MS.least, milliseconds));
    },
    came() {
      if (count() >= expected) enough?.();
    },
  };
}
