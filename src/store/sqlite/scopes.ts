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
  const sorted = new Map<string, { newest: number; params: string[] }>();

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
    sorted(owner, type) {
      const name = `${type}\0${owner}`;
      // A list is no longer whole when another connection makes a scope; none is ever taken away.
      const newest = Number(tuple(sql`SELECT max(num) FROM scope`)?.[0]);
      const kept = sorted.get(name);
      if (kept?.newest === newest) return kept.params;
      if (sorted.size >= KEPT) sorted.clear();
      const rows = all(sql`SELECT param FROM scope WHERE owner = ${owner} AND type = ${type} AND kind = 'none'`);
      const params = rows.map(({ param }) => String(param));
      sorted.set(name, { newest, params });
      return params;
    },
    make(owner, type, param, kind) {
      const found = find(owner, type, param, kind);
      if (found !== undefined) return found;
      return insert(sql`INSERT INTO scope (owner, type, param, kind) VALUES (${owner}, ${type}, ${param}, ${kind})`);
    },
    forget: () => {
      known.clear();
      sorted.clear();
    },
  };
}
