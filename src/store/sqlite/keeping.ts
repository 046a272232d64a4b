/** What moves and mends a whole database: snapshots of the feed, loading of exact versions, renewal of search values. */
import { limits } from '../../kit/limits.js';
import { StoreError, type Change, type Cursor, type Keeping, type PageRequest } from '../port.js';
import type { Committer } from './commit.js';
import { answer, type Connection, type Tuple } from './connection.js';
import type { Ledger } from './ledger.js';
import type { Openings } from './openings.js';
import { BEHIND, versionColumns, versionOf } from './rows.js';
import { sql, type Sql } from './sql.js';
import { weightOf, type Writer } from './write.js';

/** A cursor: the last `seq` that was given, and, until that is reached, the one that the snapshot ends with. */
interface Place {
  seq: number;
  until?: number;
}

/** What a transaction writes by. */
export interface Hands {
  connection: Connection;
  writer: Writer;
  ledger: Ledger;
  openings: Openings;
}

export function createKeeping({ all, get, tuples }: Connection, { commit, commitSteps }: Committer<Hands>): Keeping {
  function snapshot(after: Cursor | undefined, limit: number) {
    const { seq, until = Number(get(sql`SELECT max(seq) AS seq FROM version`)?.seq ?? 0) } = placeOf(after);
    const rows = bounded(
      sql`SELECT v.seq AS at, octet_length(v.text) AS bytes FROM version v
        WHERE v.seq > ${seq} AND v.seq <= ${until} ORDER BY v.seq LIMIT ${limit}`,
      (last) => sql`SELECT ${versionColumns}, v.seq FROM version v JOIN resource r ON r.num = v.num
        WHERE v.seq > ${seq} AND v.seq <= ${last} ORDER BY v.seq`,
    );
    const last = Number(rows.at(-1)?.[BEHIND] ?? until);
    const done = last >= until;
    const place: Place = done ? { seq: until } : { seq: last, until };
    return { versions: rows.map(versionOf), cursor: JSON.stringify(place), done };
  }

  function currents({ size, after = [0] }: PageRequest) {
    const [from = 0] = after;
    const rows = bounded(
      sql`SELECT r.num AS at, octet_length(v.text) AS bytes FROM resource r JOIN version v ON v.seq = r.seq
        WHERE r.num > ${from} AND NOT r.deleted ORDER BY r.num LIMIT ${size}`,
      (last) => sql`SELECT ${versionColumns}, r.num FROM resource r JOIN version v ON v.seq = r.seq
        WHERE r.num > ${from} AND r.num <= ${last} AND NOT r.deleted ORDER BY r.num`,
    );
    const last = rows.at(-1)?.[BEHIND];
    return { items: rows.map(versionOf), ...(last === undefined ? {} : { next: [Number(last)] }) };
  }

  /** First only how large the rows are, then as many of them as memory should hold; always one at least. */
  function bounded(sizes: Sql, upTo: (last: number) => Sql): Tuple[] {
    let bytes = 0;
    let last: number | undefined;
    for (const row of all(sizes)) {
      bytes += Number(row.bytes ?? 0);
      if (last !== undefined && bytes > limits.keepingBytes) break;
      last = Number(row.at);
    }
    return last === undefined ? [] : tuples(upTo(last));
  }

  /** Inside a transaction; says whether the version was new. */
  function* loadOne({ connection, writer }: Hands, change: Change): Generator<undefined, boolean> {
    const { type, id, version } = change;
    const row = connection.get(sql`SELECT version FROM resource WHERE type = ${type} AND id = ${id}`);
    const current = Number(row?.version ?? 0);
    if (version <= current) return false;
    if (version > current + 1)
      throw new StoreError('conflict', `${type}/${id} has no version ${current + 1}.`, `${type}/${id}`);
    yield* writer.write([change], []);
    return true;
  }

  function putNote({ connection: { run } }: Hands, name: string, value: string | undefined): void {
    if (value === undefined) run(sql`DELETE FROM note WHERE name = ${name}`);
    else run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${name}, ${value})`);
  }

  return {
    snapshot: (after, limit) => answer(() => snapshot(after, limit)),
    currents: (page) => answer(() => currents(page)),
    load: (changes, note) =>
      commitSteps(function* (hands) {
        const fresh: Change[] = [];
        for (const change of changes) if (yield* loadOne(hands, change)) fresh.push(change);
        putNote(hands, 'filling', note(fresh));
      }, weightOf(changes)),
    reindex: (changes) =>
      commitSteps(function* ({ writer }) {
        for (const change of changes) {
          yield* writer.replaceEntries(change);
          yield;
        }
      }, weightOf(changes)),
    note: (name) =>
      answer(() => {
        const row = get(sql`SELECT value FROM note WHERE name = ${name}`);
        return row === undefined ? undefined : String(row.value);
      }),
    setNote: (name, value) =>
      commit((hands) => {
        putNote(hands, name, value);
      }),
  };
}

const placeOf = (cursor: Cursor | undefined): Place =>
  cursor === undefined ? { seq: 0 } : (JSON.parse(cursor) as Place);
