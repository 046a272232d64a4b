/** The feed: one writer at a time commits, so that `seq` is the order of commits and a cursor is the last one seen. */
import type { Cursor, Version } from '../port.js';
import type { Connection } from './connection.js';
import { BEHIND, versionColumns, versionOf } from './rows.js';
import { sql } from './sql.js';

export type Changes = (after: Cursor | undefined, limit: number) => { versions: Version[]; cursor: Cursor };

export function createChanges({ tuples }: Connection): Changes {
  return (after = '0', limit) => {
    const rows = tuples(sql`
      SELECT ${versionColumns}, v.seq FROM version v JOIN resource r ON r.num = v.num
      WHERE v.seq > ${Number(after)} ORDER BY v.seq LIMIT ${limit}`);
    return { versions: rows.map(versionOf), cursor: String(rows.at(-1)?.[BEHIND] ?? after) };
  };
}
