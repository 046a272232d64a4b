/**
 * How much of one turn of the event loop goes to work. A store that works in this process would otherwise spend a whole
 * turn on all requests that are ready, and meanwhile nobody is heard: probes, slow lines whose time is over, and new
 * connections, of which Node takes one in each turn. So what is beyond the slice waits for the next turn; and while new
 * connections come, turns without work are put between, for a share of the time.
 */
import { afterwards } from '../../kit/turns.js';
import type { Limits } from '../../kit/limits.js';

export interface Slice {
  /** Whether this turn has worked long enough. */
  isOver(): boolean;
  /** Whether new connections have their share of the time at the moment. */
  isConnecting(): boolean;
  /** Somebody waits for whom there is room. */
  wanted(): void;
  /** A new connection was taken. */
  connected(): void;
  close(): void;
}

/** @param letIn begins the work of the next one who waits; false when nobody does */
export function createSlice({ turnMs, connectMs }: Limits, letIn: () => boolean): Slice {
  /** When the work of this turn began, and when that of the last one ended. */
  let began = 0;
  let ended = 0;
  let isCounted = false;
  let isWanted = false;
  let isConnected = false;
  let end: NodeJS.Immediate | undefined;

  const spent = (): boolean => performance.now() - began >= turnMs;
  const isConnecting = (): boolean => isConnected && performance.now() - ended < connectMs;

  function begin(): void {
    began = performance.now();
    isCounted = true;
    end = setImmediate(endTurn);
  }

  /** After the sockets of a turn come those that wait: at least one of them, or they would wait for nothing. */
  function endTurn(): void {
    const onlyConnects = isConnecting();
    isConnected = false;
    if (!isWanted) {
      isCounted = false;
      ended = performance.now();
    } else if (onlyConnects) begin();
    else {
      began = performance.now();
      work();
    }
  }

  function work(): void {
    isWanted = letIn();
    if (!isWanted) isCounted = false;
    else
      afterwards(() => {
        ended = performance.now();
        if (spent()) begin();
        else work();
      });
  }

  return {
    isOver() {
      if (!isCounted) begin();
      return spent();
    },
    isConnecting,
    wanted() {
      isWanted = true;
      if (!isCounted) begin();
    },
    connected() {
      isConnected = true;
    },
    close: () => clearImmediate(end),
  };
}
