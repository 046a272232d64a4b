/**
 * By which keys records of the audit trail are found. A row holds the places of one key in a stretch of links, so that what
 * thousands of records share, their organization and who asked, costs a row for all of them. Rows of a key never overlap.
 */
import type { Connection } from './connection.js';
import { sql, type Sql } from './sql.js';

/** A link and the line of a record in it. */
export type Line = [link: number, line: number];

/** A row that has so many places begins another one with the next link. */
const PLACES = 500;

/** Rows that are looked at together. */
const ROWS = 4;

/** Puts the keys of these links in order, in steps. */
export function* addKeys({ run }: Connection, links: readonly { num: number; keys: string[][] }[]) {
  const rows: { key: string; link: number; places: number[] }[] = [];
  const last = new Map<string, (typeof rows)[number]>();
  for (const { num, keys } of links)
    for (const [line, some] of keys.entries())
      for (const key of some) {
        let row = last.get(key);
        if (row === undefined || (row.places.length >= 2 * PLACES && row.places.at(-2) !== num)) {
          row = { key, link: num, places: [] };
          last.set(key, row);
          rows.push(row);
        }
        row.places.push(num, line);
      }
  // In the order of the table, so that neighbours are written together.
  rows.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : one.link - other.link));
  for (const { key, link, places } of rows) {
    run(insertOf(key, link, places));
    yield;
  }
}

const insertOf = (key: string, link: number, places: readonly number[]): Sql =>
  sql`INSERT OR REPLACE INTO audit_place (key, link, places) VALUES (${key}, ${link}, ${JSON.stringify(places)})`;

/** The places of a key, the newest first, in links up to this one. */
export function* placesOf({ tuples }: Connection, key: string, upTo: number): Generator<Line> {
  for (let before = upTo + 1; ;) {
    const rows = tuples(sql`
      SELECT link, places FROM audit_place WHERE key = ${key} AND link < ${before} ORDER BY link DESC LIMIT ${ROWS}`);
    for (const [link, places] of rows) {
      yield* linesIn(places)
        .reverse()
        .filter(([at]) => at <= upTo);
      before = Number(link);
    }
    if (rows.length < ROWS) return;
  }
}

/** Answers whether a record is found by a key; what it reads of one row it knows for the next question. */
export function createFound({ tuple }: Connection): (key: string, link: number, line: number) => boolean {
  const known = new Map<string, { first: number; last: number; lines: ReadonlySet<string> }>();
  return function isFound(key, link, line) {
    let row = known.get(key);
    if (row === undefined || link < row.first || link > row.last) {
      const [first, places] =
        tuple(sql`
          SELECT link, places FROM audit_place WHERE key = ${key} AND link <= ${link} ORDER BY link DESC LIMIT 1`) ??
        [];
      const lines = linesIn(places);
      row = { first: Number(first), last: lines.at(-1)?.[0] ?? 0, lines: new Set(lines.map(String)) };
      known.set(key, row);
    }
    return row.lines.has(String([link, line]));
  };
}

/** Takes away what stands of these links, the last of which has this number. */
export function dropKeys(connection: Connection, keys: Iterable<string>, gone: ReadonlySet<number>, last: number) {
  for (const key of keys) {
    const rows = connection.tuples(sql`SELECT link, places FROM audit_place WHERE key = ${key} AND link <= ${last}`);
    for (const [link, places] of rows) {
      const all = linesIn(places);
      const left = all.filter(([at]) => !gone.has(at));
      if (left.length === all.length) continue;
      connection.run(sql`DELETE FROM audit_place WHERE key = ${key} AND link = ${Number(link)}`);
      const [first] = left;
      if (first !== undefined) connection.run(insertOf(key, first[0], left.flat()));
    }
  }
}

function linesIn(text: unknown): Line[] {
  const numbers = typeof text === 'string' ? (JSON.parse(text) as number[]) : [];
  const lines: Line[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) lines.push([numbers[at] ?? 0, numbers[at + 1] ?? 0]);
  return lines;
}
