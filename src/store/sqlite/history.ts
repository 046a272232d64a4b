/** History: versions by the order of their commits, newest first; a page goes on below where the last ended. */
import type { HistoryScope, Page, PageRequest, Reach, Version } from '../port.js';
import type { Connection } from './connection.js';
import { BEHIND, TEXT, versionColumns, versionOf } from './rows.js';
import { among, and, bound, sql, type Sql } from './sql.js';

export type History = (scope: HistoryScope, page: PageRequest, reach: Reach) => Page<Version>;

export function createHistory({ page, get }: Connection): History {
  return (scope, { size, bytes, after }, { owners }) => {
    const where: Sql[] = [sql`v.owner ${among(owners)}`];
    // Within one resource the versions lie in the order of their numbers, and an index serves that.
    const by = scope.id === undefined ? sql`v.seq` : sql`v.version`;
    if (after !== undefined) where.push(sql`${by} < ${Number(after[0])}`);
    if (scope.id !== undefined)
      where.push(sql`v.num = (SELECT num FROM resource WHERE type = ${scope.type ?? ''} AND id = ${scope.id})`);
    else if (scope.type !== undefined) where.push(sql`v.type = ${scope.type}`);
    if (scope.since !== undefined)
      where.push(sql`v.seq >= ${firstSince(scope.since)}`, sql`v.updated >= ${scope.since}`);
    if (scope.at !== undefined) where.push(currentWithin(scope.at));
    const query = sql`
      SELECT ${versionColumns}, ${by} FROM version v JOIN resource r ON r.num = v.num
      WHERE ${and(where)} ORDER BY ${by} DESC LIMIT ${bound(size + 1)}`;
    const { rows, more } = page(query, size, TEXT, bytes);
    const last = more ? rows.at(-1) : undefined;
    return { items: rows.map(versionOf), ...(last && { next: [Number(last[BEHIND])] }) };
  };

  /** The first `seq` from which on versions may be that new. `latest` never falls, so that halving finds it. */
  function firstSince(since: number): number {
    let low = 1;
    let high = Number(get(sql`SELECT max(seq) AS seq FROM version`)?.seq ?? 0) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      // There are gaps where versions were erased.
      const row = get(sql`SELECT latest FROM version WHERE seq <= ${middle} ORDER BY seq DESC LIMIT 1`);
      if (Number(row?.latest) >= since) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A version is current until the next one of its resource, whoever that belongs to. */
function currentWithin({ from, to }: { from: number; to: number }): Sql {
  return sql`v.updated < ${to} AND coalesce(
    (SELECT next.updated FROM version next WHERE next.num = v.num AND next.version = v.version + 1) > ${from}, TRUE)
    AND ${from} < ${to}`;
}
