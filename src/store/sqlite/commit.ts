/**
 * Group commit: what is asked for in one tick is committed in one transaction, because the price of a commit is its
 * wait for the disk. Each job runs in a savepoint of its own, so that one that fails takes no other with it, and each
 * resolves only after the commit.
 */
import { StoreError } from '../port.js';
import { failureOf, sqliteCode, type Connection } from './connection.js';

export interface Committer {
  /** Runs the job inside a transaction; resolves with its result when that is on the disk. */
  commit: <T>(job: () => T, weight?: number) => Promise<T>;
  /** Commits what is waiting and takes nothing more. */
  stop: () => void;
}

interface Waiting {
  job: () => unknown;
  weight: number;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

/** Rows that one transaction takes at most together, unless one job alone has more: others want to be served too. */
const WEIGHT = 2000;

export function createCommitter(connection: Connection, queueMax: number, undone: () => void): Committer {
  const { db } = connection;
  const [begin, commitAll, rollbackAll] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map((text) => db.prepare(text));
  const [save, release, undo] = ['SAVEPOINT job', 'RELEASE job', 'ROLLBACK TO job'].map((text) => db.prepare(text));
  let waiting: Waiting[] = [];
  let scheduled = false;
  let stopped = false;

  function commit<T>(job: () => T, weight = 1): Promise<T> {
    if (stopped) return Promise.reject(new StoreError('unavailable', 'The store is closed.'));
    if (waiting.length >= queueMax)
      return Promise.reject(new StoreError('unavailable', `${queueMax} writes are waiting already: try again later.`));
    return new Promise<T>((resolve, reject) => {
      waiting.push({ job, weight, resolve: resolve as (result: unknown) => void, reject });
      schedule();
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      commitGroup();
      if (waiting.length > 0) schedule();
    });
  }

  function nextGroup(): Waiting[] {
    let [count, weight] = [0, 0];
    for (const one of waiting) {
      weight += one.weight;
      if (count > 0 && weight > WEIGHT) break;
      count += 1;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  }

  function commitGroup(): void {
    const group = nextGroup();
    if (group.length === 0) return;
    const settle: (() => void)[] = [];
    let committing = false;
    try {
      connection.settle();
      begin?.run();
      for (const one of group) settle.push(runJob(one));
      committing = true;
      commitAll?.run();
    } catch (error) {
      undone();
      // A disk that fails while the log is being written leaves open what it holds.
      const unknown = committing && sqliteCode(error)?.startsWith('SQLITE_IOERR');
      const failure = unknown
        ? new StoreError('unknown', 'The disk failed during the commit.', undefined, { cause: error })
        : failureOf(error);
      if (db.inTransaction) rollbackAll?.run();
      for (const { reject } of group) reject(failure);
      return;
    }
    for (const done of settle) done();
  }

  /** Runs one job and says how to settle it once all are committed. Throws when the whole transaction is lost. */
  function runJob({ job, resolve, reject }: Waiting): () => void {
    save?.run();
    try {
      const result = job();
      release?.run();
      return () => {
        resolve(result);
      };
    } catch (error) {
      // A full disk makes SQLite give up the transaction itself, and with it the jobs before.
      if (!db.inTransaction) throw error;
      undo?.run();
      release?.run();
      undone();
      return () => {
        reject(failureOf(error));
      };
    }
  }

  function stop(): void {
    stopped = true;
    while (waiting.length > 0) commitGroup();
  }

  return { commit, stop };
}
