/** The dictionary of scopes: one number for an owner, a type, a parameter and a kind of entry. */
import type { Owner } from '../port.js';
import type { Connection } from './connection.js';
import { sql } from './sql.js';

export type EntryKind = 'text' | 'range' | SortKind;

/** Which keys lie together to be sorted by; see `keys.ts`. */
export type SortKind = 'instant' | 'second' | 'day' | 'first' | 'last' | 'none';

export interface Scopes {
  /** The numbers that there are; a scope that has none has no entries either. */
  of: (
    owners: (type: string) => readonly Owner[],
    types: readonly string[],
    param: string,
    kind: EntryKind,
  ) => number[];
  /** Those of all owners. */
  across: (type: string, param: string, kind: EntryKind) => readonly number[];
  /** The parameters that resources of this owner and type are sorted by. */
  sorted: (owner: Owner, type: string) => readonly string[];
  /** The number of one scope, made when it is new; only inside a transaction. */
  make: (owner: Owner, type: string, param: string, kind: EntryKind) => number;
  /** Forgets the numbers: those that a transaction made are gone when it is rolled back. */
  forget: () => void;
}

/** So many numbers are kept in memory; past that it begins anew. */
const KEPT = 100_000;

export function createScopes({ all, get, tuple, insert }: Connection): Scopes {
  // Only what exists is kept: another process may make what is missing.
  const known = new Map<string, number>();
  const sorted = createListed<string[]>(tuple);
  const across = createListed<number[]>(tuple);

  function find(owner: Owner, type: string, param: string, kind: EntryKind): number | undefined {
    // What is ours has no such character, so that no two of these are one.
    const name = `${kind}\0${type}\0${param}\0${owner}`;
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    const row = get(
      sql`SELECT num FROM scope WHERE owner = ${owner} AND type = ${type} AND param = ${param} AND kind = ${kind}`,
    );
    if (row === undefined) return undefined;
    if (known.size >= KEPT) known.clear();
    known.set(name, Number(row.num));
    return Number(row.num);
  }

  return {
    of(owners, types, param, kind) {
      const found = new Set<number>();
      for (const type of types)
        for (const owner of owners(type)) {
          const num = find(owner, type, param, kind);
          if (num !== undefined) found.add(num);
        }
      return [...found];
    },
    across: (type, param, kind) =>
      across.of(`${type}\0${param}\0${kind}`, () =>
        // From owner to owner, since others have thousands of scopes between them.
        all(sql`
          WITH RECURSIVE each (owner) AS (
            SELECT min(owner) FROM scope
            UNION ALL SELECT (SELECT min(owner) FROM scope WHERE owner > each.owner) FROM each WHERE owner IS NOT NULL)
          SELECT s.num FROM each CROSS JOIN scope s
          ON s.owner = each.owner AND s.type = ${type} AND s.param = ${param} AND s.kind = ${kind}`).map(({ num }) =>
          Number(num),
        ),
      ),
    sorted: (owner, type) =>
      sorted.of(`${type}\0${owner}`, () =>
        all(sql`SELECT param FROM scope WHERE owner = ${owner} AND type = ${type} AND kind = 'none'`).map(({ param }) =>
          String(param),
        ),
      ),
    make(owner, type, param, kind) {
      const found = find(owner, type, param, kind);
      if (found !== undefined) return found;
      return insert(sql`INSERT INTO scope (owner, type, param, kind) VALUES (${owner}, ${type}, ${param}, ${kind})`);
    },
    forget: () => {
      known.clear();
      sorted.forget();
      across.forget();
    },
  };
}

/** Lists of scopes: each is whole until another one is made, be it by another connection; none is ever taken away. */
function createListed<List>(tuple: Connection['tuple']) {
  const lists = new Map<string, { newest: number; list: List }>();
  return {
    of(name: string, find: () => List): List {
      const newest = Number(tuple(sql`SELECT max(num) FROM scope`)?.[0]);
      const kept = lists.get(name);
      if (kept?.newest === newest) return kept.list;
      if (lists.size >= KEPT) lists.clear();
      const list = find();
      lists.set(name, { newest, list });
      return list;
    },
    forget: () => {
      lists.clear();
    },
  };
}
