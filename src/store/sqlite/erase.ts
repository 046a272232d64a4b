/**
 * Erasing: resources with all their versions, for good. What erases reads every text that there is, a slice at a time,
 * because what a resource was in an older version no index knows.
 */
import type { Clock } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import { Turns } from '../../kit/turns.js';
import { StoreError, type Change, type Doomed, type Erasing, type Key, type PageRequest, type Reach } from '../port.js';
import type { Committer } from './commit.js';
import { answer, failureOf, type Connection } from './connection.js';
import { refersScope } from './integrity.js';
import type { Openings } from './openings.js';
import { versionColumns, versionOf } from './rows.js';
import type { Scopes } from './scopes.js';
import { among, sql } from './sql.js';
import { weightOf, type Writer } from './write.js';

interface Hands {
  connection: Connection;
  writer: Writer;
  openings: Openings;
}

export function createErasing(
  connection: Connection,
  scopes: Scopes,
  { commitSteps }: Committer<Hands>,
  clock: Clock,
): Erasing {
  const { all, get, tuples } = connection;

  /** A page looks through so many versions, so that it may be empty and yet not the last; others have turns between. */
  async function mentions(text: string, { size, after = [0] }: PageRequest, { owners }: Reach) {
    let from = Number(after[0]);
    const last = Number(get(sql`SELECT max(seq) AS seq FROM version`)?.seq ?? 0);
    const [items, turns] = [[] as ReturnType<typeof versionOf>[], new Turns()];
    let bytes = 0;
    for (
      let slice = 0;
      slice < SLICES && from < last && items.length < size && bytes < limits.keepingBytes;
      slice += 1
    ) {
      if (turns.over) await turns.next();
      // Counted first: between two rows there are gaps where others were erased.
      const end = get(sql`SELECT seq FROM version WHERE seq > ${from} ORDER BY seq LIMIT 1 OFFSET ${SLICE - 1}`);
      const to = Number(end?.seq ?? last);
      const hits = all(sql`
        SELECT v.seq, octet_length(v.text) AS bytes FROM version v
        WHERE v.seq > ${from} AND v.seq <= ${to} AND v.owner ${among(owners)} AND instr(v.text, ${text}) > 0
        ORDER BY v.seq`);
      const fits = hits.filter(
        (hit, at) => (bytes += Number(hit.bytes)) <= limits.keepingBytes || at + items.length === 0,
      );
      const seqs = fits.map(({ seq }) => Number(seq));
      if (seqs.length > 0)
        items.push(
          ...tuples(sql`SELECT ${versionColumns} FROM version v JOIN resource r ON r.num = v.num
            WHERE v.seq ${among(seqs)} ORDER BY v.seq`).map(versionOf),
        );
      from = fits.length === hits.length ? to : (seqs.at(-1) ?? from);
    }
    return { items, ...(from < last ? { next: [from] } : {}) };
  }

  function referrers(keys: Key[], atMost: number, type?: string, without?: string) {
    const [scope] = scopes.of(() => [refersScope[0]], [refersScope[1]], refersScope[2], refersScope[3]);
    if (scope === undefined) return [];
    const names = keys.map(({ type, id }) => `${type}/${id}`);
    const rows = all(sql`
      SELECT r.type, r.id, e.value FROM text_entry e CROSS JOIN resource r ON r.num = e.num
      WHERE e.scope = ${scope} AND e.value ${among(names)} AND r.type = coalesce(${type ?? null}, r.type)
        AND r.owner IS NOT ${without ?? null}
        AND NOT (r.type || '/' || r.id) ${among(names)}
      LIMIT ${atMost}`);
    return rows.map(({ type, id, value }) => ({ type: String(type), id: String(id), to: String(value) }));
  }

  /** Each is deleted as anybody would delete it, which takes its search values away; then nothing of it stays. */
  function* erase({ writer, openings, connection: { get: one, run } }: Hands, doomed: Doomed[], record: Change) {
    const nums: number[] = [];
    const deletions: Change[] = [];
    for (const { type, id, version } of doomed) {
      const row = one(sql`SELECT num, version, owner, deleted FROM resource WHERE type = ${type} AND id = ${id}`);
      if (row?.version !== version)
        throw new StoreError('conflict', `${type}/${id} is not at version ${version}.`, `${type}/${id}`);
      nums.push(Number(row.num));
      if (row.deleted === 1) continue;
      const written = { updated: clock.now(), owner: String(row.owner), method: 'DELETE', text: undefined } as const;
      deletions.push({ type, id, version: version + 1, ...written, entries: [] });
      yield;
    }
    // The record comes last, so that no number is given out twice, neither in the feed nor in a page's cursor.
    yield* writer.write([...deletions, record], []);
    openings.forget(doomed);
    for (const num of nums) {
      run(sql`DELETE FROM version WHERE num = ${num}`);
      run(sql`DELETE FROM resource WHERE num = ${num}`);
      yield;
    }
  }

  return {
    mentions: (text, page, reach) =>
      mentions(text, page, reach).catch((error: unknown) => {
        throw failureOf(error);
      }),
    referrers: (...asked) => answer(() => referrers(...asked)),
    async erase(doomed, record) {
      await commitSteps((hands) => erase(hands, doomed, record), weightOf([record]) + doomed.length);
      await answer(() => {
        connection.settle();
        // The log has what was there before. Where another process reads, it goes when that is done.
        connection.db.pragma('wal_checkpoint(TRUNCATE)');
      });
    },
    compact: () =>
      answer(() => {
        connection.settle();
        connection.db.exec('VACUUM');
        connection.db.pragma('wal_checkpoint(TRUNCATE)');
      }),
  };
}

/** Versions that are looked through at once, some milliseconds, and how often that is done for a page. */
const [SLICE, SLICES] = [100, 50];
