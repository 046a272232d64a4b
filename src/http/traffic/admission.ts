/**
 * The gate before everything that costs something. Reads, searches and writes have room of their own, so that many of
 * one kind leave the others theirs; who finds no room waits in a bounded line for a bounded time.
 */
import type { Limits } from '../../kit/limits.js';
import { overloaded } from './busy.js';

export interface Admission {
  /** Undefined when there is no room, not even to wait: 503 at once. */
  arrive(request: Asked): Ticket | undefined;
  /** How many are worked on, and how many wait. */
  counts(): { underWay: number; waiting: number };
  close(): void;
}

/** What a request line says. */
export interface Asked {
  method?: string | undefined;
  url?: string | undefined;
}

export interface Ticket {
  /** Resolves when it may be worked on; rejects with 503 when it waited too long. Undefined: at once. */
  turn(): Promise<void> | undefined;
  /** From here on its bytes only pass through: it leaves its place among the others. Throws 503 beyond the bound. */
  transfer(): void;
  /** What is to be done when it leaves, besides. */
  whenLeft(release: () => void): void;
  /** Its work is done. A second call does nothing. */
  leave: () => void;
}

interface Lane {
  underWay: number;
  readonly atMost: number;
  readonly waiting: Waiting[];
  readonly waitingAtMost: number;
}

interface Waiting {
  until: number;
  go: () => void;
  giveUp: () => void;
}

/** How often it is looked whether the event loop still turns, and how much it must have begun to be called stuck. */
const BEAT_MS = 100;
const BEAT_REQUESTS = 32;

/** `/Patient/1`, `/Patient/1/_history/2`, `/metadata`; whatever else is asked for by GET may cost as a search does. */
const READ = /^\/(?:metadata|[^/?]+\/[^_$/?][^/?]*(?:\/_history\/[^/?]+)?)$/;

export function createAdmission(limits: Limits): Admission {
  const lane = (atMost: number, waitingAtMost: number): Lane => ({ underWay: 0, atMost, waiting: [], waitingAtMost });
  const reads = lane(limits.readsUnderWay, limits.readsWaiting);
  const searches = lane(limits.searchesUnderWay, limits.searchesWaiting);
  const writes = lane(limits.writesUnderWay, limits.writesWaiting);
  const transfers = lane(limits.transfers, 0);
  const lanes = [reads, searches, writes];
  const beat = createBeat(limits.turnMs);
  let timer: NodeJS.Timeout | undefined;

  function laneOf({ method, url = '' }: Asked): Lane {
    if (method !== 'GET' && method !== 'HEAD') return url.includes('/_search') ? searches : writes;
    return READ.test(url) ? reads : searches;
  }

  function arrive(request: Asked): Ticket | undefined {
    const own = laneOf(request);
    if (isFull(own) || beat.isStuck()) return undefined;
    let place: Lane | undefined;
    let left = false;
    let release: (() => void) | undefined;
    return {
      turn() {
        if (place !== undefined) return undefined;
        if (own.underWay < own.atMost) {
          own.underWay += 1;
          place = own;
          return undefined;
        }
        return wait(own, () => {
          // Its time may have run out while it waited.
          if (left) free(own);
          else place = own;
        });
      },
      transfer() {
        if (place === transfers) return;
        if (isFull(transfers)) throw overloaded;
        if (place !== undefined) free(place);
        transfers.underWay += 1;
        place = transfers;
      },
      whenLeft(next) {
        release = next;
      },
      leave() {
        left = true;
        if (place !== undefined) free(place);
        place = undefined;
        release?.();
        release = undefined;
      },
    };
  }

  function wait(own: Lane, enter: () => void): Promise<void> {
    if (isFull(own)) return Promise.reject(overloaded);
    return new Promise((resolve, reject) => {
      const until = performance.now() + limits.waitMs;
      const go = () => {
        enter();
        resolve();
      };
      own.waiting.push({ until, go, giveUp: () => reject(overloaded) });
      timer ??= setTimeout(expire, limits.waitMs);
    });
  }

  /** Whoever waits next takes the place over: `underWay` stays as it is. */
  function free(own: Lane): void {
    const next = own.waiting.shift();
    if (next === undefined) own.underWay -= 1;
    else next.go();
  }

  /** All wait equally long, so the first in a line is the first whose time is over. */
  function expire(): void {
    timer = undefined;
    const now = performance.now();
    let soonest = Infinity;
    for (const { waiting } of lanes) {
      for (let first = waiting[0]; first !== undefined && first.until <= now; first = waiting[0]) {
        waiting.shift();
        first.giveUp();
      }
      soonest = Math.min(soonest, waiting[0]?.until ?? Infinity);
    }
    if (soonest !== Infinity) timer = setTimeout(expire, Math.max(1, soonest - now));
  }

  return {
    arrive,
    counts: () => ({
      underWay: lanes.reduce((sum, { underWay }) => sum + underWay, transfers.underWay),
      waiting: lanes.reduce((sum, { waiting }) => sum + waiting.length, 0),
    }),
    close() {
      clearTimeout(timer);
      beat.close();
    },
  };
}

const isFull = ({ underWay, atMost, waiting, waitingAtMost }: Lane): boolean =>
  underWay >= atMost && waiting.length >= waitingAtMost;

/**
 * A store that works in this process never has two reads under way: requests then wait in the sockets, where nobody
 * counts them. What tells is a timer: while one turn of the event loop works through many requests, it cannot fire.
 */
function createBeat(turnMs: number) {
  let last = 0;
  let begun = 0;
  let timer: NodeJS.Timeout | undefined;
  function fire(): void {
    last = performance.now();
    // It beats only while there is something to do.
    timer = begun > 0 ? setTimeout(fire, BEAT_MS).unref() : undefined;
    begun = 0;
  }
  return {
    isStuck(): boolean {
      if (timer === undefined) {
        last = performance.now();
        timer = setTimeout(fire, BEAT_MS).unref();
      }
      begun += 1;
      return begun > BEAT_REQUESTS && performance.now() - last > turnMs + BEAT_MS;
    },
    close: () => clearTimeout(timer),
  };
}
