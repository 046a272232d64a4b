/**
 * What is open, kept to the rules of this server: computed anew at a start where it was computed by others, or never.
 * Small stores are done before the server serves; of a large one cases open one after the other meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../../kit/limits.js';
import type { Log } from '../../kit/log.js';
import { judgeAnew, openAnew } from './anew.js';
import { createSharing, type Sharing, type SharingParts } from './index.js';

/** Changes with what a referral opens, so that stores of an earlier release are computed anew. */
const RULES = 2;
/** Changes with how it is kept of whom Consents speak. */
const JUDGED = '1';

export interface KeptOpen {
  /** Undefined where there is one organization: whoever starts otherwise later computes everything anew. */
  sharing: Sharing | undefined;
  /** Resolves when it is done, when it was closed before, or when it takes too long to wait for. */
  ready: Promise<void>;
  /** Whether it is known of whom Consents speak: until then nobody's reach is. */
  isJudging: () => boolean;
  close(): Promise<void>;
}

interface Parts extends SharingParts {
  /** Whether there are several organizations. */
  shares: boolean;
  /** Of the search values, by which it is found what belongs together. */
  indexing: string;
  /** Search values are those of this server. */
  indexed: Promise<void>;
  log: Log;
}

export async function keepOpen(parts: Parts): Promise<KeptOpen> {
  const { store, shares, indexed, log } = parts;
  const fingerprint = `${RULES} ${parts.endMs} ${parts.indexing}`;
  const sharing = shares ? createSharing(parts) : undefined;
  const stop = new AbortController();
  const isStopped = (): boolean => stop.signal.aborted;
  const made = await store.keeping.note('opened');
  let judging = sharing === undefined || (await store.keeping.note('judged')) === JUDGED;
  if (sharing === undefined)
    for (const note of ['opened', 'judged'] as const) await store.keeping.setNote(note, undefined);
  const running = sharing === undefined || (judging && made === fingerprint) ? Promise.resolve() : run(sharing);

  async function run(sharing: Sharing): Promise<void> {
    while (!isStopped()) {
      try {
        if (!judging) judging = await judgeAnew(store, sharing, JUDGED, stop.signal);
        if (made === fingerprint) return;
        await indexed;
        const started = performance.now();
        const done = await openAnew(store, sharing, fingerprint, stop.signal);
        if (done > 0)
          log.info({ done, ms: Math.round(performance.now() - started) }, 'what is shared was computed anew');
        return;
      } catch (error) {
        log.error({ err: error }, 'what is shared could not be computed anew; it is tried again');
        await pause(limits.openAgainMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  return {
    sharing,
    isJudging: () => judging,
    ready: Promise.race([running, pause(limits.reindexWaitMs, undefined, { ref: false })]),
    async close() {
      stop.abort();
      await running;
    },
  };
}
