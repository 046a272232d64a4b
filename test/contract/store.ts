/**
 * The promises of `src/store/port.ts`, as tests that any store must pass. An adapter's own test hands in how to open
 * it; everything here speaks through the port alone.
 */
import type { Clock } from '../../src/kit/clock.js';
import type { Store } from '../../src/store/port.js';
import { auditContract } from './store/audit.js';
import { erasingContract } from './store/erasing.js';
import { feedContract } from './store/feed.js';
import { historyContract } from './store/history.js';
import { integrityContract } from './store/integrity.js';
import { keepingContract } from './store/keeping.js';
import { openingsContract } from './store/openings.js';
import { pageContract } from './store/page.js';
import { createPlaces } from './store/place.js';
import { readContract } from './store/read.js';
import { recordContract } from './store/record.js';
import { reopenContract } from './store/reopen.js';
import { searchContract } from './store/search.js';
import { sortContract } from './store/sort.js';
import { vaultContract } from './store/vault.js';
import { writeContract } from './store/write.js';

export interface Opened {
  store: Store;
  /** Closes the store and opens another one over the same data. */
  reopen?: () => Promise<Store>;
  /** From now on a commit may wait up to so many milliseconds, each one another time. */
  delayCommits?: (milliseconds: number) => void | Promise<void>;
  /** Closes the store and takes its data away. */
  close: () => Promise<void>;
}

/** Opens a new, empty store that reads time from this clock. */
export type Open = (clock: Clock, parts?: { joinTargets?: number }) => Promise<Opened>;

/** Tests that an adapter does not pass, and why. */
export interface Skip {
  reason: string;
  tests: string[];
}

/** What a part of the contract is given. */
export interface Bench {
  /** A test by the promise it proves, unless the adapter is excused from it. */
  promise: (name: string, proof: () => Promise<void>, milliseconds?: number) => void;
  /** The store of all tests of a part; each test works in a place of its own. */
  opened: () => Opened;
  open: Open;
  places: ReturnType<typeof createPlaces>;
  clock: FakeClock;
}

export interface FakeClock extends Clock {
  forward: (milliseconds: number) => void;
}

export const parts = {
  write: writeContract,
  integrity: integrityContract,
  record: recordContract,
  read: readContract,
  history: historyContract,
  search: searchContract,
  sort: sortContract,
  page: pageContract,
  openings: openingsContract,
  feed: feedContract,
  vault: vaultContract,
  keeping: keepingContract,
  erasing: erasingContract,
  audit: auditContract,
  reopen: reopenContract,
};

interface Options {
  skips?: Skip[];
  /** Only these parts: for an adapter that was opened once more, in another way. */
  only?: (keyof typeof parts)[];
}

export function storeContract(name: string, open: Open, options: Options = {}): void {
  const reasons = new Map(options.skips?.flatMap((skip) => skip.tests.map((test) => [test, skip.reason] as const)));
  describe(`${name} keeps the contract of a store`, () => {
    for (const [part, prove] of Object.entries(parts)) {
      if (options.only?.some((one) => one === part) === false) continue;
      describe(part, () => {
        let opened: Opened | undefined;
        const clock = createFakeClock();
        const bench: Bench = {
          promise(promised, proof, milliseconds) {
            const reason = reasons.get(promised);
            if (reason === undefined) test(promised, proof, milliseconds);
            else test.skip(`${promised} (${reason})`, proof);
          },
          opened() {
            if (opened === undefined) throw new Error('The store is not open yet.');
            return opened;
          },
          open,
          places: createPlaces(() => bench.opened().store),
          clock,
        };
        beforeAll(async () => {
          opened = await open(clock);
        });
        afterAll(() => opened?.close());
        prove(bench);
      });
    }
  });
}

/** Time stands still until a test moves it. */
export function createFakeClock(now = Date.UTC(2024, 0, 1)): FakeClock {
  let current = now;
  return {
    now: () => current,
    forward(milliseconds) {
      current += milliseconds;
    },
  };
}
