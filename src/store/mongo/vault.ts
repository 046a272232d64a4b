/** Small records that expire. The clock that was handed in judges what has expired; MongoDB only sweeps up later. */
import type { Instant } from '../../kit/clock.js';
import type { Vault } from '../port.js';
import { endOfPrefix } from './compile.js';
import { answered, isDuplicate } from './errors.js';
import type { Parts } from './parts.js';
import { recordOf } from './record.js';

export function createVault({ collections: { vault }, clock, operationMs }: Parts): Vault {
  const options = { maxTimeMS: operationMs };
  const named = (key: string) => ({ _id: { $eq: key } });
  const alive = () => ({ x: { $gt: clock.now() } });

  const record = (value: string, expires: Instant) => recordOf(clock, value, expires);

  return {
    async get(key) {
      return (await answered(vault.findOne({ ...named(key), ...alive() }, options)))?.v;
    },
    async put(key, value, expires) {
      await answered(vault.updateOne(named(key), record(value, expires), { ...options, upsert: true }));
    },
    async putIfAbsent(key, value, expires) {
      const expired = { ...named(key), x: { $lte: clock.now() } };
      try {
        await answered(vault.updateOne(expired, record(value, expires), { ...options, upsert: true }));
        return true;
      } catch (error) {
        // There is a record that has not expired: the filter passed it over, and its key is taken.
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    async take(key) {
      return (await answered(vault.findOneAndDelete({ ...named(key), ...alive() }, options)))?.v;
    },
    async list(after, limit, prefix = '') {
      const end = endOfPrefix(prefix);
      const begun = after === undefined ? { $gte: prefix } : { $gte: prefix, $gt: after };
      const filter = { ...alive(), _id: end === undefined ? begun : { ...begun, $lt: end } };
      const found = await answered(vault.find(filter, { ...options, sort: { _id: 1 }, limit }).toArray());
      return found.map(({ _id, v, x }) => ({ key: _id, value: v, expires: x }));
    },
  };
}
