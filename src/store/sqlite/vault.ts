/** Small records that expire. Writes go through the group commit; one statement each decides who wins. */
import type { Clock } from '../../kit/clock.js';
import type { Vault } from '../port.js';
import type { Committer } from './commit.js';
import { successor } from './compile.js';
import { answer, type Connection } from './connection.js';
import { sql } from './sql.js';

export interface SqliteVault extends Vault {
  /** Removes some of the records that are past their time. */
  clean(): Promise<void>;
}

/** Expired records that one cleaning removes, so that none takes long. */
const CLEANED = 1000;

/** @param commit hands out the connection to write by */
export function createVault(
  { all, get }: Connection,
  { commit }: Committer<{ connection: Connection }>,
  clock: Clock,
): SqliteVault {
  return {
    get: (key) =>
      answer(() => {
        const row = get(sql`SELECT value FROM vault WHERE key = ${key} AND expires > ${clock.now()}`);
        return row === undefined ? undefined : String(row.value);
      }),
    async put(key, value, expires) {
      await commit(({ connection: { run } }) =>
        run(sql`INSERT OR REPLACE INTO vault (key, value, expires) VALUES (${key}, ${value}, ${expires})`),
      );
    },
    async putIfAbsent(key, value, expires) {
      const changed = await commit(({ connection: { run } }) =>
        run(sql`
          INSERT INTO vault (key, value, expires) VALUES (${key}, ${value}, ${expires})
          ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires
          WHERE vault.expires <= ${clock.now()}`),
      );
      return changed === 1;
    },
    async take(key) {
      const row = await commit(({ connection }) =>
        connection.get(sql`DELETE FROM vault WHERE key = ${key} RETURNING value, expires`),
      );
      return row !== undefined && Number(row.expires) > clock.now() ? String(row.value) : undefined;
    },
    list: (after, limit, prefix = '') =>
      answer(() => {
        const end = successor(prefix);
        const begun = after === undefined ? sql`key >= ${prefix}` : sql`key > ${after} AND key >= ${prefix}`;
        const within = end === undefined ? begun : sql`${begun} AND key < ${end}`;
        // Told to go by the key: what has not expired is most of it.
        return all(sql`
          SELECT key, value, expires FROM vault WHERE +expires > ${clock.now()} AND ${within}
          ORDER BY key LIMIT ${limit}`).map(({ key, value, expires }) => ({
          key: String(key),
          value: String(value),
          expires: Number(expires),
        }));
      }),
    async clean() {
      await commit(({ connection: { run } }) =>
        run(sql`DELETE FROM vault WHERE expires <= ${clock.now()} LIMIT ${CLEANED}`),
      );
    },
  };
}
