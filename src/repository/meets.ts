/**
 * Whether one resource, stored or about to be, meets a plan. What its own entries do not tell (what a chain or `_has`
 * leads to) is asked of the store, one look for each, and only when it decides.
 */
import { limits } from '../kit/limits.js';
import { matches, type Doc } from '../search/match.js';
import type { OpenedTo } from '../search/opened.js';
import { isRange, type Entry, type Plan, type Test } from '../search/plan.js';
import { both } from '../search/restrict.js';
import { isThere as isVersionThere, type Found, type Reach, type Store, type Version } from '../store/port.js';
import { withEntries, type Indexing } from './reindex.js';

export interface Meets {
  /** @param reach what a chain may lead to */
  meets: (plan: Plan, doc: Doc, reach: Reach) => Promise<boolean>;
  /** The search values of a version; of an old one made again. Undefined where they cannot be. */
  entriesOf: (version: Version | Found) => Entry[] | undefined;
  /** The version whose text decides: a deletion is judged by what was deleted. */
  judgedBy: (version: Version, reach: Reach) => Promise<Version | undefined>;
}

export function createMeets(store: Store, extract: Indexing['extract']): Meets {
  async function meets(plan: Plan, doc: Doc, reach: Reach): Promise<boolean> {
    switch (plan.node) {
      case 'all':
        for (const one of plan.of) if (!(await meets(one, doc, reach))) return false;
        return true;
      case 'any':
        for (const one of plan.of) if (await meets(one, doc, reach)) return true;
        return false;
      case 'not':
        return !(await meets(plan.of, doc, reach));
      case 'points': {
        const { types, where } = plan;
        for (const [type, ids] of targetsOf(doc, plan.param))
          if (types.includes(type) && (await isThere([type], both({ node: 'id', ids }, where), reach))) return true;
        return false;
      }
      case 'pointed': {
        const test: Test = { kind: 'text', value: { is: [`${doc.type}/${doc.id}`] } };
        return isThere([plan.by], both({ node: 'entry', param: plan.param, test }, plan.where), reach);
      }
      case 'owned':
        return matches(plan, doc, []) || isOpenNow(doc, plan.opened);
      case 'id':
      case 'entry':
        return matches(plan, doc, []);
    }
  }

  /** What is open is so with its old versions too, and those do not say it themselves. */
  async function isOpenNow({ type, id, openings }: Doc, opened: OpenedTo | undefined): Promise<boolean> {
    if (opened === undefined || openings !== undefined) return false;
    const [found] = await store.read([{ type, id }], { owners: [], opened }, true);
    return found !== undefined;
  }

  async function judgedBy(version: Version, reach: Reach): Promise<Version | undefined> {
    const { type, id, version: number } = version;
    return isVersionThere(version) ? version : store.version({ type, id }, number - 1, reach);
  }

  async function isThere(types: string[], plan: Plan, reach: Reach): Promise<boolean> {
    const page = await store.search(types, plan, [], { size: 1, bytes: limits.bundleBytes }, reach);
    return page.items.length > 0;
  }

  const entriesOf = (version: Version | Found): Entry[] | undefined =>
    'entries' in version && isVersionThere(version) ? version.entries : withEntries({ extract }, version)?.entries;

  return { meets, entriesOf, judgedBy };
}

function targetsOf({ entries }: Doc, param: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const entry of entries) {
    if (entry.param !== param || isRange(entry)) continue;
    const slash = entry.value.indexOf('/');
    const type = entry.value.slice(0, slash);
    found.set(type, [...(found.get(type) ?? []), entry.value.slice(slash + 1)]);
  }
  return found;
}
