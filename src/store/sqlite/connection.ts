/** One connection: its settings, its prepared statements, and SQLite's errors in the words of the port. */
import Database from 'better-sqlite3';
import { StoreError, type StoreFailure } from '../port.js';
import { migrate } from './schema.js';
import type { Sql } from './sql.js';

export type Row = Record<string, string | number | null>;

/** A row as its values alone, in the order of its columns: a row with names costs several times as much. */
export type Tuple = (string | number | null | Buffer)[];

export interface Connection {
  db: Database.Database;
  all: (query: Sql) => Row[];
  get: (query: Sql) => Row | undefined;
  tuples: (query: Sql) => Tuple[];
  tuple: (query: Sql) => Tuple | undefined;
  /** The first rows, `size` at most, and before the bytes in this column are more than `bytes`; and whether there are more. */
  page: (query: Sql, size: number, column: number, bytes?: number) => { rows: Tuple[]; more: boolean };
  /** Runs a statement and says how many rows it changed. */
  run: (statement: Sql) => number;
  /** Runs a statement that inserts one row and says its number. */
  insert: (statement: Sql) => number;
  /** How many statements were run that may have changed something. */
  writes: () => number;
  /** Ends what the reads of this turn share: before a transaction, or anything that cannot be done inside of one. */
  settle: () => void;
  close: () => void;
}

/** So many statements stay prepared; the shapes of plans are without number. */
const STATEMENTS = 500;
/** Pages of the log (64 MB) before a commit itself has to move them: `checkpoint.ts` does it before. */
const WAL_PAGES = 16_000;

interface Tuning {
  /** Kibibytes of pages that the connection keeps in memory. */
  cache: number;
  /** Pages of the log before a commit moves them; 0: never. */
  walPages: number;
}

export function connect(
  file: string,
  { cache, walPages }: Tuning = { cache: 64 * 1024, walPages: WAL_PAGES },
): Connection {
  const db = translated(() => new Database(file, { timeout: 5000 }));
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`wal_autocheckpoint = ${walPages}`);
    db.pragma(`cache_size = -${cache}`);
    db.pragma('temp_store = MEMORY');
    // What is replaced or erased is overwritten with zeros; on updates of 5 KB that was not to be measured.
    db.pragma('secure_delete = ON');
    translated(() => {
      migrate(db);
    });
  } catch (error) {
    db.close();
    throw error;
  }

  const prepared = keep((text) => db.prepare<unknown[], Row>(text));
  const raw = keep((text) => db.prepare<unknown[], Tuple>(text).raw());
  const { begin, settle } = createTurn(db);
  let writes = 0;

  return {
    db,
    all: ({ text, values }) => begin(prepared(text)).all(...values),
    get: ({ text, values }) => begin(prepared(text)).get(...values),
    tuples: ({ text, values }) => begin(raw(text)).all(...values),
    tuple: ({ text, values }) => begin(raw(text)).get(...values),
    page: ({ text, values }, size, column, bytes) => pageOf(begin(raw(text)).iterate(...values), size, column, bytes),
    run: ({ text, values }) => {
      settle();
      writes += 1;
      return prepared(text).run(...values).changes;
    },
    insert: ({ text, values }) => {
      settle();
      writes += 1;
      return Number(prepared(text).run(...values).lastInsertRowid);
    },
    writes: () => writes,
    settle,
    close: () => {
      settle();
      db.close();
    },
  };
}

/** Statements by their text, `STATEMENTS` at most. */
function keep<T>(prepare: (text: string) => T): (text: string) => T {
  const statements = new Map<string, T>();
  return (text) => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = prepare(text);
      // The oldest half goes at once: what is in use comes back soon, and a hit costs nothing.
      if (statements.size >= STATEMENTS)
        for (const old of [...statements.keys()].slice(0, STATEMENTS / 2)) statements.delete(old);
      statements.set(text, statement);
    }
    return statement;
  };
}

/**
 * The reads of one turn of the event loop share a transaction: to begin one for each takes as long as a read by id. It
 * sees what was committed before the turn, and ends before the next one, or before a write.
 */
function createTurn(db: Database.Database) {
  const [begin, end] = [db.prepare('BEGIN'), db.prepare('COMMIT')];
  let open = false;
  function settle(): void {
    if (!open) return;
    open = false;
    if (db.inTransaction) end.run();
  }
  /** A turn's end that fails has nothing to lose: nothing was written. */
  function atEnd(): void {
    try {
      settle();
    } catch {
      if (db.open && db.inTransaction) db.exec('ROLLBACK');
    }
  }
  return {
    begin: <T>(statement: T): T => {
      if (!open && !db.inTransaction) {
        begin.run();
        open = true;
        setImmediate(atEnd);
      }
      return statement;
    },
    settle,
  };
}

function pageOf(
  found: Iterable<Tuple>,
  size: number,
  column: number,
  bytes = Infinity,
): { rows: Tuple[]; more: boolean } {
  const rows: Tuple[] = [];
  let read = 0;
  for (const row of found) {
    const value = row[column];
    if (value instanceof Buffer) read += value.length;
    if (rows.length === size || (rows.length > 0 && read > bytes)) return { rows, more: true };
    rows.push(row);
  }
  return { rows, more: false };
}

/** Runs it and rejects, instead of throwing, in the words of the port. */
export function answer<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(translated(work));
  });
}

export function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failureOf(error);
  }
}

/** The beginning of SQLite's code -> what it means for a caller; any other one is a fault of ours. */
const failures: readonly [string, StoreFailure][] = [
  ['SQLITE_FULL', 'full'],
  ['SQLITE_BUSY', 'unavailable'],
  ['SQLITE_LOCKED', 'unavailable'],
  ['SQLITE_CANTOPEN', 'unavailable'],
  ['SQLITE_NOMEM', 'unavailable'],
  ['SQLITE_IOERR', 'unavailable'],
  ['SQLITE_READONLY', 'unavailable'],
  ['SQLITE_TOOBIG', 'too-costly'],
];

export function failureOf(error: unknown): unknown {
  const message = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
  if (message === 'The database connection is not open') return new StoreError('unavailable', 'The store is closed.');
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const [, reason] = failures.find(([start]) => code.startsWith(start)) ?? [];
  if (reason !== undefined) return new StoreError(reason, `SQLite: ${message}`, undefined, { cause: error });
  // The only limits of SQLite that a bounded query can meet have no code of their own.
  if (/^(too many|Expression tree is too large|parser stack overflow)/.test(message))
    return new StoreError('too-costly', `SQLite: ${message}`, undefined, { cause: error });
  return error;
}

/** SQLite's own code of an error. Not asked by class: a worker that loads the driver twice has two of them. */
export function sqliteCode(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}
