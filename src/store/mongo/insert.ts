/** One insert outside of a transaction, tried again when the connection breaks and it is not known what became of it. */
import { MongoWriteConcernError, type ClientSession } from 'mongodb';
import { StoreError } from '../port.js';
import { isAmbiguous, isClosed, isDuplicate, isTrouble, toStoreError, unknownOutcome } from './errors.js';
import type { Parts } from './parts.js';
import type { VersionDocument } from './schema.js';
import type { Budget } from './transaction.js';

export function createInsert({ client, collections: { versions }, operationMs }: Parts) {
  /** @param perhapsThere an attempt before this may have written it */
  return async function insert(document: VersionDocument, budget: Budget, perhapsThere = false): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const session = client.startSession();
      const before = session.serverSession.txnNumber;
      try {
        await versions.insertOne(document, { session, maxTimeMS: operationMs });
        return;
      } catch (error) {
        if (isDuplicate(error)) {
          if (perhapsThere && (await isThere(document))) return;
          throw taken(document);
        }
        // It is on the primary; whether it stays is what nobody could say in time.
        if (error instanceof MongoWriteConcernError) throw unknownOutcome(error);
        if (!isTrouble(error)) throw toStoreError(error);
        perhapsThere ||= isAmbiguous(error) || wasSent(session, before);
        if (isClosed(error) || !(await budget.wait(attempt)))
          throw perhapsThere ? unknownOutcome(error) : toStoreError(error);
      } finally {
        await session.endSession();
      }
    }
  };

  /** The same version with the same content: an attempt before this one wrote it after all. */
  async function isThere({ _id, u, o, text }: VersionDocument): Promise<boolean> {
    const found = await versions.findOne({ _id: { $eq: _id } }, { maxTimeMS: operationMs });
    return found?.u === u && found.o === o && found.text === text;
  }
}

export const taken = ({ key }: VersionDocument): StoreError =>
  new StoreError('conflict', `${key} exists already.`, key);

/** The driver numbers a write once it has found a server and before it sends it. */
export const wasSent = (session: ClientSession, before: number): boolean => session.serverSession.txnNumber !== before;
