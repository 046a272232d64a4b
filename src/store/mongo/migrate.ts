/**
 * The schema's number, and the steps that lead to it. The document `schema` of the collection `meta` says how many steps
 * a database has had; it is also the lock that lets one process at a time take them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { MongoServerError, type Collection, type Db } from 'mongodb';
import { MongoRefused } from './checks.js';
import { MAIN_DATES, WIDTHS } from './dates.js';

export interface MetaDocument {
  _id: string;
  /** Of `schema`: how many steps were taken, who takes them now, and until when nobody else may. */
  number?: number;
  by?: string;
  until?: Date;
  /** Of a note: its text. */
  value?: string;
}

/** May be taken twice: a process that falls in the middle leaves a step to the next one. */
export type Step = (db: Db) => Promise<void>;

/**
 * One by one, never changed once released. Collections and indexes are not among them: `schema.ts` makes those that
 * are missing at every start, before the steps. The first two stand for the databases of the first release, which had
 * no number, and for the number itself.
 */
export const steps: readonly Step[] = [() => Promise.resolve(), () => Promise.resolve(), fillDates];

/** The date of each type, from the keys that are there. */
async function fillDates(db: Db): Promise<void> {
  for (const [type, param] of Object.entries(MAIN_DATES)) {
    const values = {
      $filter: { input: '$r', cond: { $and: [{ $eq: ['$$this.p', param] }, { $eq: ['$$this.v', ''] }] } },
    };
    const [first, last] = [`$k.${param}.f`, `$k.${param}.l`];
    const width = { $subtract: [{ $max: `$$one.h` }, { $min: '$$one.l' }] };
    const branches = WIDTHS.map((most, w) => ({ case: { $lte: [width, most] }, then: w }));
    const wide = { $gt: [{ $size: '$$one' }, 1] };
    const switched = {
      $switch: { branches: [{ case: wide, then: WIDTHS.length }, ...branches], default: WIDTHS.length },
    };
    const w = { $let: { vars: { one: values }, in: switched } };
    await db
      .collection('versions')
      .updateMany({ live: { $eq: type }, 'd.w': { $exists: false } }, [{ $set: { d: { w, f: first, l: last } } }]);
  }
}

/** How long one step may take before another process thinks that its taker has fallen. */
const LEASE_MS = 10 * 60_000;
const WAIT_MS = 200;
const DUPLICATE_KEY = 11000;

/** Brings the database up to date; one of a later release is left alone. */
export async function migrate(db: Db, by: string, all: readonly Step[] = steps, waitMs = LEASE_MS): Promise<void> {
  const meta = db.collection<MetaDocument>('meta');
  await makeNumber(meta);
  for (let waited = 0; ; waited += WAIT_MS) {
    if ((await numberOf(db)) >= all.length) return;
    if (await claim(meta, by)) break;
    if (waited > waitMs)
      throw new MongoRefused('another process is bringing the database up to date; try again later.');
    await pause(WAIT_MS);
  }
  // Once more: who held the lock before may have taken some steps.
  for (let number = await numberOf(db); number < all.length; number += 1) {
    await all[number]?.(db);
    await meta.updateOne({ _id: 'schema', by }, [{ $set: { number: number + 1, until: LEASE_END } }]);
  }
  await meta.updateOne({ _id: 'schema', by }, { $unset: { by: 1, until: 1 } });
}

/** Refuses a database that this release does not know. Asked before anything is made in it. */
export async function refuseLater(db: Db, all: readonly Step[] = steps): Promise<void> {
  const number = await numberOf(db);
  if (number > all.length)
    throw new MongoRefused(
      `the database has schema ${number} and this release knows ${all.length}: open it with the release that made it, or a later one.`,
    );
}

async function numberOf(db: Db): Promise<number> {
  return (await db.collection<MetaDocument>('meta').findOne({ _id: 'schema' }))?.number ?? 0;
}

/** By MongoDB's own clock, so that those of two machines need not agree. */
const LEASE_END = { $add: ['$$NOW', LEASE_MS] };

/** True for one of many; a lock whose time is over is no obstacle. */
async function claim(meta: Collection<MetaDocument>, by: string): Promise<boolean> {
  const free = { _id: 'schema', $or: [{ by: { $exists: false } }, { $expr: { $lt: ['$until', '$$NOW'] } }] };
  const { modifiedCount } = await meta.updateOne(free, [{ $set: { by, until: LEASE_END } }]);
  return modifiedCount === 1;
}

/** Two processes may make it at once; one of them is told that it is there. */
async function makeNumber(meta: Collection<MetaDocument>): Promise<void> {
  await meta.updateOne({ _id: 'schema' }, { $setOnInsert: { number: 0 } }, { upsert: true }).catch((error: unknown) => {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
  });
}
