/**
 * The log is moved into the database by a thread: after large writes that takes some hundred milliseconds, which would
 * hold up everybody. Only the end is done here, so that the log can begin anew: under steady writing there is always
 * something that came while the thread was busy.
 */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../kit/thread.js';
import { answer, type Connection } from './connection.js';

export interface Checkpoint {
  /** Moves what there is; resolves when that is done, or could not be: the next time mends that. */
  move: () => Promise<void>;
  close: () => Promise<void>;
}

/** Pages of 4 KB that may stay in the log, and that are moved here at most, while everybody waits: some milliseconds. */
const FEW = 512;
/** A log of so many pages is to begin anew. */
const LONG = 4096;
/** Milliseconds before a thread that ended by itself is started again: until then commits move the log (`connection.ts`). */
const AGAIN_MS = 60_000;

export function createCheckpoint(
  file: string,
  { db, settle }: Connection,
  start = () => startThread(new URL('checkpoint-thread.js', import.meta.url), { file }),
): Checkpoint {
  let thread: Worker | undefined;
  let underWay: Promise<void> | undefined;
  let lostAt = -Infinity;

  async function move(): Promise<void> {
    if ((await state('NOOP')).left <= FEW || performance.now() - lostAt < AGAIN_MS) return;
    await byThread();
    const { left, pages } = await state('NOOP');
    if (left <= FEW && pages > LONG) await state('PASSIVE');
  }

  async function state(mode: 'NOOP' | 'PASSIVE'): Promise<{ pages: number; left: number }> {
    return answer(() => {
      settle();
      const [row] = db.pragma(`wal_checkpoint(${mode})`) as { log: number; checkpointed: number }[];
      const { log: pages = 0, checkpointed = 0 } = row ?? {};
      return { pages, left: pages - checkpointed };
    });
  }

  function byThread(): Promise<void> {
    return new Promise((resolve) => {
      thread ??= begin();
      const own = thread;
      const ended = () => {
        own.off('message', ended).off('exit', ended);
        resolve();
      };
      own.on('message', ended).on('exit', ended);
      own.postMessage('move');
    });
  }

  function begin(): Worker {
    const own = start();
    // Requests keep the process alive, not what works for them.
    own.unref();
    own.on('error', () => undefined);
    own.once('exit', () => {
      thread = undefined;
      lostAt = performance.now();
    });
    return own;
  }

  return {
    move() {
      underWay ??= move()
        .catch(() => undefined)
        .finally(() => (underWay = undefined));
      return underWay;
    },
    async close() {
      await thread?.terminate();
      await underWay;
    },
  };
}
