/**
 * Tells the trail of a call whose data it is shown. Bytes say themselves whose they are only where the client said so; of
 * the others it is told by the resources that show them.
 */
import type { Call } from '../access/principal.js';
import type { Plan } from '../search/plan.js';
import { SHOWS } from '../search/shown.js';
import type { Store, Version } from '../store/port.js';
import { asked } from './failures.js';
import { nameOf } from './operations.js';

export type Tell = (call: Call, versions: readonly Version[]) => Promise<void>;

export function createTelling(store: Pick<Store, 'search'>, showing: readonly string[]): Tell {
  return async function tell(call, versions) {
    const { trail } = call;
    if (trail === undefined) return;
    trail.shown(versions);
    const binaries = versions.filter(({ type }) => type === 'Binary');
    if (binaries.length === 0) return;
    const test = { kind: 'text' as const, value: { is: binaries.map(nameOf) } };
    const plan: Plan = { node: 'entry', param: SHOWS, test };
    const owners = [...new Set(binaries.map(({ owner }) => owner))];
    const { items } = await asked(store.search([...showing], plan, [], { size: MOST, bare: true }, { owners }));
    trail.about(items);
  };
}

/** Resources that show the bytes of one page: more than one or two are rare. */
const MOST = 1000;
