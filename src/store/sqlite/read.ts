/** Current versions by key, and single old ones. */
import type { Found, Key, Owner, Reach, Version } from '../port.js';
import type { Connection } from './connection.js';
import { foundColumns, foundOf, openFoundOf, openings, versionColumns, versionOf } from './rows.js';
import { among, sql, type Sql } from './sql.js';
import { seenBy } from './within.js';

export interface Reader {
  read: (keys: Key[], reach: Reach, bare?: boolean) => (Found | undefined)[];
  version: (key: Key, version: number, reach: Reach) => Version | undefined;
  ownersOf: (keys: Key[]) => (Owner | undefined)[];
  blobsInUse: (hashes: string[]) => Set<string>;
}

const currently = (bare: boolean): Sql =>
  sql`SELECT ${foundColumns(bare)} FROM resource r JOIN version v ON v.seq = r.seq`;
const [whole, withoutEntries] = [currently(false), currently(true)];

/** The same with what it is open to. */
const openly = (bare: boolean): Sql =>
  sql`SELECT ${foundColumns(bare)}, ${openings} FROM resource r JOIN version v ON v.seq = r.seq`;

export function createReader({ all, get, tuple, tuples }: Connection): Reader {
  function read(keys: Key[], reach: Reach, bare = false): (Found | undefined)[] {
    const [current, foundIn] =
      reach.opened === undefined ? [bare ? withoutEntries : whole, foundOf] : [openly(bare), openFoundOf];
    const seen = seenBy(sql`r.owner`, sql`r`, reach);
    const [key] = keys;
    if (keys.length === 1 && key !== undefined) {
      const row = tuple(sql`${current} WHERE r.type = ${key.type} AND r.id = ${key.id} AND ${seen}`);
      return [row && foundIn(row)];
    }
    const found = new Map<string, Found>();
    for (const type of new Set(keys.map((key) => key.type))) {
      const ids = keys.filter((key) => key.type === type).map((key) => key.id);
      const rows = tuples(sql`
        ${current} WHERE r.type = ${type} AND r.id ${among(ids)} AND ${seen}`);
      for (const one of rows.map(foundIn)) found.set(`${type}/${one.id}`, one);
    }
    return keys.map(({ type, id }) => found.get(`${type}/${id}`));
  }

  function version({ type, id }: Key, wanted: number, reach: Reach): Version | undefined {
    const row = tuple(sql`
      SELECT ${versionColumns} FROM resource r JOIN version v ON v.num = r.num
      WHERE r.type = ${type} AND r.id = ${id} AND v.version = ${wanted} AND ${seenBy(sql`v.owner`, sql`r`, reach)}`);
    return row && versionOf(row);
  }

  const ownersOf = (keys: Key[]): (Owner | undefined)[] =>
    keys.map(({ type, id }) => {
      const row = get(sql`SELECT owner FROM resource WHERE type = ${type} AND id = ${id}`);
      return row === undefined ? undefined : String(row.owner);
    });

  function blobsInUse(hashes: string[]): Set<string> {
    const rows = all(sql`SELECT DISTINCT blob_hash FROM version WHERE blob_hash ${among(hashes)}`);
    return new Set(rows.map((row) => String(row.blob_hash)));
  }

  return { read, version, ownersOf, blobsInUse };
}
