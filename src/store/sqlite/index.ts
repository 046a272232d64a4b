/**
 * The SQLite store: one file, one writer at a time. Reads and short writes share a connection, so that its pages stay
 * in memory; long writes have one of their own (see `commit.ts`). What it promises stands in `../port.ts`.
 */
import { open } from 'node:fs/promises';
import type { Clock } from '../../kit/clock.js';
import type { Store } from '../port.js';
import { createCheckpoint } from './checkpoint.js';
import { createAuditLog, orderKeys } from './audit.js';
import { createCommitter, type Side } from './commit.js';
import { answer, connect, type Connection } from './connection.js';
import { createErasing } from './erase.js';
import { createChanges } from './feed.js';
import { createHistory } from './history.js';
import { createKeeping, type Hands } from './keeping.js';
import { createLedger } from './ledger.js';
import { createOpenings, createSharing } from './openings.js';
import { createHaving } from './having.js';
import { createReader } from './read.js';
import { putRecord } from './record.js';
import { createScopes, type Scopes } from './scopes.js';
import { createSearcher, type Searcher } from './search.js';
import { createSource } from './source.js';
import { sql } from './sql.js';
import { createVault } from './vault.js';
import { createSight } from './within.js';
import { createWrite, weightOf } from './write.js';

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
  /** How often expired records are removed, and how often the log is moved into the database. */
  tidyMs?: number;
  moveMs?: number;
}

export function openSqliteStore(options: SqliteOptions): Store {
  const { file, clock, queueMax = 10_000, tidyMs = 5000, moveMs = 500 } = options;
  const connection = connect(file);
  const { db, get } = connection;
  /** Records of the audit trail whose keys lie as they came, about; and the work that puts them in order. */
  let [unordered, ordering]: [number, Promise<void> | undefined] = [0, undefined];
  const near = createSide(connection, options, sealed);
  const far =
    file === ':memory:' ? near : { ...createSide(connect(file, FAR), options, sealed), flush: () => flushLog(file) };
  const committer = createCommitter<Hands>(near, far, queueMax);
  const { search, count } = near.searcher;
  const { read, version, ownersOf, blobsInUse } = createReader(connection);
  const having = createHaving(connection, near.scopes);
  const history = createHistory(connection);
  const changesAfter = createChanges(connection);
  const vault = createVault(connection, committer, clock);
  const tidy = setInterval(() => {
    vault.clean().catch(() => undefined);
    orderAll();
  }, tidyMs).unref();
  const checkpoint = file === ':memory:' ? undefined : createCheckpoint(file, connection);
  const moving = setInterval(() => void checkpoint?.move(), moveMs).unref();

  function sealed(records: number): void {
    unordered += records;
    if (unordered >= UNORDERED) orderAll();
  }

  /** What fails now is done the next time. */
  function orderAll(): void {
    unordered = 0;
    ordering ??= (async () => {
      while (await committer.commitSteps(orderKeys, KEYS_WEIGHT));
    })()
      .catch(() => undefined)
      .finally(() => {
        ordering = undefined;
      });
  }

  async function close(): Promise<void> {
    clearInterval(tidy);
    clearInterval(moving);
    await checkpoint?.close();
    await committer.stop();
    if (!db.open) return;
    if (far !== near) far.connection.close();
    connection.settle();
    db.pragma('wal_checkpoint(TRUNCATE)');
    connection.close();
  }

  return {
    write: (changes, guards = [], integrity, record, along) =>
      committer.commitSteps(
        function* ({ writer, connection, ledger }) {
          // First of all: who sends a request again is to hear of that, not of what else stands in the way by now.
          if (record !== undefined) putRecord(connection, record, clock);
          yield* writer.write(changes, guards, integrity, along);
          if (along?.audit !== undefined) ledger.add(along.audit);
        },
        weightOf(changes, along),
      ),
    read: (keys, reach, bare) => answer(() => read(keys, reach, bare)),
    version: (key, number, reach) => answer(() => version(key, number, reach)),
    ownersOf: (keys) => answer(() => ownersOf(keys)),
    having: (...asked) => answer(() => having(...asked)),
    history: (scope, page, reach) => answer(() => history(scope, page, reach)),
    search: (types, plan, order, page, reach) => answer(() => search(types, plan, order, page, reach)),
    count: (types, plan, reach, atMost) => answer(() => count(types, plan, reach, atMost)),
    changes: (after, limit) => answer(() => changesAfter(after, limit)),
    blobsInUse: (hashes) => answer(() => blobsInUse(hashes)),
    sharing: createSharing(connection),
    vault,
    keeping: createKeeping(connection, committer),
    erasing: createErasing(connection, near.scopes, committer, clock),
    audit: createAuditLog(connection, committer),
    ping: () => answer(() => void get(sql`SELECT 1`)),
    close,
  };
}

/** So many are looked through at most; and how long it takes to put their keys in order, as a write's weight. */
const UNORDERED = 500;
const KEYS_WEIGHT = 100;

/** Long writes need few pages again, and their commits are long enough without moving the log. */
const FAR = { cache: 16 * 1024, walPages: 0 };

/** The log has no locks, so that it may be opened beside SQLite. Whatever fails here the commit will tell. */
async function flushLog(file: string): Promise<void> {
  await open(`${file}-wal`, 'r+')
    .then((log) => log.datasync().finally(() => log.close()))
    .catch(() => undefined);
}

/** What a connection is used with: each has scopes of its own, because one sees what it has not committed yet. */
function createSide(
  connection: Connection,
  { clock, few = 1000, joinTargets }: SqliteOptions,
  sealed: (records: number) => void,
): Side<Hands> & { searcher: Searcher; scopes: Scopes } {
  const scopes = createScopes(connection);
  const sight = createSight(connection);
  const searcher = createSearcher(connection, createSource(connection, scopes, few), sight, joinTargets);
  const openings = createOpenings(connection, sight);
  const writer = createWrite(
    connection,
    scopes,
    openings,
    ({ type, plan, reach, matches }) => searcher.count([type], plan, reach, matches + 1) === matches,
  );
  const ledger = createLedger(connection, clock, sealed);
  function undone(): void {
    scopes.forget();
    sight.forget();
  }
  return { connection, scopes, searcher, hands: { connection, writer, openings, ledger }, undone, ledger };
}
