/** The log of SQLite is moved by a thread, begins anew, and stays short however long writing goes on. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { startThread } from '../../src/kit/thread.js';
import { createCheckpoint, type Checkpoint } from '../../src/store/sqlite/checkpoint.js';
import { connect, type Connection } from '../../src/store/sqlite/connection.js';
import { sql } from '../../src/store/sqlite/sql.js';

const MB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'afferent-checkpoint-'));
const file = join(folder, 'afferent.sqlite');
const thread = new URL('../../src/store/sqlite/checkpoint-thread.js', import.meta.url);
const connection = connect(file, { cache: 1024, walPages: 0 });
const opened: Checkpoint[] = [];
let started = 0;

afterAll(async () => {
  for (const one of opened) await one.close();
  connection.close();
  rmSync(folder, { recursive: true });
});

function checkpointWith(start: () => Worker): Checkpoint {
  const checkpoint = createCheckpoint(file, connection, start);
  opened.push(checkpoint);
  return checkpoint;
}

const moved = checkpointWith(() => {
  started += 1;
  return startThread(thread, { file });
});

function write({ run }: Connection, megabytes: number): void {
  for (let n = 0; n < megabytes; n += 1)
    run(sql`INSERT INTO vault (key, value, expires) VALUES (${`${performance.now()}`}, ${'x'.repeat(MB)}, 0)`);
}

const left = (): number => {
  const [row] = connection.db.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
  return (row?.log ?? 0) - (row?.checkpointed ?? 0);
};

test('a little is left in the log, and no thread is started for it', async () => {
  write(connection, 1);
  const before = left();
  await moved.move();
  expect(before).toBeGreaterThan(200);
  expect([left(), started]).toEqual([before, 0]);
});

test('much is moved by one thread, also while a reader is in the middle of something', async () => {
  write(connection, 4);
  await moved.move();
  expect([left(), started]).toEqual([0, 1]);
  write(connection, 4);
  connection.get(sql`SELECT count(*) AS count FROM vault`);
  await Promise.all([moved.move(), moved.move()]);
  expect([left(), started]).toEqual([0, 1]);
});

test('the log begins anew: ten times as much as it may have leaves it short', async () => {
  for (let round = 0; round < 20; round += 1) {
    write(connection, 8);
    await moved.move();
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(40 * MB);
});

test('a thread that cannot live is not started again and again, and nothing is lost', async () => {
  let tries = 0;
  const broken = checkpointWith(() => {
    tries += 1;
    return new Worker('process.exit(3)', { eval: true });
  });
  write(connection, 4);
  const before = left();
  for (let n = 0; n < 3; n += 1) await broken.move();
  expect([tries, left()]).toEqual([1, before]);
});
