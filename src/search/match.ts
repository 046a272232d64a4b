/**
 * Runs a plan in memory, on one resource and the world around it. Subscriptions ask it about live resources; for both
 * stores it is the oracle: what it says about a plan, their queries must say too.
 */
import { unreachable } from '../kit/assert.js';
import type { Instant } from '../kit/clock.js';
import { isOpen, type Openness } from './opened.js';
import { isRange, type Bounds, type Entry, type Plan, type RangeEntry, type Test, type TextTest } from './plan.js';

/** A current resource as a search sees it. */
export interface Doc {
  type: string;
  id: string;
  /** The organization that it belongs to; without one it is nobody's. */
  owner?: string;
  /** To whom else it is open. */
  openings?: readonly Openness[] | undefined;
  updated: Instant;
  entries: readonly Entry[];
}

/** All that the caller can see: what `points` and `pointed` look around in. */
export type World = Iterable<Doc>;

export function matches(plan: Plan, doc: Doc, world: World): boolean {
  switch (plan.node) {
    case 'all':
      return plan.of.every((one) => matches(one, doc, world));
    case 'any':
      return plan.of.some((one) => matches(one, doc, world));
    case 'not':
      return !matches(plan.of, doc, world);
    case 'id':
      return isAmong(doc, plan.types) && plan.ids.includes(doc.id);
    case 'entry':
      return isAmong(doc, plan.types) && entriesOf(doc, plan.param).some((entry) => meets(entry, plan.test));
    case 'owned':
      return (doc.owner !== undefined && plan.by.includes(doc.owner)) || isOpen(doc.openings, plan.opened);
    case 'points':
      return some(
        world,
        (target) =>
          plan.types.includes(target.type) && refers(doc, plan.param, target) && matches(plan.where, target, world),
      );
    case 'pointed':
      return some(
        world,
        (source) => source.type === plan.by && refers(source, plan.param, doc) && matches(plan.where, source, world),
      );
    default:
      return unreachable(plan);
  }
}

const isAmong = (doc: Doc, types: readonly string[] | undefined): boolean => types?.includes(doc.type) ?? true;

function entriesOf(doc: Doc, param: string): readonly Entry[] {
  if (param === '_lastUpdated') return [{ param, value: '', low: doc.updated, high: doc.updated }];
  return doc.entries.filter((entry) => entry.param === param);
}

function refers(source: Doc, param: string, target: Doc): boolean {
  const reference = `${target.type}/${target.id}`;
  return source.entries.some((entry) => entry.param === param && !isRange(entry) && entry.value === reference);
}

function meets(entry: Entry, test: Test): boolean {
  switch (test.kind) {
    case 'any':
      return true;
    case 'text':
      return (
        !isRange(entry) &&
        meetsValue(entry.value, test.value) &&
        (test.detail === undefined || entry.detail === test.detail)
      );
    case 'range':
      return isRange(entry) && meetsRange(entry, test.value, test.low, test.high);
    default:
      return unreachable(test);
  }
}

function meetsValue(value: string, asked: TextTest['value']): boolean {
  if (asked === undefined) return true;
  if ('is' in asked) return asked.is.includes(value);
  if ('startsWith' in asked) return value.startsWith(asked.startsWith);
  return value.includes(asked.contains);
}

const meetsRange = (entry: RangeEntry, value: string, low: Bounds = {}, high: Bounds = {}): boolean =>
  entry.value === value && lies(entry.low, low) && lies(entry.high, high);

const lies = (number: number, { gt, gte, lt, lte }: Bounds): boolean =>
  (gt === undefined || number > gt) &&
  (gte === undefined || number >= gte) &&
  (lt === undefined || number < lt) &&
  (lte === undefined || number <= lte);

function some(world: World, test: (doc: Doc) => boolean): boolean {
  for (const doc of world) if (test(doc)) return true;
  return false;
}
