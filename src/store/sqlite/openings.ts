/** What is open, and why: rows beside the resources, which the writes that open and close put there. */
import { endOf, overtaken } from '../opened.js';
import type { Key, Opened, Opening, Sharing } from '../port.js';
import { answer, type Connection } from './connection.js';
import { among, sql } from './sql.js';
import type { Sight } from './within.js';

export interface Openings {
  /** Replaces what each `via` opened. Throws `conflict`. Others may have their turn after each step. */
  replace: (opened: readonly Opened[]) => Generator<undefined, void>;
  /** What is deleted is not open. */
  drop: (num: number) => void;
  /** What belongs to another organization from now on is open as before. */
  move: (num: number, owner: string) => void;
  /** Nothing is left that names these as a reason. */
  forget: (keys: readonly Key[]) => void;
}

export function createOpenings({ all, get, run }: Connection, sight: Sight): Openings {
  function* replace(opened: readonly Opened[]): Generator<undefined, void> {
    for (const { via, was, openings } of opened) {
      advance(via, was);
      const rows = all(sql`SELECT num, org, since, until FROM opening WHERE via = ${via}`);
      const old = new Set(rows.map(({ num, org, since, until }) => JSON.stringify([num, org, since, until])));
      for (const { type, id, to, from, until } of openings) {
        const row = get(sql`SELECT num, owner, deleted FROM resource WHERE type = ${type} AND id = ${id}`);
        if (row?.deleted !== 0 || old.delete(JSON.stringify([row.num, to, from, until]))) continue;
        sight.note(to, type, String(row.owner));
        run(sql`
          INSERT OR REPLACE INTO opening (num, org, via, since, until, type, owner)
          VALUES (${Number(row.num)}, ${to}, ${via}, ${from}, ${until}, ${type}, ${String(row.owner)})`);
        yield;
      }
      for (const one of old) {
        const [num, org, since, until] = JSON.parse(one) as [number, string, number, number];
        run(sql`DELETE FROM opening
          WHERE num = ${num} AND org = ${org} AND via = ${via} AND since = ${since} AND until = ${until}`);
      }
      yield;
    }
  }

  function advance(via: string, was: number): void {
    const changed =
      was === 0
        ? run(sql`INSERT OR IGNORE INTO sharing (via, generation) VALUES (${via}, 1)`)
        : run(sql`UPDATE sharing SET generation = generation + 1 WHERE via = ${via} AND generation = ${was}`);
    if (changed === 0) throw overtaken(via);
  }

  return {
    replace,
    drop: (num) => void run(sql`DELETE FROM opening WHERE num = ${num}`),
    move(num, owner) {
      for (const { org, type } of all(sql`SELECT DISTINCT org, type FROM opening WHERE num = ${num}`))
        sight.note(String(org), String(type), owner);
      run(sql`UPDATE opening SET owner = ${owner} WHERE num = ${num}`);
    },
    forget(keys) {
      const reasons = keys.flatMap(({ type, id }) => [`${type}/${id}`, `directory/${type}/${id}`]);
      run(sql`DELETE FROM opening WHERE via ${among(reasons)}`);
      run(sql`DELETE FROM sharing WHERE via ${among(reasons)}`);
    },
  };
}

export function createSharing({ all }: Connection): Sharing {
  function of(via: string[]) {
    const found = new Map<string, { generation: number; openings: Opening[] }>();
    for (const one of via) found.set(one, { generation: 0, openings: [] });
    for (const row of all(sql`SELECT via, generation FROM sharing WHERE via ${among(via)}`))
      found.set(String(row.via), { generation: Number(row.generation), openings: [] });
    const rows = all(sql`
      SELECT o.via, r.type, r.id, o.org, o.since, o.until FROM opening o JOIN resource r ON r.num = o.num
      WHERE o.via ${among(via)} ORDER BY r.type, r.id, o.org, o.since`);
    for (const { via, type, id, org, since, until } of rows)
      found.get(String(via))?.openings.push({
        ...{ type: String(type), id: String(id), to: String(org) },
        ...{ from: Number(since), until: Number(until) },
      });
    return found;
  }

  function via(keys: Key[]) {
    const found = new Map<string, string[]>();
    for (const type of new Set(keys.map((key) => key.type))) {
      const ids = keys.filter((key) => key.type === type).map(({ id }) => id);
      const rows = all(sql`
        SELECT DISTINCT r.id, o.via FROM resource r JOIN opening o ON o.num = r.num
        WHERE r.type = ${type} AND r.id ${among(ids)} ORDER BY r.id, o.via`);
      for (const row of rows) {
        const name = `${type}/${String(row.id)}`;
        found.set(name, [...(found.get(name) ?? []), String(row.via)]);
      }
    }
    return found;
  }

  function named(type: string, beginning: string, atMost: number) {
    const rows = all(sql`
      SELECT org FROM opening WHERE org >= ${beginning} AND org < ${endOf(beginning)} AND type = ${type}
      LIMIT ${atMost + 1}`);
    return rows.length > atMost ? undefined : new Set(rows.map(({ org }) => String(org)));
  }

  return {
    of: (some) => answer(() => of(some)),
    via: (keys) => answer(() => via(keys)),
    named: (...asked) => answer(() => named(...asked)),
  };
}
