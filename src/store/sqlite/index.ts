/** The SQLite store: one file, one connection, one writer. What it promises stands in `../port.ts`. */
import type { Clock } from '../../kit/clock.js';
import type { Store } from '../port.js';
import { createCommitter } from './commit.js';
import { answer, connect } from './connection.js';
import { createChanges } from './feed.js';
import { createHistory } from './history.js';
import { createKeeping } from './keeping.js';
import { createReader } from './read.js';
import { createScopes } from './scopes.js';
import { createSearcher } from './search.js';
import { createSource } from './source.js';
import { sql } from './sql.js';
import { createVault } from './vault.js';
import { createWrite } from './write.js';

export interface SqliteOptions {
  /** The path of the database; `:memory:` for one that ends with the process. */
  file: string;
  clock: Clock;
  /** So many writes may wait; more are turned away with `unavailable`. */
  queueMax?: number;
  /** So few matches of a condition are asked the other conditions one by one. */
  few?: number;
  /** Resources on one side of a chain or `_has`. */
  joinTargets?: number;
  /** How often the log is moved into the database and expired records are removed. */
  tidyMs?: number;
}

export function openSqliteStore(options: SqliteOptions): Store {
  const { file, clock, queueMax = 10_000, few = 1000, joinTargets, tidyMs = 5000 } = options;
  const connection = connect(file);
  const { db, get } = connection;
  const scopes = createScopes(connection);
  const committer = createCommitter(connection, queueMax, scopes.forget);
  const { search, count } = createSearcher(connection, createSource(connection, scopes, few), joinTargets);
  const { read, version, blobsInUse } = createReader(connection);
  const history = createHistory(connection);
  const changesAfter = createChanges(connection);
  const vault = createVault(connection, committer, clock);
  const writer = createWrite(
    connection,
    scopes,
    ({ type, plan, reach, matches }) => count([type], plan, reach, matches + 1) === matches,
  );

  // Moving the log is kept off the path of requests. It may fail while another process reads; the next one mends that.
  const tidy = setInterval(() => {
    vault.clean().catch(() => undefined);
    answer(() => {
      connection.settle();
      db.pragma('wal_checkpoint(PASSIVE)');
    }).catch(() => undefined);
  }, tidyMs);
  tidy.unref();

  return {
    write: (changes, guards = []) =>
      committer.commit(() => {
        writer.write(changes, guards);
      }, changes.length),
    read: (keys, reach) => answer(() => read(keys, reach)),
    version: (key, number, reach) => answer(() => version(key, number, reach)),
    history: (scope, page, reach) => answer(() => history(scope, page, reach)),
    search: (types, plan, order, page, reach) => answer(() => search(types, plan, order, page, reach)),
    count: (types, plan, reach, atMost) => answer(() => count(types, plan, reach, atMost)),
    changes: (after, limit) => answer(() => changesAfter(after, limit)),
    blobsInUse: (hashes) => answer(() => blobsInUse(hashes)),
    vault,
    keeping: createKeeping(connection, committer, writer),
    ping: () => answer(() => void get(sql`SELECT 1`)),
    close: () =>
      answer(() => {
        if (!db.open) return;
        clearInterval(tidy);
        committer.stop();
        connection.settle();
        db.pragma('wal_checkpoint(TRUNCATE)');
        connection.close();
      }),
  };
}
