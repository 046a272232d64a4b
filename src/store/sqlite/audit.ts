/**
 * The audit trail in SQLite: one chain. What the writes and appends of one transaction have to tell becomes one link, as
 * the last thing before its commit, so that a write and its record are on the disk together, or neither is.
 */
import type { Clock, Instant } from '../../kit/clock.js';
import { entryOf, headOf, linkAfter, newChain, placeOf } from '../chain.js';
import type { AuditFound, AuditHead, AuditLink, AuditLog, AuditRecord, Page, PageRequest } from '../port.js';
import type { Committer } from './commit.js';
import { answer, type Connection, type Tuple } from './connection.js';
import { and, bound, sql } from './sql.js';

/** What a transaction has to tell. */
export interface Ledger {
  /** Called as the last thing of a job, which can no longer fail then. */
  add: (records: readonly AuditRecord[]) => void;
  /** At the beginning of a transaction, and when one was rolled back: nothing is to be told yet. */
  clear: () => void;
  /** Inside the transaction, before its commit. */
  seal: () => void;
}

export function createLedger({ get, run, insert }: Connection, clock: Clock): Ledger {
  let records: AuditRecord[] = [];

  function seal(): void {
    if (records.length === 0) return;
    const { at: before, ...head } = lastOf(get(sql`SELECT value FROM note WHERE name = ${NOTE}`)?.value);
    const link = linkAfter(head, records, Math.max(clock.now(), before));
    const { chain, first, at, text, hash } = link;
    const num = insert(sql`
      INSERT INTO audit_link (chain, first, at, text, keys, before, hash)
      VALUES (${chain}, ${first}, ${at}, ${text}, ${JSON.stringify(link.keys)}, ${link.before}, ${hash})`);
    for (const [line, { keys }] of records.entries())
      for (const key of keys)
        run(sql`INSERT OR IGNORE INTO audit_key (key, link, line) VALUES (${key}, ${num}, ${line})`);
    const last: Last = { ...headOf(link), at };
    run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${NOTE}, ${JSON.stringify(last)})`);
    records = [];
  }

  return {
    add: (more) => void records.push(...more),
    clear: () => {
      records = [];
    },
    seal,
  };
}

/** @param commit hands out the ledger of the transaction */
export function createAuditLog(
  { get, page, tuples }: Connection,
  { commit }: Committer<{ connection: Connection; ledger: Ledger }>,
): AuditLog {
  const scan = (key: string, { from, to }: { from?: number; to?: number }, { size, bytes, after }: PageRequest) => {
    const [link = null, line = null] = after ?? [];
    const where = and([
      sql`k.key = ${key}`,
      ...(link === null ? [] : [sql`(k.link, k.line) < (${link}, ${line})`]),
      // Links lie in the order of their time: so the first that is too new, and the last that is too old, bound the key.
      ...(from === undefined
        ? []
        : [sql`k.link >= coalesce((SELECT min(num) FROM audit_link WHERE at >= ${from}), ${Number.MAX_SAFE_INTEGER})`]),
      ...(to === undefined ? [] : [sql`k.link <= coalesce((SELECT max(num) FROM audit_link WHERE at <= ${to}), -1)`]),
    ]);
    const { rows, more } = page(
      sql`SELECT k.link, k.line, l.chain, l.first, l.at, CAST(l.text AS BLOB) FROM audit_key k
        JOIN audit_link l ON l.num = k.link WHERE ${where}
        ORDER BY k.link DESC, k.line DESC LIMIT ${bound(size + 1)}`,
      size,
      TEXT,
      bytes,
    );
    const items = rows.map((row): AuditFound => ({
      ...entryOf(linkOf(row), Number(row[1])),
      place: [Number(row[0]), Number(row[1])],
    }));
    const last = items.at(-1);
    return more && last !== undefined ? { items, next: last.place } : { items };
  };

  function find(id: string) {
    const place = placeOf(id);
    if (place === undefined) return undefined;
    const [row] = tuples(sql`
      SELECT num, 0, chain, first, at, CAST(text AS BLOB) FROM audit_link
      WHERE chain = ${place.chain} AND first <= ${place.number} ORDER BY first DESC LIMIT 1`);
    if (row === undefined) return undefined;
    const link = linkOf(row);
    const entry = entryOf(link, place.number - link.first);
    return entry.text === '' ? undefined : entry;
  }

  function links({ size, bytes, after = ['', -1] }: PageRequest): Page<AuditLink> {
    const [from, number] = after;
    const { rows, more } = page(
      sql`SELECT num, 0, chain, first, at, CAST(text AS BLOB), keys, before, hash FROM audit_link
        WHERE (chain, first) > (${from ?? ''}, ${number ?? -1}) ORDER BY chain, first LIMIT ${bound(size + 1)}`,
      size,
      TEXT,
      bytes,
    );
    const items = rows.map((row) => {
      const [num] = row;
      const [keys, before, hash] = row.slice(TEXT + 1);
      const listed = JSON.parse(String(keys)) as string[][];
      const lost = listed.flatMap((some, line) => some.filter((key) => !isFound(key, Number(num), line)));
      return { ...linkOf(row), keys: listed, lost, before: String(before), hash: String(hash) };
    });
    const last = items.at(-1);
    return more && last !== undefined ? { items, next: [last.chain, last.first] } : { items };
  }

  const isFound = (key: string, link: number, line: number): boolean =>
    get(sql`SELECT 1 FROM audit_key WHERE key = ${key} AND link = ${link} AND line = ${line}`) !== undefined;

  return {
    append: async (records) => {
      if (records.length > 0) await commit(({ ledger }) => ledger.add(records));
    },
    scan: (key, span, request) => answer(() => scan(key, span, request)),
    get: (id) => answer(() => find(id)),
    links: (request) => answer(() => links(request)),
    heads: () =>
      answer(() => {
        const value = get(sql`SELECT value FROM note WHERE name = ${NOTE}`)?.value;
        if (value === undefined) return [];
        const { chain, count, hash } = lastOf(value);
        return [{ chain, count, hash }];
      }),
    expire: (before, told) => commit((hands) => expire(hands, before, told)),
  };
}

/** Some links at a time, so that it takes nobody long; the newest one stays, for the chain goes on from it. */
function expire(
  { connection: { all, run }, ledger }: { connection: Connection; ledger: Ledger },
  before: Instant,
  told: (cut: AuditHead[]) => AuditRecord,
): number {
  const old = all(sql`
    SELECT num, chain, first, keys, hash FROM audit_link
    WHERE at < ${before} AND num < (SELECT max(num) FROM audit_link) ORDER BY num LIMIT ${bound(EXPIRED)}`);
  const cut = new Map<string, AuditHead>();
  let gone = 0;
  for (const { num, chain, first, keys, hash } of old) {
    const listed = JSON.parse(String(keys)) as string[][];
    gone += listed.length;
    const head = headOf({ chain: String(chain), first: Number(first), keys: listed, hash: String(hash) });
    cut.set(head.chain, head);
    for (const [line, some] of listed.entries())
      for (const key of some)
        run(sql`DELETE FROM audit_key WHERE key = ${key} AND link = ${num ?? 0} AND line = ${line}`);
    run(sql`DELETE FROM audit_link WHERE num = ${num ?? 0}`);
  }
  if (cut.size > 0) ledger.add([told([...cut.values()])]);
  return gone;
}

function linkOf([, , chain, first, at, text]: Tuple): Pick<AuditLink, 'chain' | 'first' | 'at' | 'text'> {
  return {
    chain: String(chain),
    first: Number(first),
    at: Number(at),
    text: text instanceof Buffer ? text.toString() : '',
  };
}

/** Where the chain ended, and when; what the next link begins from. */
interface Last extends AuditHead {
  at: number;
}

const lastOf = (value: unknown): Last =>
  typeof value === 'string' ? (JSON.parse(value) as Last) : { ...newChain(), at: 0 };

const NOTE = 'audit';

/** Where the text stands in a row. */
const TEXT = 5;

/** Links that go at once. */
const EXPIRED = 500;
