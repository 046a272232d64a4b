/**
 * The Consents of patients at one organization, read with the server's own eyes, as rules. Those that a write is about to
 * make count as if they were made.
 */
import { actorsBy, namedBy, nameOf as localName, type Local, type Target } from '../../access/consent/actors.js';
import { localReference } from '../../access/consent/actors.js';
import { readConsent, type Agreement } from '../../access/consent/consent.js';
import { failure } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';
import type { Plan } from '../../search/plan.js';
import type { SearchRegistry } from '../../search/registry.js';
import { isThere, type Change, type Found, type Position, type Store, type Version } from '../../store/port.js';
import { asked } from '../failures.js';
import { nameOf } from '../operations.js';

/** @param changes what is written meanwhile */
export type Agreements = (
  owner: string,
  patients: readonly string[],
  changes?: readonly Change[],
) => Promise<Agreement[]>;

/** A Consent with what it means. */
export interface Understood {
  resource: Resource;
  agreement: Agreement | undefined;
}

export interface AgreementParts {
  store: Pick<Store, 'search' | 'read' | 'ownersOf'>;
  registry: SearchRegistry;
  base: string;
}

export function createAgreements({ base, registry, store }: AgreementParts) {
  const types = new Set(registry.resourceTypes);
  const isType = (code: string): boolean => types.has(code);

  const agreements: Agreements = async (owner, patients, changes = []) => {
    const found = await stored(owner, patients);
    const written = new Set(changes.map(nameOf));
    const current: Version[] = [
      ...found.filter((one) => !written.has(nameOf(one))),
      ...changes.filter((one) => one.type === 'Consent' && one.owner === owner),
    ];
    const read = await understand(current, changes);
    return read.flatMap(({ agreement }) =>
      agreement !== undefined && patients.includes(agreement.patient) ? [agreement] : [],
    );
  };

  async function stored(owner: string, patients: readonly string[]): Promise<Found[]> {
    const found: Found[] = [];
    for (let at = 0; at < patients.length; at += PATIENTS_AT_ONCE) {
      const plan = activeOf(patients.slice(at, at + PATIENTS_AT_ONCE));
      let after: { after?: Position } = {};
      do {
        const request = { size: PAGE, bytes: limits.bundleBytes, bare: true, ...after };
        const page = await asked(store.search(['Consent'], plan, [], request, { owners: [owner] }));
        found.push(...page.items);
        if (found.length > limits.consentsOfCaller) throw tooMany();
        after = page.next === undefined ? {} : { after: page.next };
      } while (after.after !== undefined);
    }
    return found;
  }

  /** Each of these Consents, deletions left out, with what it means. */
  async function understand(versions: readonly Version[], changes: readonly Change[] = []): Promise<Understood[]> {
    const read = versions.filter(isThere).map((version) => ({ version, resource: resourceOf(version) }));
    const targets = new Map<string, Target>();
    let fresh = read.flatMap(({ resource }) => namedBy(resource, base));
    // A team leads to roles, and a role to a person: further than that nothing leads.
    for (let depth = 0; depth < DEPTH && fresh.length > 0; depth += 1) {
      const loaded = await load(
        fresh.filter((one) => !targets.has(localName(one))),
        changes,
      );
      for (const [name, target] of loaded) targets.set(name, target);
      fresh = [...loaded.values()].flatMap(({ resource }) => namedBy(resource, base));
    }
    const actorsOf = actorsBy((local) => targets.get(localName(local)), base);
    return read.map(({ resource, version }) => ({
      resource,
      agreement: readConsent(resource, version, { actorsOf, isType, base }),
    }));
  }

  /** Whose each is, and what it says; of persons it is enough whose they are. */
  async function load(locals: readonly Local[], changes: readonly Change[]): Promise<Map<string, Target>> {
    const written = new Map(changes.map((change) => [nameOf(change), change]));
    const keys = [...new Map(locals.map((one) => [localName(one), one])).values()];
    const owners = await asked(store.ownersOf(keys));
    const found = new Map<string, Target>();
    for (const [n, key] of keys.entries()) {
      const name = localName(key);
      const change = written.get(name);
      const owner = change?.owner ?? owners[n];
      if (owner === undefined) continue;
      const isRead = LEADING.has(key.type);
      const [current] =
        change !== undefined || !isRead ? [change] : await asked(store.read([key], { owners: [owner] }, true));
      const resource = isRead && isThere(current) ? resourceOf(current) : { resourceType: key.type };
      found.set(name, { owner, resource });
    }
    return found;
  }

  return { agreements, understand };
}

const LEADING: ReadonlySet<string> = new Set(['PractitionerRole', 'CareTeam']);
const DEPTH = 3;
const PAGE = 200;
const PATIENTS_AT_ONCE = 200;

const resourceOf = ({ text = '' }: Version): Resource => parseJson(text, limits.depth) as Resource;

/** The id of the patient whom a stored Consent is about. */
export function patientOf(version: Version, base: string): string | undefined {
  const patient = isThere(version) ? localReference(resourceOf(version).patient, base) : undefined;
  return patient?.type === 'Patient' ? patient.id : undefined;
}

function activeOf(patients: readonly string[]): Plan {
  const is = (param: string, values: string[]): Plan => ({
    node: 'entry',
    param,
    test: { kind: 'text', value: { is: values } },
  });
  return {
    node: 'all',
    of: [
      is(
        'patient',
        patients.map((id) => `Patient/${id}`),
      ),
      is('status', ['active']),
    ],
  };
}

export const tooMany = () =>
  failure(
    'too-costly',
    `There are more than ${limits.consentsOfCaller} Consents to judge by (limit consentsOfCaller), so that it cannot be told what they deny.`,
  );
