/** A record of the vault that belongs to a write: both are committed, or neither. */
import type { Clock } from '../../kit/clock.js';
import { StoreError, type VaultRecord } from '../port.js';
import type { Connection } from './connection.js';
import { sql } from './sql.js';

/** Inside a transaction. Throws `recorded` where a record of this key is that has not expired. */
export function putRecord({ run }: Connection, { key, value, expires }: VaultRecord, clock: Clock): void {
  const changed = run(sql`
    INSERT INTO vault (key, value, expires) VALUES (${key}, ${value}, ${expires})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires
    WHERE vault.expires <= ${clock.now()}`);
  if (changed === 0) throw new StoreError('recorded', `The vault has a record of ${key}.`, key);
}
