/**
 * Long work in small pieces: other requests get their turn of the event loop between them, so that a Bundle of 64 MB
 * does not make everybody wait. However many such works there are, one turn has room for one slice of them together.
 */
import { performance } from 'node:perf_hooks';
import { limits } from './limits.js';

export class Turns {
  #since = performance.now();

  /** Whether this turn has lasted long enough. */
  get over(): boolean {
    return performance.now() - this.#since >= limits.sliceMs;
  }

  /** Lets everybody else have theirs. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (!isAtWork) later();
    });
    this.#since = performance.now();
  }
}

/** A thread has one event loop, and this is its line of those who wait for another turn of it. */
const waiting: (() => void)[] = [];
let isAtWork = false;

function later(): void {
  isAtWork = true;
  setImmediate(work);
}

function work(): void {
  const until = performance.now() + limits.sliceMs;
  const one = (): void => {
    waiting.shift()?.();
    afterwards(() => {
      if (waiting.length === 0) isAtWork = false;
      else if (performance.now() < until) one();
      else later();
    });
  };
  one();
}

/** Calls when all that can go on in this turn has gone on: what promises lead to comes first. */
export function afterwards(call: () => void): void {
  queueMicrotask(() => {
    process.nextTick(call);
  });
}
