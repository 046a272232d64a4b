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
  /** Only where all of it is open to them. */
  open?: OpenList;
}

/** What is open to somebody, by who opened it. Deletions never are. */
export interface OpenList {
  /** The condition on a row `d` of `opening`. */
  where: (types: readonly string[]) => Sql;
  /** What is left to ask of a row of `resource` that is in the list. */
  left: (row: Sql) => Sql;
  /** The rows of the list are in natural order. */
  inOrder: (types: readonly string[]) => boolean;
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
    const lists = newest === 0 ? [] : opened.to.map((to) => ({ to, by: openersTo(to, newest) }));
    const openers = (type: string): Owner[] => [
      ...new Set(lists.flatMap(({ by }) => by.get(type) ?? []).filter((owner) => !owners.includes(owner))),
    ];
    /** Most types are open to one organization, or to everybody, but not to both. */
    const named = (types: readonly string[]): string[] =>
      lists.filter(({ by }) => types.some((type) => by.has(type))).map(({ to }) => to);
    const notOwn = (row: Sql) => sql`NOT ${own.seen(row)}`;
    const isSeen = (row: Sql) => or([own.seen(row), openTo(row, opened)]);
    const foreign = (types: readonly string[]): Within => {
      // Each name is a look of its own, for each row.
      const isOpen = (row: Sql) => openTo(row, { ...opened, to: named(types) });
      return {
        owners: openers,
        seen: (row) => and([notOwn(row), isOpen(row)]),
        left: isOpen,
        open: {
          where: (types) => sql`
          d.org ${oneOf(named(types))} AND d.type ${among(types)} AND d.since <= ${opened.at} AND d.until > ${opened.at}`,
          left: notOwn,
          inOrder: (types) => types.length === 1 && named(types).length === 1,
        },
      };
    };
    return {
      own,
      open: (types) => (types.some((type) => openers(type).length > 0) ? foreign(types) : undefined),
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

/** These are two mostly, and asked of many rows. */
function oneOf(names: readonly string[]): Sql {
  const [first, second] = names;
  return names.length === 2 && first !== undefined && second !== undefined
    ? sql`IN (${first}, ${second})`
    : among(names);
}

/** @param row has the number of a resource as its `num` */
export const openTo = (row: Sql, opened: OpenedTo | undefined): Sql =>
  opened === undefined
    ? never
    : sql`EXISTS (SELECT 1 FROM opening o WHERE o.num = ${row}.num AND o.org ${oneOf(opened.to)}
        AND o.since <= ${opened.at} AND o.until > ${opened.at})`;

/** Whether a version is seen: by whom it belongs to, or because its resource is open. */
export const seenBy = (owner: Sql, row: Sql, { owners, opened }: Reach): Sql =>
  opened === undefined ? sql`${owner} ${among(owners)}` : or([sql`${owner} ${among(owners)}`, openTo(row, opened)]);
