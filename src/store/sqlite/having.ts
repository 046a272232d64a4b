/** What has a value, whoever it belongs to. */
import type { Key, ValueOf } from '../port.js';
import type { Connection } from './connection.js';
import type { Scopes } from './scopes.js';
import { bound, sql } from './sql.js';

export type Having = (param: ValueOf, values: readonly string[], atMost: number) => Key[];

export function createHaving({ all }: Pick<Connection, 'all'>, scopes: Scopes): Having {
  return ({ type, param }, values, atMost) => {
    const nums = scopes.across(type, param, 'text');
    if (nums.length === 0) return [];
    // Joined in this order, each pair of a scope and a value is one place in the b-tree of entries.
    const rows = all(sql`
      SELECT DISTINCT r.id
      FROM json_each(${JSON.stringify(nums)}) s CROSS JOIN json_each(${JSON.stringify(values)}) v
      CROSS JOIN text_entry e ON e.scope = s.value AND e.value = v.value
      CROSS JOIN resource r ON r.num = e.num
      LIMIT ${bound(atMost)}`);
    return rows.map(({ id }) => ({ type, id: String(id) }));
  };
}
