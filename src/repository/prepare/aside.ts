/**
 * Large bodies are prepared on a thread of their own, so that everybody else is served meanwhile. The thread starts
 * with the first of them and ends when there were none for a while. When it cannot start, or dies, the server does the
 * work itself until it is time to try again.
 */
import type { Worker } from 'node:worker_threads';
import { failure } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import { startThread } from '../../kit/thread.js';
import { preparedOf, type Answer } from './message.js';
import type { Prepare, Prepared, Task } from './prepare.js';

export interface Aside {
  prepare(task: Task): Promise<Prepared>;
  close(): Promise<void>;
}

export interface AsideParts {
  base: string;
  /** Does the work when the thread cannot. */
  prepare: Prepare;
  /** Told why there is no thread, once each time. */
  lost: (error: unknown) => void;
  start?: (base: string) => Worker;
  idleMs?: number;
}

interface Waiting {
  task: Task;
  resolve: (prepared: Prepared) => void;
  reject: (error: unknown) => void;
}

export function createAside({
  base,
  prepare,
  lost,
  start = (base) => startThread(new URL('thread.js', import.meta.url), { base }),
  idleMs = limits.asideIdleMs,
}: AsideParts): Aside {
  const waiting: Waiting[] = [];
  let underWay: Waiting | undefined;
  let thread: Worker | undefined;
  let ready = false;
  let closed = false;
  /** When the thread was lost last. */
  let lostAt = -Infinity;
  let idle: NodeJS.Timeout | undefined;

  function next(): void {
    clearTimeout(idle);
    if (underWay !== undefined) return;
    if (thread === undefined && performance.now() - lostAt < idleMs) {
      doHere();
      return;
    }
    if (waiting.length === 0) {
      if (thread !== undefined) idle = setTimeout(end, idleMs).unref();
      return;
    }
    if (thread === undefined) begin();
    if (!ready) return;
    underWay = waiting.shift();
    if (underWay !== undefined) thread?.postMessage(underWay.task, handedOver(underWay.task));
  }

  function begin(): void {
    try {
      thread = start(base);
    } catch (error) {
      lose(error);
      return;
    }
    const own = thread;
    // Requests keep the process alive, not what works for them.
    own.unref();
    own.on('message', (answer: Answer | 'ready') => {
      if (own !== thread) return;
      if (answer === 'ready') ready = true;
      else settle(answer);
      next();
    });
    own.on('error', (error) => {
      if (own === thread) lose(error);
    });
    own.on('exit', (code) => {
      if (own === thread) lose(new Error(`The thread for large bodies ended with code ${code}.`));
    });
  }

  function settle(answer: Answer): void {
    const done = underWay;
    underWay = undefined;
    try {
      done?.resolve(preparedOf(answer));
    } catch (error) {
      done?.reject(error);
    }
  }

  /** What was handed over is lost with the thread; what waits is still here. */
  function lose(error: unknown): void {
    thread = undefined;
    ready = false;
    lostAt = performance.now();
    lost(error);
    underWay?.reject(failure('unavailable', 'Nothing was written; try again.', undefined, { 'Retry-After': '1' }));
    underWay = undefined;
    next();
  }

  /** One in each turn of the event loop. */
  function doHere(): void {
    underWay = waiting.shift();
    if (underWay === undefined) return;
    const { task, resolve, reject } = underWay;
    setImmediate(() => {
      prepare(task)
        .then(resolve, reject)
        .finally(() => {
          underWay = undefined;
          next();
        });
    });
  }

  function end(): void {
    const own = thread;
    thread = undefined;
    ready = false;
    void own?.terminate();
  }

  return {
    prepare(task) {
      if (closed) return Promise.reject(failure('unavailable', 'The server is being stopped. Nothing was written.'));
      if (waiting.length >= limits.asideWaiting) {
        const say = `${limits.asideWaiting} large bodies wait already (limit asideWaiting). Nothing was written; try again.`;
        return Promise.reject(failure('unavailable', say, undefined, { 'Retry-After': '2' }));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ task, resolve, reject });
        next();
      });
    },
    async close() {
      closed = true;
      clearTimeout(idle);
      const stopped = failure('unavailable', 'The server is being stopped. Nothing was written.');
      for (const { reject } of waiting.splice(0)) reject(stopped);
      const own = thread;
      thread = undefined;
      underWay?.reject(stopped);
      await own?.terminate();
    },
  };
}

/** A body changes hands without a copy, when the memory that it stands in is all its own. */
function handedOver(task: Task): ArrayBuffer[] {
  if (task.kind !== 'body') return [];
  const { buffer, byteLength } = task.bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
