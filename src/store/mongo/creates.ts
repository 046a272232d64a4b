/**
 * Creates that come while others are being written go together: one question for all that they refer to, one insert of
 * many documents. To ask MongoDB costs as much as to store one document, and to make a write durable more than that;
 * sixteen writers so share both. Who comes alone waits for nobody.
 *
 * Each has an outcome of its own. What the answer to the insert leaves open is settled one by one, by `insert.ts`.
 */
import { MongoBulkWriteError } from 'mongodb';
import type { Reach } from '../port.js';
import { DUPLICATE_KEY, unknownOutcome } from './errors.js';
import { gather } from './gather.js';
import { createInsert, taken, wasSent } from './insert.js';
import type { Parts } from './parts.js';
import type { VersionDocument } from './schema.js';
import type { Look, Targets } from './targets.js';
import type { Budget } from './transaction.js';

export interface Create {
  document: VersionDocument;
  /** What it refers to, and who must see that; none: nobody asks. */
  present: string[];
  reach: Reach | undefined;
  budget: Budget;
}

/** Resolves to the look at what it refers to. Rejects as a write does, or with Again. */
export type WriteCreate = (create: Create) => Promise<Look | undefined>;

/** The queue itself is as long as the requests under way (`writesUnderWay`). Documents of one insert, and characters of their texts: with their fields they are about three times as large. */
const MOST = 128;
const MOST_CHARACTERS = 4 * 1024 * 1024;

interface Waiting extends Create {
  done: (look: Look | undefined) => void;
  failed: (reason: unknown) => void;
}

interface Ready extends Waiting {
  look: Look | undefined;
}

export function createCreates(parts: Parts, targets: Targets): WriteCreate {
  const {
    client,
    collections: { versions },
    operationMs,
  } = parts;
  const insert = createInsert(parts);
  const join = gather(countOf, write);

  /** Never rejects: each of the group hears for itself. */
  async function write(group: Waiting[]): Promise<void> {
    const looks = await Promise.allSettled(group.map(look));
    const ready: Ready[] = [];
    group.forEach((one, at) => {
      const found = looks[at];
      if (found?.status === 'fulfilled') ready.push({ ...one, look: found.value });
      else one.failed(found?.reason);
    });
    const [first] = ready;
    if (ready.length === 1 && first !== undefined) await settle(first, insert(first.document, first.budget));
    else if (ready.length > 1) await insertAll(ready);
  }

  const look = async ({ present, reach }: Create) => (reach === undefined ? undefined : targets.look(present, reach));

  const settle = (one: Ready, work: Promise<void>): Promise<void> => work.then(() => one.done(one.look), one.failed);

  async function insertAll(group: Ready[]): Promise<void> {
    const session = client.startSession();
    const before = session.serverSession.txnNumber;
    try {
      const documents = group.map(({ document }) => document);
      await versions.insertMany(documents, { ordered: false, session, maxTimeMS: operationMs });
      for (const one of group) one.done(one.look);
    } catch (error) {
      const outcome = outcomeOf(error, wasSent(session, before));
      group.forEach((one, at) => void settle(one, outcome(one, at)));
    } finally {
      await session.endSession();
    }
  }

  /** Of an insert of many that did not go through as a whole. */
  function outcomeOf(error: unknown, wasSent: boolean): (one: Ready, at: number) => Promise<void> {
    const answer = error instanceof MongoBulkWriteError ? error.result : undefined;
    const late = answer?.getWriteConcernError() !== undefined;
    const refused = new Map(answer?.getWriteErrors().map(({ index, code }) => [index, code]));
    return async ({ document, budget }, at) => {
      if (refused.get(at) === DUPLICATE_KEY) throw taken(document);
      const isThere = !refused.has(at) && (late || refused.size > 0);
      // It is on the primary; whether it stays is what nobody could say in time.
      if (isThere && late) throw unknownOutcome(error);
      if (!isThere) await insert(document, budget, wasSent);
    };
  }

  return (create) =>
    new Promise((done, failed) => {
      join({ ...create, done, failed });
    });
}

function countOf(waiting: readonly Waiting[]): number {
  let [count, characters] = [0, 0];
  for (const { document } of waiting.slice(0, MOST)) {
    characters += document.text?.length ?? 0;
    if (count > 0 && characters > MOST_CHARACTERS) break;
    count += 1;
  }
  return count;
}
