/**
 * The collector of orphans: bytes that no version refers to, because a client or this process went away between the
 * upload and the write, or the write was refused. It works beside the writers, of whatever process: what they have put
 * and not yet written is held, and is looked for again after a blob was set aside (see `blob/port.ts`).
 */
import type { Blobs, ListedBlob } from '../blob/port.js';
import type { Clock } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { Log } from '../kit/log.js';
import type { Store } from '../store/port.js';

export interface CollectTerms {
  /** How long an orphan is kept after its last put. */
  orphanMs: number;
  /** How old a hold may be; 0 only when nothing else works on this store. */
  blobHeldMs: number;
  /** Stops between two batches. */
  signal?: AbortSignal;
}

export interface Collected {
  looked: number;
  removed: number;
  bytes: number;
}

export interface CollectParts {
  store: Store;
  blobs: Blobs;
  clock: Clock;
}

export type Collect = (terms?: Partial<CollectTerms>) => Promise<Collected>;

export function createCollector({ store, blobs, clock }: CollectParts): Collect {
  return async function collect({ orphanMs = limits.orphanMs, blobHeldMs = limits.blobHeldMs, signal } = {}) {
    const now = clock.now();
    const stopped = () => signal?.aborted === true;
    const collected: Collected = { looked: 0, removed: 0, bytes: 0 };
    for await (const batch of inBatches(blobs.list())) {
      if (stopped()) break;
      collected.looked += batch.length;
      const old = batch.filter(({ since }) => since < now - orphanMs);
      const used = old.length === 0 ? new Set() : await store.blobsInUse(old.map(({ hash }) => hash));
      for (const { hash, size } of old) {
        if (used.has(hash) || stopped()) continue;
        const isUsed = async () => (await store.blobsInUse([hash])).has(hash);
        const terms = { before: now - orphanMs, heldBefore: now - blobHeldMs, isUsed };
        if (!(await blobs.remove(hash, terms))) continue;
        collected.removed += 1;
        collected.bytes += size;
      }
    }
    return collected;
  };
}

/** Collects again and again, off the path of requests, until it is closed. One round never overlaps the next. */
export function collectPeriodically(
  collect: Collect,
  log: Log,
  everyMs: number = limits.collectMs,
): { close(): Promise<void> } {
  const stopped = new AbortController();
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    round ??= collect({ signal: stopped.signal })
      .then(
        (collected) => log.info({ collected }),
        (error: unknown) => log.error({ collecting: String(error) }),
      )
      .finally(() => (round = undefined));
  }, everyMs);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      stopped.abort();
      await round;
    },
  };
}

/** Blobs about which the store is asked at once. */
const BATCH = 500;

async function* inBatches(listed: AsyncIterable<ListedBlob>): AsyncGenerator<ListedBlob[]> {
  let batch: ListedBlob[] = [];
  for await (const one of listed) {
    batch.push(one);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
