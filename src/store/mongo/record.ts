/** A record of the vault that belongs to a write: both are committed, or neither. */
import type { ClientSession, Document } from 'mongodb';
import type { Clock, Instant } from '../../kit/clock.js';
import { StoreError, type VaultRecord } from '../port.js';
import { isDuplicate } from './errors.js';
import type { Parts } from './parts.js';

/** What a record is to be, as a pipeline. MongoDB's own clock counts the time that is left, so that two clocks that differ lose no record. */
export const recordOf = (clock: Clock, value: string, expires: Instant): Document[] => [
  {
    $set: {
      v: { $literal: value },
      x: { $literal: expires },
      at: { $add: ['$$NOW', { $literal: Math.max(0, Math.ceil(expires - clock.now())) + SWEEP_MS }] },
    },
  },
];

const SWEEP_MS = 60_000;

/** Inside a transaction. Throws `recorded` where a record of this key is that has not expired. */
export function createPutRecord({ collections: { vault }, clock, operationMs }: Parts) {
  return async function putRecord(session: ClientSession, { key, value, expires }: VaultRecord): Promise<void> {
    const expired = { _id: { $eq: key }, x: { $lte: clock.now() } };
    const options = { session, upsert: true, maxTimeMS: operationMs };
    try {
      await vault.updateOne(expired, recordOf(clock, value, expires), options);
    } catch (error) {
      // There is a record that has not expired: the filter passed it over, and its key is taken.
      if (isDuplicate(error)) throw new StoreError('recorded', `The vault has a record of ${key}.`, key);
      throw error;
    }
  };
}
