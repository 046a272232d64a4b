/**
 * The gate before everything that costs something. Reads, searches and writes have room of their own, so that many of
 * one kind leave the others theirs; who finds no room waits in a bounded line for a bounded time, and so does who finds
 * that this turn of the event loop has worked long enough (`slice.ts`).
 */
import type { Limits } from '../../kit/limits.js';
import { left, overloaded } from './busy.js';
import { createSlice } from './slice.js';

export interface Admission {
  /** Undefined when there is no room, not even to wait: 503 at once. */
  arrive(request: Asked): Ticket | undefined;
  /** A piece of a transfer wants to go on: when it may. Undefined: at once. */
  pass(): Promise<void> | undefined;
  /** A new connection was taken; the next one can be taken in the next turn only. */
  connected(): void;
  /** How many are worked on, and how many wait. */
  counts(): { underWay: number; waiting: number };
  close(): void;
}

/** What a request line says, and whether its client is still there. */
export interface Asked {
  method?: string | undefined;
  url?: string | undefined;
  socket?: { destroyed: boolean };
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
  since: number;
  go: () => void;
  giveUp: () => void;
}

/** `/Patient/1`, `/Patient/1/_history/2`, `/metadata`; whatever else is asked for by GET may cost as a search does. */
const READ = /^\/(?:metadata|[^/?]+\/[^_$/?][^/?]*(?:\/_history\/[^/?]+)?)$/;

export function createAdmission(limits: Limits): Admission {
  const lane = (atMost: number, waitingAtMost: number): Lane => ({ underWay: 0, atMost, waiting: [], waitingAtMost });
  const reads = lane(limits.readsUnderWay, limits.readsWaiting);
  const searches = lane(limits.searchesUnderWay, limits.searchesWaiting);
  const writes = lane(limits.writesUnderWay, limits.writesWaiting);
  const transfers = lane(limits.transfers, 0);
  const lanes = [reads, searches, writes];
  /** Pieces of transfers, one of each at most. */
  const passing: (() => void)[] = [];
  const slice = createSlice(limits, letIn);
  let turn = 0;
  let timer: NodeJS.Timeout | undefined;

  function laneOf({ method, url = '' }: Asked): Lane {
    if (method !== 'GET' && method !== 'HEAD') return url.includes('/_search') ? searches : writes;
    return READ.test(url) ? reads : searches;
  }

  /**
   * Where the first in line has waited for a quarter of its time, the line is about as long as can be done in time: who
   * came last might wait in vain, and is told at once.
   */
  function isFull({ underWay, atMost, waiting, waitingAtMost }: Lane): boolean {
    const [first] = waiting;
    if (first === undefined) return underWay >= atMost && waitingAtMost === 0;
    return waiting.length >= waitingAtMost || performance.now() - first.since > limits.waitMs / 4;
  }

  function arrive(request: Asked): Ticket | undefined {
    const own = laneOf(request);
    if (isFull(own)) return undefined;
    let place: Lane | undefined;
    let hasLeft = false;
    let release: (() => void) | undefined;
    return {
      turn() {
        if (place !== undefined) return undefined;
        if (own.underWay < own.atMost && own.waiting.length === 0 && !slice.isOver()) {
          own.underWay += 1;
          place = own;
          return undefined;
        }
        return wait(own, request, () => {
          // Its time may have run out while it waited.
          if (hasLeft) free(own);
          else place = own;
        });
      },
      transfer() {
        if (place === transfers) return;
        if (transfers.underWay >= transfers.atMost) throw overloaded;
        if (place !== undefined) free(place);
        transfers.underWay += 1;
        place = transfers;
      },
      whenLeft(next) {
        release = next;
      },
      leave() {
        hasLeft = true;
        if (place !== undefined) free(place);
        place = undefined;
        release?.();
        release = undefined;
      },
    };
  }

  function wait(own: Lane, { socket }: Asked, enter: () => void): Promise<void> {
    if (isFull(own)) return Promise.reject(overloaded);
    return new Promise((resolve, reject) => {
      const go = () => {
        enter();
        if (socket?.destroyed === true) reject(left);
        else resolve();
      };
      own.waiting.push({ since: performance.now(), go, giveUp: () => reject(overloaded) });
      timer ??= setTimeout(expire, limits.waitMs);
      if (own.underWay < own.atMost) slice.wanted();
    });
  }

  /** The next one that waits, of each lane and of the transfers in turn; false when nobody does for whom there is room. */
  function letIn(): boolean {
    for (let tried = 0; tried <= lanes.length; tried += 1) {
      turn = (turn + 1) % (lanes.length + 1);
      const next = turn === lanes.length ? passing.shift() : nextOf(lanes[turn]);
      if (next === undefined) continue;
      next();
      return true;
    }
    return false;
  }

  function nextOf(own: Lane | undefined): (() => void) | undefined {
    if (own === undefined || own.underWay >= own.atMost) return undefined;
    const next = own.waiting.shift();
    if (next !== undefined) own.underWay += 1;
    return next?.go;
  }

  function pass(): Promise<void> | undefined {
    if (passing.length === 0 && !slice.isOver() && !slice.isConnecting()) return undefined;
    return new Promise((resolve) => {
      passing.push(resolve);
      slice.wanted();
    });
  }

  function free(own: Lane): void {
    own.underWay -= 1;
    if (own.waiting.length > 0) slice.wanted();
  }

  /** All wait equally long, so the first in a line is the first whose time is over. */
  function expire(): void {
    timer = undefined;
    const old = performance.now() - limits.waitMs;
    let oldest = Infinity;
    for (const { waiting } of lanes) {
      for (let first = waiting[0]; first !== undefined && first.since <= old; first = waiting[0]) {
        waiting.shift();
        first.giveUp();
      }
      oldest = Math.min(oldest, waiting[0]?.since ?? Infinity);
    }
    if (oldest !== Infinity) timer = setTimeout(expire, Math.max(1, oldest - old));
  }

  return {
    arrive,
    pass,
    connected: () => slice.connected(),
    counts: () => ({
      underWay: lanes.reduce((sum, { underWay }) => sum + underWay, transfers.underWay),
      waiting: lanes.reduce((sum, { waiting }) => sum + waiting.length, 0),
    }),
    close() {
      clearTimeout(timer);
      slice.close();
    },
  };
}
