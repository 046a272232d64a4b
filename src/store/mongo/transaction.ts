/** One transaction, tried again while it meets others, and committed until the answer is known or the time is over. */
import { setTimeout as pause } from 'node:timers/promises';
import { MongoError, MongoErrorLabel, type ClientSession, type MongoClient } from 'mongodb';
import { StoreError } from '../port.js';
import { durable } from './client.js';
import { isAmbiguous, isBroken, isTransient, toStoreError, unknownOutcome } from './errors.js';

/** `work` may run several times; it must do the same each time. */
export async function inTransaction(
  client: MongoClient,
  budget: Budget,
  work: (session: ClientSession) => Promise<void>,
): Promise<void> {
  const session = client.startSession({ defaultTransactionOptions: options });
  try {
    for (let attempt = 0; ; attempt += 1) {
      const failure = await attemptOnce(session, budget, work);
      if (failure === undefined) return;
      if (!(await budget.wait(attempt)))
        throw new StoreError('unavailable', 'Other writes stood in the way for too long.', undefined, {
          cause: failure,
        });
    }
  } finally {
    await session.endSession();
  }
}

const options = {
  readConcern: { level: 'snapshot' },
  readPreference: 'primary',
  writeConcern: durable,
  maxCommitTimeMS: 5000,
} as const;

/** Resolves to the reason when another attempt may do it; rejects when none will. */
async function attemptOnce(
  session: ClientSession,
  budget: Budget,
  work: (session: ClientSession) => Promise<void>,
): Promise<unknown> {
  session.startTransaction();
  try {
    await work(session);
  } catch (error) {
    // What was not aborted the server aborts by itself; nothing of it was ever to be seen.
    await session.abortTransaction().catch(() => undefined);
    if (isTransient(error) || isBroken(error)) return error;
    throw toStoreError(error);
  }
  return commit(session, budget);
}

async function commit(session: ClientSession, budget: Budget): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await session.commitTransaction();
      return undefined;
    } catch (error) {
      if (isTransient(error)) return error;
      const unknown =
        isAmbiguous(error) ||
        !(error instanceof MongoError) ||
        error.hasErrorLabel(MongoErrorLabel.UnknownTransactionCommitResult) ||
        attempt > 0;
      if (!unknown) throw toStoreError(error);
      // To commit once more is safe: the server knows the transaction by its number.
      if (!(await budget.wait(attempt))) throw unknownOutcome(error);
    }
  }
}

/** The time that a write may take in all, whatever it meets. */
export interface Budget {
  /** Waits a little, longer each time; false when the time is over. */
  wait(attempt: number): Promise<boolean>;
}

export function createBudget(milliseconds: number): Budget {
  const end = performance.now() + milliseconds;
  return {
    async wait(attempt) {
      // A random wait, so that those who met do not meet again.
      await pause(1 + Math.random() * Math.min(100, 4 * 2 ** attempt));
      return performance.now() < end;
    },
  };
}
