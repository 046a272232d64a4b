/**
 * A Consent as rules: what its provisions say about whom, about what, and when. What of it cannot be judged here makes
 * the rule stricter and never wider: a refusal then holds as if that part were not there, and a permission does not
 * hold. (R4 consent.html, docs/sharing.md)
 */
import { firstInstant, lastInstant, spanOf } from '../../fhir/datetime.js';
import type { CodeableConcept, Coding, Element, Resource } from '../../fhir/types.js';
import type { Instant } from '../../kit/clock.js';
import { joined, localReference, type ActorsOf } from './actors.js';

/** A patient's Consent that is active. */
export interface Agreement {
  /** The organization that keeps it: it says something about that one's resources only. */
  owner: string;
  /** The patient's id. */
  patient: string;
  /** When it was given, else when it was written; the newest decides. */
  given: Instant;
  updated: Instant;
  root: Provision;
}

export interface Provision {
  /** Undefined for a root that says neither: only its exceptions say something. */
  type: 'permit' | 'deny' | undefined;
  /** Undefined when it has none. */
  actors: Actors | undefined;
  /** Resource types; undefined for all. */
  classes: readonly string[] | undefined;
  labels: readonly Label[] | undefined;
  /** Codes of v3-ActReason; undefined for all. */
  purposes: readonly string[] | undefined;
  from: Instant;
  /** Without this instant. */
  until: Instant;
  /** It has parts that cannot be judged. */
  vague: boolean;
  exceptions: readonly Provision[];
}

/** Who is meant, as far as those are known here. */
export interface Actors {
  organizations: readonly string[];
  /** What people are in FHIR: `Practitioner/…`, `Patient/…`, `RelatedPerson/…`. */
  people: readonly string[];
  /** The organizations that these people are of. */
  homes: readonly string[];
  /** And somebody of whom nobody here can tell who it is. */
  others: boolean;
}

export interface Label {
  system: string | undefined;
  code: string;
}

export interface Reading {
  /** Who the actors are; see `actors.ts`. */
  actorsOf: ActorsOf;
  isType: (code: string) => boolean;
  base: string;
}

/** Undefined for what says nothing: it is not active, or about no patient of this server. */
export function readConsent(
  consent: Resource,
  version: { owner: string; updated: Instant },
  reading: Reading,
): Agreement | undefined {
  const patient = localReference(consent.patient, reading.base);
  if (consent.status !== 'active' || patient?.type !== 'Patient') return undefined;
  const { dateTime } = consent;
  const given = typeof dateTime === 'string' ? spanOf(dateTime)?.from : undefined;
  return {
    owner: version.owner,
    patient: patient.id,
    given: given ?? version.updated,
    updated: version.updated,
    root: rootOf(consent, reading),
  };
}

/** R4 leaves the type of a root to the policy; who has opted out permits nothing beyond what the root permits. */
function rootOf(consent: Resource, reading: Reading): Provision {
  const root = readProvision((consent.provision ?? {}) as Element, reading);
  const policy = policyOf(consent);
  if (root.type === undefined) return { ...root, type: policy };
  return policy === 'deny' ? { ...readProvision({}, reading), type: 'deny', exceptions: [root] } : root;
}

/** TABLE: code of a policy -> what it says of everything. (v3-ActCode) */
const POLICIES: Record<string, 'permit' | 'deny'> = {
  OPTIN: 'permit',
  OPTINR: 'permit',
  OPTOUT: 'deny',
  OPTOUTE: 'deny',
};

export function policyOf({ policyRule }: Resource): 'permit' | 'deny' | undefined {
  const { coding = [] } = (policyRule ?? {}) as CodeableConcept;
  const said = coding.flatMap(({ code = '' }) => (Object.hasOwn(POLICIES, code) ? [POLICIES[code]] : []));
  return said.includes('deny') ? 'deny' : said[0];
}

function readProvision(provision: Element, reading: Reading): Provision {
  const { period } = provision;
  const { start, end } = (period ?? {}) as { start?: string; end?: string };
  const actors = actorsIn(provision, reading);
  const classes = known(list(provision.class) as Coding[] | undefined, (coding) => typeIn(coding, reading));
  const labels = known(
    list(provision.securityLabel) as Coding[] | undefined,
    ({ code, system }) => code && { code, system },
  );
  const purposes = known(list(provision.purpose) as Coding[] | undefined, ({ code }) => code);
  return {
    type: provision.type === 'permit' || provision.type === 'deny' ? provision.type : undefined,
    actors,
    classes: classes?.all,
    labels: labels?.all,
    purposes: purposes?.all,
    from: start === undefined ? firstInstant : (spanOf(start)?.from ?? firstInstant),
    until: end === undefined ? lastInstant + 1 : (spanOf(end)?.to ?? lastInstant) + 1,
    vague:
      actors?.others === true ||
      [classes, labels, purposes].some((part) => part !== undefined && part.all === undefined) ||
      vaguePartsOf(provision).length > 0,
    exceptions: ((list(provision.provision) as Element[] | undefined) ?? []).map((one) => readProvision(one, reading)),
  };
}

function actorsIn({ actor }: Element, { actorsOf }: Reading): Actors | undefined {
  const actors = (list(actor) as Element[] | undefined)?.map(({ reference }) => actorsOf(reference));
  return actors && joined(actors);
}

/** Where one of a list is unknown, the list is as if it were not there: that refuses more, and permits nothing. */
function known<T, R extends object | string>(
  some: readonly T[] | undefined,
  read: (one: T) => R | '' | undefined,
): { all: R[] | undefined } | undefined {
  if (some === undefined) return undefined;
  const all = some.flatMap((one) => {
    const said = read(one);
    return said === undefined || said === '' ? [] : [said];
  });
  return { all: all.length < some.length ? undefined : all };
}

export const typeIn = ({ code, system }: Coding, { isType }: Pick<Reading, 'isType'>): string | undefined =>
  code !== undefined && isType(code) && (system === undefined || TYPE_SYSTEMS.has(system)) ? code : undefined;

const TYPE_SYSTEMS: ReadonlySet<string> = new Set([
  'http://hl7.org/fhir/resource-types',
  'http://hl7.org/fhir/fhir-types',
]);

/** The elements of a provision that narrow it by what no access here depends on. */
export function vaguePartsOf(provision: Element): string[] {
  const parts = ['code', 'data', 'dataPeriod'].filter((name) => provision[name] !== undefined);
  const actions = (list(provision.action) as CodeableConcept[] | undefined) ?? [];
  const isReading = actions.some(({ coding = [] }) => coding.some(({ code = '' }) => READING.has(code)));
  return actions.length > 0 && !isReading ? ['action', ...parts] : parts;
}

/** Codes of consentaction that seeing a resource is one of. */
const READING: ReadonlySet<string> = new Set(['access', 'use', 'disclose']);

/** Undefined for what is not there; R4 has no empty lists. */
export const list = (value: unknown): unknown[] | undefined => (Array.isArray(value) ? value : undefined);
