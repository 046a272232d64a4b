/** Current versions by key, and single old ones. */
import type { Found, Key, Reach, Version } from '../port.js';
import type { Connection } from './connection.js';
import { foundOf, versionColumns, versionOf } from './rows.js';
import { among, sql } from './sql.js';

export interface Reader {
  read: (keys: Key[], reach: Reach) => (Found | undefined)[];
  version: (key: Key, version: number, reach: Reach) => Version | undefined;
  blobsInUse: (hashes: string[]) => Set<string>;
}

const current = sql`SELECT ${versionColumns}, r.entries FROM resource r JOIN version v ON v.seq = r.seq`;

export function createReader({ all, get }: Connection): Reader {
  function read(keys: Key[], { owners }: Reach): (Found | undefined)[] {
    const [key] = keys;
    if (keys.length === 1 && key !== undefined) {
      const row = get(sql`${current} WHERE r.type = ${key.type} AND r.id = ${key.id} AND r.owner ${among(owners)}`);
      return [row && foundOf(row)];
    }
    const found = new Map<string, Found>();
    for (const type of new Set(keys.map((key) => key.type))) {
      const ids = keys.filter((key) => key.type === type).map((key) => key.id);
      const rows = all(sql`
        ${current} WHERE r.type = ${type} AND r.id ${among(ids)} AND r.owner ${among(owners)}`);
      for (const row of rows) found.set(`${type}/${String(row.id)}`, foundOf(row));
    }
    return keys.map(({ type, id }) => found.get(`${type}/${id}`));
  }

  function version({ type, id }: Key, wanted: number, { owners }: Reach): Version | undefined {
    const row = get(sql`
      SELECT ${versionColumns} FROM resource r JOIN version v ON v.num = r.num
      WHERE r.type = ${type} AND r.id = ${id} AND v.version = ${wanted} AND v.owner ${among(owners)}`);
    return row && versionOf(row);
  }

  function blobsInUse(hashes: string[]): Set<string> {
    const rows = all(sql`SELECT DISTINCT blob_hash FROM version WHERE blob_hash ${among(hashes)}`);
    return new Set(rows.map((row) => String(row.blob_hash)));
  }

  return { read, version, blobsInUse };
}
