/** What a write refers to, looked at just before it: it is there, and nobody is about to delete it; see `closing.ts`. */
import { StoreError, type Reach } from '../port.js';
import { Again, isOld } from './closing.js';
import { answered } from './errors.js';
import { isSeen } from './openings.js';
import type { Parts } from './parts.js';
import type { OpenDocument } from './schema.js';
import { together } from './together.js';

export interface Targets {
  /** Rejects with `missing`, or with Again while one of them is about to be deleted. */
  look: (keys: string[], reach: Reach) => Promise<Look>;
  /** Whether a write that is acknowledged now was seen by whoever wanted to delete what it refers to. */
  isFresh: (look: Look) => boolean;
}

/** When somebody looked, by a clock that never jumps and by one that goes on while a machine sleeps. */
export interface Look {
  ticks: number;
  time: number;
  elections: number;
}

interface Head {
  key: string;
  o: string;
  live?: string;
  open?: OpenDocument[];
  closing?: { by: string };
}

export function createTargets({ client, collections: { versions }, clock, operationMs, graceMs }: Parts): Targets {
  const timed = { maxTimeMS: operationMs };
  // An old primary that does not know yet that it is none shows what was; the driver has then seen another one since.
  let elections = 0;
  client.on('topologyDescriptionChanged', () => (elections += 1));

  const heads = together(async (keys): Promise<Map<string, Head>> => {
    const cursor = versions.find(
      { key: { $in: keys }, head: true },
      { ...timed, projection: { _id: 0, key: 1, o: 1, live: 1, open: 1, closing: 1 }, batchSize: keys.length + 1 },
    );
    const found = (await cursor.toArray()) as Head[];
    return new Map(found.map((head) => [head.key, head]));
  });

  return {
    async look(keys, reach) {
      const begun = { ticks: performance.now(), time: clock.now(), elections };
      if (keys.length === 0) return begun;
      const found = await answered(heads(keys));
      const missing = keys.find((key) => {
        const head = found.get(key);
        return head?.live === undefined || !isSeen(head, reach);
      });
      if (missing !== undefined) throw new StoreError('missing', `${missing} is not there.`, missing);
      for (const key of keys) {
        const closing = found.get(key)?.closing;
        if (closing === undefined) continue;
        await reopenOld(key, closing.by);
        throw new Again(key);
      }
      return begun;
    },
    isFresh: (look) =>
      look.elections === elections &&
      performance.now() - look.ticks < graceMs / 2 &&
      clock.now() - look.time < graceMs / 2,
  };

  /** Takes a mark away that a fallen process has left. */
  async function reopenOld(key: string, mark: string): Promise<void> {
    const filter = { key: { $eq: key }, head: true, 'closing.by': { $eq: mark }, $expr: isOld } as const;
    await answered(versions.updateOne(filter, { $unset: { closing: 1 } }, timed));
  }
}
