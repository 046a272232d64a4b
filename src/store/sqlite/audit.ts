/**
 * The audit trail in SQLite: one chain. What the writes and appends of one transaction have to tell becomes one link, as
 * the last thing before its commit, so that a write and its record are on the disk together, or neither is.
 *
 * A request pays for one row at the end of one table. Its keys are put in order later, many at once; until then the
 * newest links are looked through.
 */
import type { Instant } from '../../kit/clock.js';
import { entryOf, headOf, newChain, placeOf } from '../chain.js';
import type { AuditFound, AuditHead, AuditLink, AuditLog, AuditRecord, Page, PageRequest } from '../port.js';
import { addKeys, createFound, dropKeys, placesOf } from './audit-keys.js';
import type { Committer } from './commit.js';
import { answer, type Connection, type Tuple } from './connection.js';
import { lastOf, NOTE, type Last, type Ledger } from './ledger.js';
import { and, bound, sql, type Sql } from './sql.js';

interface Hands {
  connection: Connection;
  ledger: Ledger;
}

export function createAuditLog(connection: Connection, { commit, commitSteps }: Committer<Hands>): AuditLog {
  const { all, get, page, tuple, tuples } = connection;
  /** What was asked for since the last commit: one job of the next one, however many ask. */
  let gathered: { records: AuditRecord[]; kept: Promise<void> } | undefined;

  function append(records: AuditRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    if (gathered === undefined) {
      const together: AuditRecord[] = [];
      const taken = (): void => {
        if (gathered?.records === together) gathered = undefined;
      };
      const kept = commit(({ ledger }) => {
        taken();
        ledger.add(together);
      });
      gathered = { records: together, kept };
      // One that is turned away at the door was never taken.
      kept.catch(taken);
    }
    for (const record of records) gathered.records.push(record);
    return gathered.kept;
  }

  /** The first link of which a rising column says so much: found by halving, as links are numbered in that order. */
  function firstWith(column: 'at' | 'first', least: number, after = 0): number {
    let { low, high } = get(
      sql`SELECT coalesce(min(num), 1) AS low, coalesce(max(num), 0) + 1 AS high FROM audit_link WHERE num > ${after}`,
    ) as {
      low: number;
      high: number;
    };
    while (low < high) {
      const middle = (low + high) >> 1;
      // Numbers have no gaps but where somebody made one.
      const row = get(sql`SELECT num, at, first FROM audit_link WHERE num >= ${middle} ORDER BY num LIMIT 1`);
      if (row === undefined || Number(row[column]) >= least) high = middle;
      else low = Number(row.num) + 1;
    }
    return low;
  }

  function scan(key: string, { from, to }: { from?: number; to?: number }, { size, bytes, after }: PageRequest) {
    const [link = null, line = null] = after ?? [];
    const within = (num: Sql): Sql[] => [
      ...(from === undefined ? [] : [sql`${num} >= ${firstWith('at', from)}`]),
      ...(to === undefined ? [] : [sql`${num} < ${firstWith('at', to + 1)}`]),
      ...(link === null ? [] : [sql`${num} <= ${link}`]),
    ];
    const mark = markOf(connection);
    const newest = tuples(sql`
      SELECT num, keys, chain, first, at, CAST(text AS BLOB) FROM audit_link
      WHERE ${and([sql`num > ${mark}`, sql`instr(keys, ${JSON.stringify(key)}) > 0`, ...within(sql`num`)])}
      ORDER BY num DESC LIMIT ${bound(size + 2)}`);
    // Of the link where the page before ended nothing may be left.
    const items = newest.flatMap((row) =>
      keysOf(row[1])
        .flatMap((keys, n) => (keys.includes(key) ? [foundOf(row, n)] : []))
        .reverse()
        .filter(({ place: [at, n] }) => at !== link || Number(n) < Number(line)),
    );
    if (items.length > size) return { items: items.slice(0, size), next: items[size - 1]?.place ?? [] };
    const most = bytes ?? Infinity;
    const least = from === undefined ? 0 : firstWith('at', from);
    const upTo = Math.min(mark, Number(link ?? mark), to === undefined ? mark : firstWith('at', to + 1) - 1);
    let [read, row] = [0, undefined as Tuple | undefined];
    for (const [num, at] of placesOf(connection, key, upTo)) {
      if (num < least) break;
      if (num === link && at >= Number(line)) continue;
      if (row?.[0] !== num) row = rowOf(num);
      // Nothing is found of a link that somebody took away.
      if (row === undefined) continue;
      const found = foundOf(row, at);
      read += found.text.length;
      const last = items.at(-1);
      if (last !== undefined && (items.length === size || read > most)) return { items, next: last.place };
      items.push(found);
    }
    return { items };
  }

  const rowOf = (num: number): Tuple | undefined =>
    tuple(sql`SELECT num, 0, chain, first, at, CAST(text AS BLOB) FROM audit_link WHERE num = ${num}`);

  function find(id: string) {
    const place = placeOf(id);
    if (place === undefined) return undefined;
    const loaded = get(sql`
      SELECT num FROM audit_loaded WHERE chain = ${place.chain} AND first <= ${place.number} ORDER BY first DESC LIMIT 1`);
    const num = Number(loaded?.num ?? firstWith('first', place.number + 1, lastLoaded()) - 1);
    const [row] = tuples(sql`
      SELECT num, 0, chain, first, at, CAST(text AS BLOB) FROM audit_link
      WHERE num <= ${num} AND chain = ${place.chain} ORDER BY num DESC LIMIT 1`);
    if (row === undefined) return undefined;
    const link = linkOf(row);
    const entry = entryOf(link, place.number - link.first);
    return entry.text === '' ? undefined : entry;
  }

  const lastLoaded = (): number => Number(get(sql`SELECT value FROM note WHERE name = ${LOADED}`)?.value ?? 0);

  function links(request: PageRequest): Page<AuditLink> {
    const [mark, isFound] = [markOf(connection), createFound(connection)];
    const { items, next } = inTime(request);
    const looked = items.map(({ num, ...link }) => {
      const lost = num > mark ? [] : link.keys.flatMap((some, line) => some.filter((key) => !isFound(key, num, line)));
      return { ...link, lost };
    });
    return { items: looked, ...(next === undefined ? {} : { next }) };
  }

  function inTime({ size, bytes, after = [0] }: PageRequest): Page<AuditLink & { num: number }> {
    const { rows, more } = page(
      sql`SELECT num, 0, chain, first, at, CAST(text AS BLOB), keys, before, hash FROM audit_link
        WHERE num > ${after[0] ?? 0} ORDER BY num LIMIT ${bound(size + 1)}`,
      size,
      TEXT,
      bytes,
    );
    const items = rows.map((row) => {
      const [keys, before, hash] = row.slice(TEXT + 1);
      const said = { keys: keysOf(keys), lost: [], before: String(before), hash: String(hash) };
      return { num: Number(row[0]), ...linkOf(row), ...said };
    });
    const last = rows.at(-1);
    return more && last !== undefined ? { items, next: [Number(last[0])] } : { items };
  }

  return {
    append,
    scan: (key, span, request) => answer(() => scan(key, span, request)),
    get: (id) => answer(() => find(id)),
    links: (request) => answer(() => links(request)),
    inTime: (request) => answer(() => inTime(request)),
    heads: () =>
      answer(() =>
        all(
          sql`SELECT value FROM note WHERE name = ${NOTE} OR name >= ${CHAIN} AND name < ${`${CHAIN}~`} ORDER BY name`,
        )
          .map(({ value }) => lastOf(value))
          .filter(({ count }) => count > 0)
          .map(({ chain, count, hash }) => ({ chain, count, hash })),
      ),
    clear: () =>
      commit(({ connection: { run } }) => {
        for (const table of [sql`audit_link`, sql`audit_place`, sql`audit_loaded`]) run(sql`DELETE FROM ${table}`);
        for (const name of [NOTE, MARK, LOADED]) run(sql`DELETE FROM note WHERE name = ${name}`);
        run(sql`DELETE FROM note WHERE name >= ${CHAIN} AND name < ${`${CHAIN}~`}`);
      }),
    load: (some) => commitSteps((hands) => load(hands, some), some.length),
    ended: (heads) =>
      commit(({ connection: { run } }) => {
        for (const head of heads)
          run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${CHAIN + head.chain}, ${JSON.stringify(head)})`);
      }),
    expire: (before, told) => commit((hands) => expire(hands, before, told)),
  };
}

/** Puts the keys of the oldest links in order that still lie as they came, some at a time; true when there are more. */
export function* orderKeys({ connection }: Hands): Generator<undefined, boolean> {
  const { all, run } = connection;
  const mark = markOf(connection);
  const rows = all(sql`SELECT num, keys FROM audit_link WHERE num > ${mark} ORDER BY num LIMIT ${bound(ORDERED)}`);
  const last = rows.at(-1)?.num;
  if (last === undefined || last === null) return false;
  yield* addKeys(
    connection,
    rows.map(({ num, keys }) => ({ num: Number(num), keys: keysOf(keys) })),
  );
  run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${MARK}, ${String(last)})`);
  return rows.length === ORDERED;
}

/** The chain of this store begins anew behind them, and no earlier than they were kept. */
function* load({ connection }: Hands, links: readonly AuditLink[]): Generator<undefined, void> {
  const { insert, run } = connection;
  const nums: number[] = [];
  for (const { chain, first, at, text, keys, before, hash } of links) {
    const num = insert(sql`
      INSERT INTO audit_link (chain, first, at, text, keys, before, hash)
      VALUES (${chain}, ${first}, ${at}, ${text}, ${JSON.stringify(keys)}, ${before}, ${hash})`);
    run(sql`INSERT INTO audit_loaded (chain, first, num) VALUES (${chain}, ${first}, ${num})`);
    nums.push(num);
    yield;
  }
  yield* addKeys(
    connection,
    links.map(({ keys }, n) => ({ num: nums[n] ?? 0, keys })),
  );
  const last: Last = { ...newChain(), at: links.at(-1)?.at ?? 0 };
  run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${NOTE}, ${JSON.stringify(last)})`);
  for (const name of [LOADED, MARK])
    run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${name}, ${String(nums.at(-1) ?? 0)})`);
}

/** Some links at a time, so that it takes nobody long; the newest one stays, for the chain goes on from it. */
function expire({ connection, ledger }: Hands, before: Instant, told: (cut: AuditHead[]) => AuditRecord): number {
  const { all, run } = connection;
  const old = all(sql`
    SELECT num, chain, first, keys, hash FROM audit_link
    WHERE at < ${before} AND num < (SELECT max(num) FROM audit_link) ORDER BY num LIMIT ${bound(EXPIRED)}`);
  const cut = new Map<string, AuditHead>();
  const [found, nums] = [new Set<string>(), new Set<number>()];
  let gone = 0;
  for (const { num, chain, first, keys, hash } of old) {
    const listed = keysOf(keys);
    gone += listed.length;
    nums.add(Number(num));
    const head = headOf({ chain: String(chain), first: Number(first), keys: listed, hash: String(hash) });
    cut.set(head.chain, head);
    for (const key of listed.flat()) found.add(key);
    run(sql`DELETE FROM audit_link WHERE num = ${num ?? 0}`);
    run(sql`DELETE FROM audit_loaded WHERE chain = ${chain ?? ''} AND first = ${first ?? 0}`);
  }
  // Nothing is left of a chain that was cut where it ended.
  for (const head of cut.values())
    run(sql`DELETE FROM note WHERE name = ${CHAIN + head.chain} AND value = ${JSON.stringify(head)}`);
  dropKeys(connection, found, nums, Number(old.at(-1)?.num ?? 0));
  if (cut.size > 0) ledger.add([told([...cut.values()])]);
  return gone;
}

const markOf = ({ get }: Connection): number =>
  Number(get(sql`SELECT value FROM note WHERE name = ${MARK}`)?.value ?? 0);

const keysOf = (text: unknown): string[][] => JSON.parse(String(text)) as string[][];

const foundOf = (row: Tuple, line: number): AuditFound => ({
  ...entryOf(linkOf(row), line),
  place: [Number(row[0]), line],
});

function linkOf([, , chain, first, at, text]: Tuple): Pick<AuditLink, 'chain' | 'first' | 'at' | 'text'> {
  return {
    chain: String(chain),
    first: Number(first),
    at: Number(at),
    text: text instanceof Buffer ? text.toString() : '',
  };
}

/** The last link whose keys are in order. */
const MARK = 'audit keys';
/** The last link of another store; and before the name of each of their chains, in the notes of where they ended. */
const LOADED = 'audit loaded';
const CHAIN = 'audit chain ';

/** Where the text stands in a row. */
const TEXT = 5;

/** Links that go at once, and those whose keys are put in order at once. */
const EXPIRED = 500;
const ORDERED = 1000;
