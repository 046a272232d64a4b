/**
 * Where what a caller sees is found. Entries lie by owner: a caller's own in the scopes of their organizations, and what
 * is open to them in those of whoever opened something of that type. The two sides have nothing in common and are
 * searched one by one, so that neither pays for the other; on the far side of a chain both are one.
 */
import type { OpenedTo } from '../../search/opened.js';
import type { Owner, Reach } from '../port.js';
import type { Connection } from './connection.js';
import { always, among, and, never, or, sql, type Sql } from './sql.js';

export interface Within {
  /** The owners in whose scopes it is found, by type. */
  owners: (type: string) => readonly Owner[];
  /** What a row of `resource` must meet, beside being alive and of its type. */
  seen: (row: Sql) => Sql;
  /** What is left of that to ask of a row that was found in one of those scopes. */
  left: (row: Sql) => Sql;
  /** A SELECT of the numbers of all that is open, deletions never: only where there is nothing else. */
  open?: (types: readonly string[]) => Sql;
}

export interface Sides {
  own: Within;
  /** Undefined where nobody opened anything of these types. */
  open: (types: readonly string[]) => Within | undefined;
  /** Both. */
  all: Within;
}

export interface Sight {
  sidesOf: (reach: Reach) => Sides;
  /** Notes who opens what to whom; only inside a transaction. */
  note: (to: string, type: string, owner: Owner) => void;
  /** Forgets what a transaction noted that was rolled back. */
  forget: () => void;
}

/** So many organizations' lists are kept in memory; past that it begins anew. */
const KEPT = 10_000;

export function createSight({ all, get, run }: Connection): Sight {
  const known = new Map<string, { newest: number; owners: Map<string, Owner[]> }>();

  /** Who opened something to them, by type. Who did once stays here: each row is asked whether it is open. */
  function openersTo(to: string, newest: number): Map<string, Owner[]> {
    const kept = known.get(to);
    if (kept?.newest === newest) return kept.owners;
    const owners = new Map<string, Owner[]>();
    for (const row of all(sql`SELECT type, owner FROM opener WHERE org = ${to}`)) {
      const [type, owner] = [String(row.type), String(row.owner)];
      owners.set(type, [...(owners.get(type) ?? []), owner]);
    }
    if (known.size >= KEPT) known.clear();
    known.set(to, { newest, owners });
    return owners;
  }

  function sidesOf({ owners, opened }: Reach): Sides {
    const own: Within = {
      owners: () => owners,
      seen: (row) => sql`${row}.owner ${among(owners)}`,
      left: () => always,
    };
    if (opened === undefined) return { own, open: () => undefined, all: own };
    // A list is no longer whole when another connection notes somebody; nobody is ever taken away.
    const newest = Number(get(sql`SELECT max(num) AS num FROM opener`)?.num ?? 0);
    const lists = newest === 0 ? [] : opened.to.map((to) => openersTo(to, newest));
    const openers = (type: string): Owner[] => [
      ...new Set(lists.flatMap((list) => list.get(type) ?? []).filter((owner) => !owners.includes(owner))),
    ];
    const isOpen = (row: Sql) => openTo(row, opened);
    const isSeen = (row: Sql) => or([own.seen(row), isOpen(row)]);
    const foreign: Within = {
      owners: openers,
      seen: (row) => and([sql`NOT ${own.seen(row)}`, isOpen(row)]),
      left: isOpen,
      open: (types) => sql`
        SELECT num FROM opening WHERE org ${among(opened.to)} AND type ${among(types)}
        AND since <= ${opened.at} AND until > ${opened.at}`,
    };
    return {
      own,
      open: (types) => (types.some((type) => openers(type).length > 0) ? foreign : undefined),
      all: { owners: (type) => [...owners, ...openers(type)], seen: isSeen, left: isSeen },
    };
  }

  return {
    sidesOf,
    note(to, type, owner) {
      run(sql`INSERT OR IGNORE INTO opener (org, type, owner) VALUES (${to}, ${type}, ${owner})`);
    },
    forget: () => {
      known.clear();
    },
  };
}

/** @param row has the number of a resource as its `num` */
export const openTo = (row: Sql, opened: OpenedTo | undefined): Sql =>
  opened === undefined
    ? never
    : sql`EXISTS (SELECT 1 FROM opening o WHERE o.num = ${row}.num AND o.org ${among(opened.to)}
        AND o.since <= ${opened.at} AND o.until > ${opened.at})`;

/** Whether a version is seen: by whom it belongs to, or because its resource is open. */
export const seenBy = (owner: Sql, row: Sql, { owners, opened }: Reach): Sql =>
  opened === undefined ? sql`${owner} ${among(owners)}` : or([sql`${owner} ${among(owners)}`, openTo(row, opened)]);
