/**
 * Group commit: what is asked for in one tick is committed in one transaction, because the price of a commit is its
 * wait for the disk. One that fails takes no other with it: where it had written something, the group begins anew with a
 * savepoint for each, which costs a copy of every page. Each resolves only after the commit.
 *
 * There are two sides. Short jobs run on the near connection, which the reads use too, within one turn of the event
 * loop. A group with a long one runs on the far connection and lets others have their turn in between: they read what
 * was there before it, and what they write waits in line.
 */
import { Turns } from '../../kit/turns.js';
import { StoreError } from '../port.js';
import { createGathering } from './gather.js';
import { failureOf, sqliteCode, type Connection } from './connection.js';

/** A connection and what can be done by it. */
export interface Side<Hands> {
  connection: Connection;
  hands: Hands;
  /** Told when something was rolled back. */
  undone: () => void;
  /** Cleared when a transaction begins; sealed inside of it, when only the commit is left. */
  ledger?: { clear: () => void; seal: () => void };
  /** Brings to the disk what was written so far, while others have their turn: the commit then waits for less. */
  flush?: () => Promise<void>;
}

/** Work that can be held after each step. */
export type Steps<T> = Iterator<undefined, T>;

export interface Committer<Hands> {
  /** Runs the job inside a transaction; resolves with its result when that is on the disk. */
  commit: <T>(job: (hands: Hands) => T) => Promise<T>;
  /** The same for what may be long. @param weight 1 for what takes as long as a usual resource */
  commitSteps: <T>(job: (hands: Hands) => Steps<T>, weight: number) => Promise<T>;
  /** Takes nothing more; resolves when all that was taken is committed. */
  stop: () => Promise<void>;
}

interface Waiting<Hands> {
  job: (hands: Hands) => Steps<unknown>;
  weight: number;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

/** Heavier jobs are long: some milliseconds. */
const LONG = 40;
/** What one transaction takes at most together, near and far, unless one job alone is heavier. */
const GROUP = { near: 250, far: 2000 };

/** @param far a connection to the same database, or `near` where there can be only one: then nobody has a turn */
export function createCommitter<Hands>(near: Side<Hands>, far: Side<Hands>, queueMax: number): Committer<Hands> {
  const [nearby, aside] = [createTransaction(near), createTransaction(far)];
  let waiting: Waiting<Hands>[] = [];
  let underWay: Promise<void> | undefined;
  let stopped = false;
  const gathering = createGathering(() => waiting.length);

  function enqueue<T>(job: (hands: Hands) => Steps<T>, weight: number): Promise<T> {
    if (stopped) return Promise.reject(new StoreError('unavailable', 'The store is closed.'));
    if (waiting.length >= queueMax)
      return Promise.reject(new StoreError('unavailable', `${queueMax} writes are waiting already: try again later.`));
    return new Promise<T>((resolve, reject) => {
      waiting.push({ job, weight, resolve: resolve as (result: unknown) => void, reject });
      gathering.came();
      underWay ??= work();
    });
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      await gathering.gathered();
      const { group, isLong } = nextGroup();
      if (isLong && far !== near) await inTurns(aside(group));
      else {
        const began = performance.now();
        atOnce(nearby(group));
        gathering.took(performance.now() - began);
      }
    }
    underWay = undefined;
  }

  function nextGroup(): { group: Waiting<Hands>[]; isLong: boolean } {
    let [count, weight, isLong] = [0, 0, false];
    for (const one of waiting) {
      const long = isLong || one.weight > LONG;
      weight += one.weight;
      if (count > 0 && weight > (long ? GROUP.far : GROUP.near)) break;
      count += 1;
      isLong = long;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return { group, isLong };
  }

  function atOnce(steps: Stages): void {
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    step.value();
  }

  async function inTurns(steps: Stages): Promise<void> {
    const turns = new Turns();
    let step = steps.next();
    while (step.done !== true) {
      if (step.value === 'commit') await far.flush?.();
      if (turns.over) await turns.next();
      step = steps.next();
    }
    // Whoever hears of it now, and reads in this very turn, must see it.
    near.connection.settle();
    step.value();
  }

  return {
    commit: (job) => enqueue((hands) => ({ next: () => ({ done: true, value: job(hands) }) }), 1),
    commitSteps: enqueue,
    async stop() {
      stopped = true;
      await underWay;
    },
  };
}

/** What a job had written when it failed must be undone, and it stands among what others wrote. */
class HalfDone extends Error {}

/** The steps of a group; `commit` says that only the commit is left. */
type Stages = Generator<'commit' | undefined, () => void>;

/** One transaction of a group of jobs; its result tells all of them what became of it. */
function createTransaction<Hands>({ connection, hands, undone, ledger }: Side<Hands>) {
  const { db } = connection;
  const [begin, commitAll, rollbackAll] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map((text) => db.prepare(text));
  const [save, release, undo] = ['SAVEPOINT job', 'RELEASE job', 'ROLLBACK TO job'].map((text) => db.prepare(text));

  /** Runs one job and says how to settle it once all are committed. Throws when the whole transaction is lost. */
  function* runJob({ job, resolve, reject }: Waiting<Hands>, apart: boolean): Generator<undefined, () => void> {
    const before = connection.writes();
    if (apart) save?.run();
    try {
      const steps = job(hands);
      let step = steps.next();
      while (step.done !== true) {
        yield;
        step = steps.next();
      }
      if (apart) release?.run();
      const result = step.value;
      return () => {
        resolve(result);
      };
    } catch (error) {
      // A full disk makes SQLite give up the transaction itself, and with it the jobs before.
      if (!db.inTransaction) throw error;
      if (apart) {
        undo?.run();
        release?.run();
        undone();
      } else if (connection.writes() > before) throw new HalfDone('A job failed in the middle.', { cause: error });
      return () => {
        reject(failureOf(error));
      };
    }
  }

  return function* transaction(group: Waiting<Hands>[], apart = false): Stages {
    const settle: (() => void)[] = [];
    let committing = false;
    try {
      connection.settle();
      begin?.run();
      ledger?.clear();
      for (const one of group) settle.push(yield* runJob(one, apart));
      ledger?.seal();
      yield 'commit';
      committing = true;
      commitAll?.run();
      return () => {
        for (const done of settle) done();
      };
    } catch (error) {
      undone();
      if (error instanceof HalfDone) {
        rollbackAll?.run();
        return yield* transaction(group, true);
      }
      // A disk that fails while the log is being written leaves open what it holds.
      const unknown = committing && sqliteCode(error)?.startsWith('SQLITE_IOERR');
      const failure = unknown
        ? new StoreError('unknown', 'The disk failed during the commit.', undefined, { cause: error })
        : failureOf(error);
      if (db.inTransaction) rollbackAll?.run();
      return () => {
        for (const { reject } of group) reject(failure);
      };
    }
  };
}
