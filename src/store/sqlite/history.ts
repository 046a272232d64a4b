/** History: versions by the order of their commits, newest first; a page goes on below where the last ended. */
import { beforeBy, merged, type Half } from '../merge.js';
import type { HistoryScope, Page, PageRequest, Reach, Version } from '../port.js';
import type { Connection, Tuple } from './connection.js';
import { BEHIND, TEXT, versionColumns, versionOf } from './rows.js';
import { always, among, and, bound, sql, type Sql } from './sql.js';
import { seenBy } from './within.js';

export type History = (scope: HistoryScope, page: PageRequest, reach: Reach) => Page<Version>;

export function createHistory({ page: read, get }: Connection): History {
  return (scope, page, reach) => {
    const { owners, opened } = reach;
    // Of one resource all versions are looked at anyway; of many, what is open has a list of its own.
    if (scope.id !== undefined || opened === undefined)
      return shown(rowsOf(scope, page, [seenBy(sql`v.owner`, sql`v`, reach)]));
    const own = rowsOf(scope, page, [sql`v.owner ${among(owners)}`]);
    const ofType = scope.type === undefined ? always : sql`type = ${scope.type}`;
    const open = sql`SELECT DISTINCT num FROM opening WHERE org ${among(opened.to)} AND ${ofType}
      AND since <= ${opened.at} AND until > ${opened.at}`;
    const others = rowsOf(scope, page, [sql`NOT v.owner ${among(owners)}`], open);
    const isBefore = beforeBy([{ descending: true }], (row: Tuple) => [Number(row[BEHIND])]);
    return shown(merged([own, others], isBefore, page, (row) => (row[TEXT] as Buffer | null)?.length ?? 0));
  };

  /** @param nums only versions of the resources with these numbers, a list that is short beside all others */
  function rowsOf(scope: HistoryScope, { size, bytes, after }: PageRequest, where: Sql[], nums?: Sql): Half<Tuple> {
    // Within one resource the versions lie in the order of their numbers, and an index serves that.
    const by = scope.id === undefined ? sql`v.seq` : sql`v.version`;
    if (after !== undefined) where.push(sql`${by} < ${Number(after[0])}`);
    if (scope.id !== undefined)
      where.push(sql`v.num = (SELECT num FROM resource WHERE type = ${scope.type ?? ''} AND id = ${scope.id})`);
    else if (scope.type !== undefined) where.push(sql`v.type = ${scope.type}`);
    if (scope.since !== undefined)
      where.push(sql`v.seq >= ${firstSince(scope.since)}`, sql`v.updated >= ${scope.since}`);
    if (scope.at !== undefined) where.push(currentWithin(scope.at));
    const inOrder = sql`ORDER BY ${by} DESC LIMIT ${bound(size + 1)}`;
    const found = sql`SELECT ${versionColumns}, ${by} FROM`;
    const query =
      nums === undefined
        ? sql`${found} version v JOIN resource r ON r.num = v.num WHERE ${and(where)} ${inOrder}`
        : sql`${found} (
            SELECT v.seq AS at FROM (${nums}) n CROSS JOIN version v ON v.num = n.num WHERE ${and(where)} ${inOrder}
          ) page CROSS JOIN version v ON v.seq = page.at CROSS JOIN resource r ON r.num = v.num ORDER BY ${by} DESC`;
    return read(query, size, TEXT, bytes);
  }

  function shown({ rows, more }: Half<Tuple>): Page<Version> {
    const last = more ? rows.at(-1) : undefined;
    return { items: rows.map(versionOf), ...(last && { next: [Number(last[BEHIND])] }) };
  }

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
