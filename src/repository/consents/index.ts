/**
 * What a written Consent changes for others, in the same write: of whom it speaks, so that they are found when they call,
 * and every referral that opens something of its patient, which is computed anew.
 */
import { about } from '../../access/compartment.js';
import { limits } from '../../kit/limits.js';
import type { SearchRegistry } from '../../search/registry.js';
import { type Change, type Key, type Opened, type Position, type Store, type Version } from '../../store/port.js';
import { nameOf } from '../operations.js';
import { patientOf, type createAgreements } from './agreements.js';
import { concernedBy } from './concerned.js';

interface Turn {
  change: Change;
  was: Version | undefined;
}

export interface Consents {
  /** What the Consents among these say of whom; to be kept with them. */
  concerning(turns: readonly Turn[]): Promise<Opened[]>;
  /** The patients of whom the Consents among these say something else from now on, and at which organization. */
  judged(turns: readonly Turn[]): { owner: string; patient: string }[];
  /** The reasons by which anything of the patient's is open. */
  opening(owner: string, patient: string): Promise<Set<string>>;
}

export interface ConsentsParts extends Pick<ReturnType<typeof createAgreements>, 'understand'> {
  store: Store;
  registry: SearchRegistry;
  base: string;
}

export function createConsents({ base, registry, store, understand }: ConsentsParts): Consents {
  async function concerning(turns: readonly Turn[]): Promise<Opened[]> {
    const consents = turns.filter(({ change }) => change.type === 'Consent');
    if (consents.length === 0) return [];
    const known = await store.sharing.of(
      consents.flatMap(({ change, was }) => (was === undefined ? [] : [nameOf(change)])),
    );
    const all = turns.map(({ change }) => change);
    const opened: Opened[] = [];
    for (const { change } of consents) {
      const [read] = await understand([change], all);
      const names = read?.agreement === undefined ? [] : concernedBy(read.resource, read.agreement, base);
      const was = known.get(nameOf(change));
      if (names.length === 0 && (was?.openings.length ?? 0) === 0) continue;
      const { id, type } = change;
      const openings = names.map((to) => ({ type, id, to, from: 0, until: Number.MAX_SAFE_INTEGER }));
      opened.push({ via: nameOf(change), was: was?.generation ?? 0, openings });
    }
    return opened;
  }

  function judged(turns: readonly Turn[]): { owner: string; patient: string }[] {
    const found = turns.flatMap(({ change, was }) => {
      if (change.type !== 'Consent') return [];
      const versions: (Version | undefined)[] = [change, was];
      return versions.flatMap((one) => {
        const patient = one === undefined ? undefined : patientOf(one, base);
        return patient === undefined ? [] : [{ owner: change.owner, patient }];
      });
    });
    return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
  }

  /** Whoever is about a patient refers to them; where those are too many to be listed, they are looked through by type. */
  async function opening(owner: string, patient: string): Promise<Set<string>> {
    const root: Key = { type: 'Patient', id: patient };
    const referrers = await store.erasing.referrers([root], limits.patientReferrers);
    if (referrers.length === limits.patientReferrers) return openingByType(owner, patient);
    return reasonsOf([root, ...referrers.map(({ id, type }) => ({ id, type }))]);
  }

  async function reasonsOf(keys: readonly Key[], found = new Set<string>()): Promise<Set<string>> {
    for (let at = 0; at < keys.length; at += AT_ONCE)
      for (const reasons of (await store.sharing.via(keys.slice(at, at + AT_ONCE))).values())
        for (const one of reasons) found.add(one);
    return found;
  }

  async function openingByType(owner: string, patient: string): Promise<Set<string>> {
    const found = new Set<string>();
    for (const type of registry.resourceTypes) {
      // Bytes are open with what shows them; a context alone opens none.
      const plan = about([patient], type, registry);
      if (plan === undefined) continue;
      let after: { after?: Position } = {};
      do {
        const request = { size: AT_ONCE, bytes: limits.bundleBytes, bare: true, ...after };
        const page = await store.search([type], plan, [], request, { owners: [owner] });
        await reasonsOf(
          page.items.map(({ type, id }) => ({ type, id })),
          found,
        );
        after = page.next === undefined ? {} : { after: page.next };
      } while (after.after !== undefined);
    }
    return found;
  }

  return { concerning, judged, opening };
}

const AT_ONCE = 200;
