/**
 * A deletion of what nobody may refer to any more. A snapshot does not see those who write a reference at the same time,
 * and a create is an insert without a transaction, so the two must see each other in another way:
 *
 * - Who deletes first sets a mark on the newest version, `closing`. It then waits for the grace, looks in its
 *   transaction for whoever refers to it, and deletes; or it takes the mark away. The deletion takes the place of a
 *   version with this very mark only.
 * - Who refers to something looks for it just before its write (`targets.ts`), and waits while it is closing. A write
 *   that was acknowledged within half the grace from that look was there before the one who deletes looked; one that
 *   took longer looks again, after it.
 *
 * So of the two at least one sees the other. A mark older than `OLD_MS` was left by a fallen process: whoever meets it
 * takes it away. If that one lives after all, its deletion meets this change, or misses its mark, and begins again.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientSession, Document } from 'mongodb';
import type { Reach } from '../port.js';
import { REFERRERS, referredTo } from '../referred.js';
import { keyOf } from './documents.js';
import { answered } from './errors.js';
import { isSeen } from './openings.js';
import type { Parts } from './parts.js';

/** Somebody else is about to delete, or to do so no more: look again a little later. */
export class Again extends Error {
  constructor(key: string) {
    super(`Somebody else is about to delete ${key}.`);
    this.name = 'Again';
  }
}

const OLD_MS = 30_000;

/** Of a head that is about to be deleted: whether its mark was left behind. By MongoDB's own clock. */
export const isOld: Document = { $lt: ['$closing.at', { $subtract: ['$$NOW', OLD_MS] }] };

export interface Closing {
  /** Marks all of them, and waits; resolves to the mark. Rejects with Again when another one has marked one of them. */
  close: (keys: string[]) => Promise<string>;
  /** Takes a mark away wherever it is. */
  reopen: (keys: string[], mark: string) => Promise<void>;
  /** Throws `referred` when what is current refers to one of these. @param without whoever is written anew anyway */
  refuseReferred: (keys: string[], reach: Reach, within: ClientSession | { without: string[] }) => Promise<void>;
}

export function createClosing({ collections: { versions }, operationMs, graceMs }: Parts): Closing {
  const timed = { maxTimeMS: operationMs };
  const headsOf = (keys: string[]) => ({ key: { $in: keys }, head: true }) as const;

  async function close(keys: string[]): Promise<string> {
    const mark = randomUUID();
    const free = { ...headsOf(keys), $or: [{ closing: { $exists: false } }, { $expr: isOld }] };
    await answered(versions.updateMany(free, [{ $set: { closing: { by: mark, at: '$$NOW' } } }], timed));
    const cursor = versions.find(headsOf(keys), { ...timed, projection: { key: 1, closing: 1 } });
    const other = (await answered(cursor.toArray())).find(({ closing }) => closing?.by !== mark);
    if (other !== undefined) {
      await reopen(keys, mark);
      throw new Again(other.key);
    }
    await pause(graceMs);
    return mark;
  }

  async function reopen(keys: string[], mark: string): Promise<void> {
    await answered(versions.updateMany({ ...headsOf(keys), 'closing.by': mark }, { $unset: { closing: 1 } }, timed));
  }

  async function refuseReferred(...[keys, reach, within]: Parameters<Closing['refuseReferred']>): Promise<void> {
    const [others, options] =
      'without' in within ? [{ key: { $nin: within.without } }, timed] : [{}, { ...timed, session: within }];
    const cursor = versions.find(
      { f: { $in: keys, $exists: true }, ...others },
      { ...options, limit: REFERRERS, projection: { t: 1, i: 1, o: 1, f: 1, open: 1 } },
    );
    const found = await answered(cursor.toArray());
    const target = keys.find((key) => found.some(({ f }) => f?.includes(key)));
    if (target === undefined) return;
    const referrers = found.filter(({ f }) => f?.includes(target));
    const seen = new Set(referrers.filter((one) => isSeen(one, reach)).map(({ t, i }) => keyOf({ type: t, id: i })));
    throw referredTo(
      target,
      referrers.map(({ t, i, o }) => ({ type: t, id: i, owner: o })),
      (referrer) => seen.has(keyOf(referrer)),
    );
  }

  return { close, reopen, refuseReferred };
}
