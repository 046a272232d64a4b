/**
 * After a change of primary. A read of what a majority holds may show the state of before for a moment: the new primary
 * knows only when a write of its own term has reached a majority that those before it have. So the first thing that is
 * asked of a new primary is such a write, and reads wait for it; one that was under way meanwhile is asked again.
 */
import type { Collection, MongoClient, TopologyDescriptionChangedEvent } from 'mongodb';
import { StoreError } from '../port.js';
import { answered } from './errors.js';
import type { MetaDocument } from './migrate.js';

/** Makes of a reader one that misses nothing that was acknowledged before it was asked. */
export type Current = <Given extends unknown[], T>(
  read: (...given: Given) => Promise<T>,
) => (...given: Given) => Promise<T>;

/** @param meta where the write is made */
export function createCurrent(client: MongoClient, meta: Collection<MetaDocument>, operationMs: number): Current {
  /** Which primary answers, by its election, and how often that has changed. */
  let primary: string | undefined;
  let changes = 0;
  /** The primary has not made a write of its own term yet. */
  let due = false;
  let settling: Promise<void> | undefined;

  client.on('topologyDescriptionChanged', ({ newDescription }: TopologyDescriptionChangedEvent) => {
    for (const { type, address, electionId, setVersion } of newDescription.servers.values()) {
      if (type !== 'RSPrimary') continue;
      const now = `${address} ${String(setVersion)} ${electionId?.toHexString() ?? ''}`;
      if (primary !== undefined && now !== primary) {
        changes += 1;
        due = true;
      }
      primary = now;
    }
  });

  async function settle(): Promise<void> {
    const since = changes;
    const options = { upsert: true, maxTimeMS: operationMs };
    const write = meta.updateOne({ _id: { $eq: 'term' } }, { $set: { value: primary ?? '' } }, options);
    // Whatever becomes of it, who waits for it has written nothing.
    await answered(write).catch((error: unknown) => {
      throw error instanceof StoreError && error.reason === 'unknown' ? notYet(error) : error;
    });
    if (since === changes) due = false;
  }

  return (read) =>
    async (...given) => {
      for (;;) {
        if (due) await (settling ??= settle().finally(() => (settling = undefined)));
        const before = changes;
        const found = await read(...given);
        if (changes === before) return found;
      }
    };
}

const notYet = (cause: StoreError): StoreError =>
  new StoreError('unavailable', 'MongoDB has a new primary that no majority follows yet.', undefined, { cause });
