/**
 * Guards. Two transactions that each look, find nothing and insert would both succeed: a snapshot does not see the
 * other. So each touches a document that stands for the guard's name; whoever does so after another has since its own
 * snapshot was taken is sent back, and sees what that one wrote when it tries again.
 */
import { createHash } from 'node:crypto';
import type { ClientSession } from 'mongodb';
import { StoreError, type Guard } from '../port.js';
import type { Parts } from './parts.js';
import type { CountIn } from './search.js';

/** Makes sure, inside a transaction, that a guard holds until the transaction ends. */
export function createHold({ collections, operationMs }: Parts, count: CountIn) {
  return async function hold(session: ClientSession, guard: Guard): Promise<void> {
    const { name, type, plan, reach, matches } = guard;
    // Counted first: where the answer is no, nobody need wait for anybody.
    const found = await count(session, [type], plan, reach, matches + 1);
    if (found !== matches) {
      const than = found > matches ? 'more' : 'fewer';
      throw new StoreError('guard', `There are ${than} than ${matches} ${type} resources that meet "${name}".`, name);
    }
    const options = { session, upsert: true, maxTimeMS: operationMs };
    await collections.guards.updateOne({ _id: { $eq: slotOf(name) } }, { $inc: { n: 1 } }, options);
  };
}

/** Names share 65,536 documents, so that these do not grow with every condition ever sent; to share one costs a retry. */
const slotOf = (name: string): number => createHash('sha256').update(name).digest().readUInt16BE(0);
