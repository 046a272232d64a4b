/** Group commit: one transaction for all that is asked in one tick, what happens when it cannot be had, and turns. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createCommitter } from '../../../src/store/sqlite/commit.js';
import { connect, type Connection } from '../../../src/store/sqlite/connection.js';
import { sql } from '../../../src/store/sqlite/sql.js';

const folder = mkdtempSync(join(tmpdir(), 'afferent-commit-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let files = 0;
function opened(queueMax = 100) {
  files += 1;
  const file = join(folder, `${files}.db`);
  const connection = connect(file);
  const far = connect(file);
  let undone = 0;
  const side = (hands: Connection) => ({ connection: hands, hands, undone: () => (undone += 1) });
  const committer = createCommitter(side(connection), side(far), queueMax);
  const put =
    (key: string) =>
    ({ run }: Connection) =>
      run(sql`INSERT INTO vault (key, value, expires) VALUES (${key}, '', 1)`);
  const other = new Database(file, { timeout: 1 });
  return {
    connection,
    far,
    committer,
    put,
    other,
    keys: () => other.prepare('SELECT key FROM vault ORDER BY key').pluck().all(),
    undone: () => undone,
  };
}

test('jobs of one tick are one transaction, and each resolves after its commit', async () => {
  const { committer, put, keys } = opened();
  const seenWithin: unknown[] = [];
  const first = committer.commit(put('a'));
  const second = committer.commit((on) => {
    seenWithin.push(...keys());
    return put('b')(on);
  });
  expect(keys()).toEqual([]);
  await first;
  expect([seenWithin, keys()]).toEqual([[], ['a', 'b']]);
  expect(await second).toBe(1);
});

test('a job that fails is undone alone: all begins anew, each with a savepoint, once one fails in its middle', async () => {
  const { committer, put, keys, undone } = opened();
  const jobs = [
    put('a'),
    (on: Connection) => {
      put('b')(on);
      throw new Error('No.');
    },
    put('c'),
    put('a'),
  ].map((job) => committer.commit(job));
  const settled = await Promise.allSettled(jobs);
  expect(settled.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
  expect(keys()).toEqual(['a', 'c']);
  expect(undone()).toBe(3);
});

test('a full queue turns away, and works on', async () => {
  const { committer, put, keys } = opened(2);
  const [a, b, c] = ['a', 'b', 'c'].map((key) => committer.commit(put(key)));
  await expect(c).rejects.toMatchObject({ reason: 'unavailable' });
  await Promise.all([a, b]);
  await committer.commit(put('d'));
  expect(keys()).toEqual(['a', 'b', 'd']);
});

test('a full disk is told, nothing of the group is written, and with new room it works on', async () => {
  const { committer, connection, put, keys } = opened();
  const pages = Number(connection.db.pragma('page_count', { simple: true }));
  connection.db.pragma(`max_page_count = ${pages + 5}`);
  const big = () =>
    connection.run(sql`INSERT INTO vault (key, value, expires) VALUES ('big', ${'x'.repeat(100_000)}, 1)`);
  const settled = await Promise.allSettled([put('a'), big].map((job) => committer.commit(job)));
  expect(settled[1]).toMatchObject({ status: 'rejected', reason: { reason: 'full' } });
  expect(keys()).toEqual(settled[0]?.status === 'fulfilled' ? ['a'] : []);
  connection.db.pragma('max_page_count = 1000000');
  await committer.commit(big);
  expect(keys()).toContain('big');
});

test('while another process holds the database, a write is unavailable and nothing is written', async () => {
  const { committer, connection, put, other, keys } = opened();
  connection.db.pragma('busy_timeout = 20');
  other.exec('BEGIN IMMEDIATE');
  await expect(committer.commit(put('a'))).rejects.toMatchObject({ reason: 'unavailable' });
  other.exec('ROLLBACK');
  await committer.commit(put('b'));
  expect(keys()).toEqual(['b']);
});

test('stopping commits what waits and takes nothing more', async () => {
  const { committer, put, keys } = opened();
  const waiting = committer.commit(put('a'));
  await committer.stop();
  await waiting;
  await expect(committer.commit(put('b'))).rejects.toMatchObject({ reason: 'unavailable' });
  expect(keys()).toEqual(['a']);
});

describe('a long job', () => {
  /** Puts so many records, and busily lets time pass between them. */
  const long = (records: number, end?: Error) =>
    function* ({ run }: Connection): Generator<undefined, number> {
      for (let n = 0; n < records; n += 1) {
        run(sql`INSERT INTO vault (key, value, expires) VALUES (${`long${n}`}, '', 1)`);
        const until = performance.now() + 4;
        while (performance.now() < until);
        yield;
      }
      if (end !== undefined) throw end;
      return records;
    };
  const count = ({ get }: Connection) => Number(get(sql`SELECT count(*) AS n FROM vault`)?.n);

  test('lets others read what was there before it, and is seen as a whole by whoever hears of it', async () => {
    const { committer, connection } = opened();
    const seen: number[] = [];
    const job = committer.commitSteps(long(10), 1000).then((result) => {
      seen.push(count(connection));
      return result;
    });
    while (seen.at(-1) !== 10) {
      const now = count(connection);
      if (now < 10) expect(now).toBe(0);
      seen.push(now);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await job).toBe(10);
    expect(seen.filter((now) => now === 0).length).toBeGreaterThan(3);
    expect(seen.filter((now) => now !== 0).length).toBeGreaterThan(0);
  });

  test('makes others wait in line, shares its transaction with them, and takes nobody with it when it fails', async () => {
    const { committer, put, keys, undone } = opened();
    const order: string[] = [];
    const noted = async (name: string, job: Promise<unknown>) => {
      await job.catch(() => undefined);
      order.push(name);
    };
    const before = [
      noted('a', committer.commit(put('a'))),
      noted('long', committer.commitSteps(long(5, new Error('No.')), 1000)),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([...before, noted('b', committer.commit(put('b')))]);
    expect([order, keys(), undone()]).toEqual([['a', 'long', 'b'], ['a', 'b'], 2]);
  });

  test('that is the only one there can be is not held', async () => {
    const connection = connect(':memory:');
    const side = { connection, hands: connection, undone: () => undefined };
    const job = createCommitter(side, side, 10).commitSteps(long(10), 1000);
    const seen: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      seen.push(count(connection));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([await job, ...new Set(seen)]).toEqual([10, 0, 10]);
    connection.close();
  });

  test('is waited for by whoever stops', async () => {
    const { committer, keys } = opened();
    const job = committer.commitSteps(long(10), 1000);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await committer.stop();
    expect([await job, keys().length]).toEqual([10, 10]);
  });
});
