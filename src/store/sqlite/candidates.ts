/** What an index can give: the resources that may meet a condition, and of several conditions the rarest one. */
import type { Plan } from '../../search/plan.js';
import { narrowed, type Compiler, type Seen } from './compile.js';
import type { Connection } from './connection.js';
import { among, bound as limited, chained, sql, type Sql } from './sql.js';

export interface Rarest {
  /** Undefined where what is open is rarer than all of them. */
  condition: Plan | undefined;
  /** A SELECT of the numbers of all resources that may meet it; they may come twice. */
  numbers: Sql;
  count: number;
}

/** The condition that the fewest meet, if they are fewer than `bound`. */
export type FindRarest = (
  conditions: Plan[],
  types: readonly string[],
  seen: Seen,
  level: number,
  bound: number,
) => Rarest | undefined;

/** With so few, looking further for fewer costs more than it saves. */
const FEW_ENOUGH = 20;
/** So many alternatives may begin a search together. */
const ALTERNATIVES = 50;
/** Chains are looked into only so deep: each level asks the next one twice. */
const LEVELS = 2;

export function createRarest({ get }: Connection, compiler: Compiler): FindRarest {
  function rarest(...[conditions, types, seen, level, atMost]: Parameters<FindRarest>): Rarest | undefined {
    let best: Rarest | undefined;
    let bound = atMost;
    // What is open is a list like any other, and looked at last: where there is one, most conditions are rarer.
    for (const condition of seen.within.open === undefined ? conditions : [...conditions, undefined]) {
      const numbers = condition === undefined ? opened(seen, types) : candidates(condition, types, seen, level);
      if (numbers === undefined) continue;
      const row = get(sql`SELECT count(*) AS n FROM (SELECT 1 FROM (${numbers}) LIMIT ${limited(bound)})`);
      const count = Number(row?.n);
      if (count < bound) [best, bound] = [{ condition, numbers, count }, count];
      if (bound <= FEW_ENOUGH) break;
    }
    return best;
  }

  function candidates(plan: Plan, types: readonly string[], seen: Seen, level: number): Sql | undefined {
    switch (plan.node) {
      case 'id':
        // Judged at once, or how long a search takes would tell of an id that is somebody else's.
        return sql`SELECT num FROM resource WHERE type ${among(narrowed(types, plan))} AND id ${among(plan.ids)}
          AND ${seen.within.seen(sql`resource`)}`;
      case 'entry':
        return plan.param === '_lastUpdated'
          ? undefined
          : compiler.numbers(plan.param, plan.test, narrowed(types, plan), seen.within);
      case 'points':
        return level < LEVELS ? compiler.pointing(plan, types, seen, level) : undefined;
      case 'any':
        return alternatives(plan.of, types, seen, level);
      case 'pointed':
        return level < LEVELS ? compiler.referred(plan, types, seen, level) : undefined;
      case 'all':
      case 'not':
      case 'owned':
        return undefined;
    }
  }

  function opened({ within: { open } }: Seen, types: readonly string[]): Sql | undefined {
    return open && sql`SELECT d.num FROM opening d WHERE ${open.where(types)}`;
  }

  function alternatives(plans: Plan[], types: readonly string[], seen: Seen, level: number): Sql | undefined {
    if (plans.length === 0 || plans.length > ALTERNATIVES) return undefined;
    const arms: Sql[] = [];
    for (const plan of plans) {
      const arm = candidates(plan, types, seen, level);
      if (arm === undefined) return undefined;
      arms.push(sql`SELECT num FROM (${arm})`);
    }
    return chained(arms, ' UNION ALL ');
  }

  return rarest;
}
