/**
 * The store as requests see it: what depends on search values is refused while these are being made anew. Small stores
 * are done before the server serves; with a large one it serves meanwhile, and reads and writes go on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';
import type { Log } from '../kit/log.js';
import { isEverything } from '../search/restrict.js';
import type { Store } from '../store/port.js';
import { isStale, reindex, type Indexing } from './reindex.js';

export interface Indexed {
  store: Store;
  /** Resolves when the search values are those of this server, or when it was closed before. */
  ready: Promise<void>;
  isReady(): boolean;
  close(): Promise<void>;
}

/** So often the log says how far it is, and so long it waits before it tries again what failed. */
const TELL_MS = 2000;
const AGAIN_MS = 5000;

export async function keepIndexed(store: Store, indexing: Indexing, log: Log): Promise<Indexed> {
  const stop = new AbortController();
  const isStopped = (): boolean => stop.signal.aborted;
  let ready = !(await isStale(store, indexing));

  async function run(): Promise<void> {
    const started = performance.now();
    let last = started;
    let left = 0;
    const progress = (done: number, kept: number): void => {
      left = kept;
      if (performance.now() - last < TELL_MS) return;
      last = performance.now();
      log.info({ done, kept }, 'reindexing');
    };
    log.info('reindex begins: searches are refused until it ends');
    while (!isStopped()) {
      try {
        const done = await reindex(store, indexing, { batch: limits.reindexBatch, progress, signal: stop.signal });
        if (isStopped()) return;
        ready = true;
        const told = { done, kept: left, ms: Math.round(performance.now() - started) };
        if (left > 0) log.warn(told, 'reindex ended; some resources keep old search values, as they have too many now');
        else log.info(told, 'reindex ended');
        return;
      } catch (error) {
        log.error({ err: error }, 'reindex failed, and goes on where it was');
        await pause(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  const running = ready ? Promise.resolve() : run();
  return {
    store: gated(store, () => ready),
    ready: running,
    isReady: () => ready,
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** What is found by being open alone is found without search values. */
const asksNothing = ([, plan, order, , reach]: Parameters<Store['search']>): boolean =>
  isEverything(plan) && order.length === 0 && reach.owners.length === 0;

function gated(store: Store, ready: () => boolean): Store {
  const refused = (): Promise<never> =>
    Promise.reject(
      failure(
        'unavailable',
        'Search values are being made anew after a change of the server. Reads and writes go on; search again later.',
        undefined,
        { 'Retry-After': '5' },
      ),
    );
  return {
    ...store,
    search: (...given) => (ready() || asksNothing(given) ? store.search(...given) : refused()),
    count: (...given) => (ready() ? store.count(...given) : refused()),
    write: (changes, guards = [], ...rest) =>
      ready() || guards.length === 0 ? store.write(changes, guards, ...rest) : refused(),
  };
}
