/** Whether references lead somewhere, and nothing that is deleted is still referred to: asked when a write is done. */
import { REFERS, StoreError, type Integrity, type Key, type Reach } from '../port.js';
import { REFERRERS, referredTo } from '../referred.js';
import type { Connection } from './connection.js';
import type { Scopes } from './scopes.js';
import { bound, sql } from './sql.js';
import { seenBy } from './within.js';

/** What refers to one resource lies together, whoever it belongs to: a deletion asks about all of them at once. */
export const refersScope = ['', '', REFERS, 'text'] as const;

/** Throws what is wrong; others may have their turn after each step. */
export type Check = (integrity: Integrity) => Generator<undefined, void>;

export function createCheck({ all, get }: Connection, scopes: Scopes): Check {
  return function* check({ present, unreferred, reach }) {
    for (const key of present) {
      refuseMissing(key, reach);
      yield;
    }
    const [scope] = scopes.of(() => [''], [''], REFERS, 'text');
    if (scope === undefined) return;
    for (const key of unreferred) {
      refuseReferred(scope, key, reach);
      yield;
    }
  };

  function refuseMissing({ type, id }: Key, reach: Reach): void {
    const seen = seenBy(sql`r.owner`, sql`r`, reach);
    if (get(sql`SELECT 1 FROM resource r WHERE r.type = ${type} AND r.id = ${id} AND NOT r.deleted AND ${seen}`))
      return;
    throw new StoreError('missing', `${type}/${id} is not there.`, `${type}/${id}`);
  }

  function refuseReferred(scope: number, { type, id }: Key, reach: Reach): void {
    const target = `${type}/${id}`;
    const rows = all(sql`
      SELECT r.type, r.id, r.owner, ${seenBy(sql`r.owner`, sql`r`, reach)} AS seen FROM text_entry e CROSS JOIN resource r ON r.num = e.num
      WHERE e.scope = ${scope} AND e.value = ${target} AND NOT (r.type = ${type} AND r.id = ${id}) LIMIT ${bound(REFERRERS)}`);
    if (rows.length === 0) return;
    const seen = new Set<Key>();
    const referrers = rows.map((row) => {
      const referrer = { type: String(row.type), id: String(row.id), owner: String(row.owner) };
      if (row.seen === 1) seen.add(referrer);
      return referrer;
    });
    throw referredTo(target, referrers, (referrer) => seen.has(referrer));
  }
}
