/**
 * Whether anything of some types is open to a caller at all. Mostly nothing is, and a search need then look at what the
 * caller owns only.
 *
 * "Nothing" is true of the moment at which it was asked, so each search asks; those of one turn of the event loop share
 * the question, which is one look into an index, and one more for each where something is. So what is opened is seen by whoever searches after it was acknowledged,
 * whichever process opened it. "Something" is believed for a while: when it is no longer true, a search looks in vain.
 */
import type { Reach } from '../port.js';
import { openEver } from './openings.js';
import type { Parts } from './parts.js';
import { mostlyNone } from './together.js';

export interface Opener {
  /** Whether something was open to them a short while ago; that is not asked. */
  hadSome: (types: readonly string[], reach: Reach) => boolean;
  /** Whether anything is, was or will be. */
  hasSome: (types: readonly string[], reach: Reach) => Promise<boolean>;
}

/** Types, and whom they are open to. */
type Asked = [types: string[], to: string[]];

/** Milliseconds for which it is believed that something is open. */
const BELIEVED_MS = 60_000;
/** So many answers are kept; past that it begins anew. */
const KEPT = 10_000;

export function createOpener({ collections: { versions }, operationMs }: Parts): Opener {
  /** Until when it is believed, by question. */
  const believed = new Map<string, number>();

  const ask = mostlyNone<Asked, boolean>(
    (all) => look([all.flatMap(([types]) => types), all.flatMap(([, to]) => to)]),
    look,
  );

  async function look([types, to]: Asked): Promise<boolean> {
    const options = { projection: { _id: 1 }, hint: 'open', maxTimeMS: operationMs };
    return (await versions.findOne({ ...openEver(to), live: { $in: types } }, options)) !== null;
  }

  return {
    hadSome: (types, reach) => (believed.get(nameOf(types, reach)) ?? 0) > performance.now(),
    async hasSome(types, reach) {
      const name = nameOf(types, reach);
      const some = (await ask([[...types], [...(reach.opened?.to ?? [])]])) === true;
      if (believed.size >= KEPT) believed.clear();
      if (some) believed.set(name, performance.now() + BELIEVED_MS);
      else believed.delete(name);
      return some;
    },
  };
}

const nameOf = (types: readonly string[], { opened }: Reach): string => JSON.stringify([types, opened?.to ?? []]);
