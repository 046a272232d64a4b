/** The thread that moves the log into the database: it has a connection of its own, and does nothing else. */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { assert } from '../../kit/assert.js';

assert(parentPort !== null, 'This file is a thread of the server.');
const port = parentPort;
const db = new Database((workerData as { file: string }).file, { timeout: 5000 });
db.pragma('synchronous = FULL');
db.pragma('wal_autocheckpoint = 0');

/** While the first is under way others write: the second has little left to move. */
const ROUNDS = 2;

port.on('message', () => {
  try {
    for (let round = 0; round < ROUNDS; round += 1) db.pragma('wal_checkpoint(PASSIVE)');
    port.postMessage('done');
  } catch {
    // Another process may hold the database; the next one mends that.
    port.postMessage('failed');
  }
});
