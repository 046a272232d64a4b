/** Group commit: one transaction for all that is asked in one tick, and what happens when it cannot be had. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createCommitter } from '../../../src/store/sqlite/commit.js';
import { connect } from '../../../src/store/sqlite/connection.js';
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
  let undone = 0;
  const committer = createCommitter(connection, queueMax, () => (undone += 1));
  const put = (key: string) => () =>
    connection.run(sql`INSERT INTO vault (key, value, expires) VALUES (${key}, '', 1)`);
  const other = new Database(file, { timeout: 1 });
  return {
    connection,
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
  const second = committer.commit(() => {
    seenWithin.push(...keys());
    return put('b')();
  });
  expect(keys()).toEqual([]);
  await first;
  expect([seenWithin, keys()]).toEqual([[], ['a', 'b']]);
  expect(await second).toBe(1);
});

test('a job that fails is undone alone', async () => {
  const { committer, put, keys, undone } = opened();
  const jobs = [
    put('a'),
    () => {
      put('b')();
      throw new Error('No.');
    },
    put('c'),
    put('a'),
  ].map((job) => committer.commit(job));
  const settled = await Promise.allSettled(jobs);
  expect(settled.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
  expect(keys()).toEqual(['a', 'c']);
  expect(undone()).toBe(2);
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
  committer.stop();
  await waiting;
  await expect(committer.commit(put('b'))).rejects.toMatchObject({ reason: 'unavailable' });
  expect(keys()).toEqual(['a']);
});
