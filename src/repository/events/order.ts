/** Events in the order that a search asks for. */
import { compare, sortKeys, type Order } from '../../search/plan.js';
import type { Found } from '../../store/port.js';

/** The order in which the trail is read anyway. */
export const isNewestFirst = (sort: readonly Order[]): boolean =>
  sort.length === 0 || (sort.length === 1 && sort.every(({ param, descending }) => TIMES.has(param) && descending));

const TIMES: ReadonlySet<string> = new Set(['date', '_lastUpdated']);

export function inOrder(events: readonly Found[], sort: readonly Order[]): Found[] {
  const keyed = events.map((found) => ({ found, keys: sortKeys(found.entries) }));
  const valueOf = ({ found, keys }: (typeof keyed)[number], { param, descending }: Order) => {
    if (param === '_id') return found.id;
    if (param === '_lastUpdated') return found.updated;
    const key = keys.get(param);
    return descending ? key?.last : key?.first;
  };
  return keyed
    .sort((one, other) => {
      for (const order of sort) {
        const by = compare(valueOf(one, order), valueOf(other, order));
        if (by !== 0) return order.descending ? -by : by;
      }
      return compare(one.found.id, other.found.id);
    })
    .map(({ found }) => found);
}
