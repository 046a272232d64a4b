/**
 * A page of what is found as one row: what stands in the columns of its rows as one JSON text, and their texts and search
 * values one behind the other as bytes. To hand over a row, and bytes of their own for each text, costs more than to read
 * them. What is large stands apart and is read by itself, so that a page that ends early for its bytes reads little more.
 */
import type { Connection, Tuple } from './connection.js';
import { TEXT } from './rows.js';
import { sql, type Sql } from './sql.js';

/** Bytes of a text, with its search values, up to which it stands among the others. */
const LARGE = 16 * 1024;
const ENTRIES = TEXT + 1;

export interface Packed {
  rows: Tuple[];
  more: boolean;
}

/**
 * The rows of a page that is given by its places and keys: a version's columns, its text, its search values unless `bare`,
 * the place, and the keys.
 */
export type ReadPacked = (
  numbers: Sql,
  keys: number,
  page: { size: number; bytes?: number | undefined; bare?: boolean | undefined },
) => Packed;

export function createPacked({ tuple }: Pick<Connection, 'tuple'>): ReadPacked {
  return (numbers, keys, { size, bytes = Infinity, bare = false }) => {
    const [columns, texts] = tuple(packed(numbers, keys, bare)) ?? [];
    const found = JSON.parse(String(columns)) as Tuple[];
    const rows: Tuple[] = [];
    let [at, read] = [0, 0];
    for (const row of found) {
      const [text, entries] = [Number(row[TEXT]), Number(row[ENTRIES] ?? 0)];
      read += text;
      if (rows.length === size || (rows.length > 0 && read > bytes)) return { rows, more: true };
      if (text + entries <= LARGE) {
        const some = texts as Buffer;
        row[TEXT] = some.subarray(at, (at += text));
        if (!bare) row[ENTRIES] = some.subarray(at, (at += entries));
      } else {
        const alone = tuple(large(Number(row.at(-1)), bare)) ?? [];
        [row[TEXT], row[ENTRIES]] = [alone[0] ?? null, alone[1] ?? null];
      }
      rows.push(row);
    }
    return { rows, more: false };
  };
}

function packed(numbers: Sql, keys: number, bare: boolean): Sql {
  const [both, entries, lengths] = bare
    ? [sql`v.text`, sql`NULL`, sql`octet_length(v.text)`]
    : [sql`v.text || r.entries`, sql`octet_length(r.entries)`, sql`octet_length(v.text) + octet_length(r.entries)`];
  const own = { text: Array.from({ length: keys }, (_, n) => `, page.key${n}`).join(''), values: [] };
  return sql`
    SELECT json_group_array(json_array(r.type, r.id, v.version, v.updated, v.owner, v.method, v.blob_hash, v.blob_size,
        octet_length(v.text), ${entries}, page.place${own}, v.seq)),
      CAST(group_concat(${both}, '') FILTER (WHERE ${lengths} <= ${LARGE}) AS BLOB)
    FROM (${numbers}) page CROSS JOIN resource r ON r.num = page.place CROSS JOIN version v ON v.seq = r.seq`;
}

const large = (seq: number, bare: boolean): Sql => sql`
  SELECT CAST(v.text AS BLOB), ${bare ? sql`NULL` : sql`CAST(r.entries AS BLOB)`}
  FROM version v JOIN resource r ON r.num = v.num WHERE v.seq = ${seq}`;
