/** SQLite without a server: a table of texts, an index of values, synchronous=FULL. */
import Database from 'better-sqlite3';
import type { BareStore } from './bare.js';

export function openBareSqlite(file: string): BareStore {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('wal_autocheckpoint = 16000');
  db.exec(`CREATE TABLE document (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text BLOB NOT NULL);
    CREATE TABLE value (value TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (value, row)) WITHOUT ROWID;`);
  const addDocument = db.prepare('INSERT INTO document (id, text) VALUES (?, ?)');
  const addValue = db.prepare('INSERT OR IGNORE INTO value (value, row) VALUES (?, ?)');
  const byId = db.prepare<[string], string>('SELECT text FROM document WHERE id = ?').pluck();
  const byValue = db
    .prepare<[string], string>(
      'SELECT text FROM value JOIN document USING (row) WHERE value = ? ORDER BY value.row DESC LIMIT 50',
    )
    .pluck();
  const insert = db.transaction((documents: Parameters<BareStore['insert']>[0]) => {
    for (const { id, text, values } of documents) {
      const { lastInsertRowid } = addDocument.run(id, text);
      for (const value of values) addValue.run(value, lastInsertRowid);
    }
  });
  return {
    overlaps: false,
    insert(documents) {
      insert(documents);
      return Promise.resolve();
    },
    read: (id) => Promise.resolve(byId.get(id)?.length ?? 0),
    search: (value) => Promise.resolve(byValue.all(value).reduce((sum, text) => sum + text.length, 0)),
  };
}
