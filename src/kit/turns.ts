/**
 * Long work in small pieces: other requests get their turn of the event loop between them, so that a Bundle of 64 MB
 * does not make everybody wait.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from './limits.js';

export class Turns {
  #since = performance.now();

  /** Whether this turn has lasted long enough. */
  get over(): boolean {
    return performance.now() - this.#since >= limits.sliceMs;
  }

  /** Lets everybody else have theirs. */
  async next(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
