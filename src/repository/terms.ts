/**
 * On which terms a caller sees: the Consents that deny them something, and their emergencies. Looked at when they call,
 * and kept for less than a second; whatever this process writes about either is seen by the next request.
 */
import { patientsIn } from '../access/compartment.js';
import { refusals } from '../access/consent/plan.js';
import { isDenied } from '../access/consent/windows.js';
import type { Agreement } from '../access/consent/consent.js';
import type { Emergency } from '../access/emergency.js';
import type { Grant, Principal } from '../access/principal.js';
import { noTerms, type Terms } from '../access/terms.js';
import { failure } from '../fhir/outcome.js';
import type { Clock, Instant } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import { matches } from '../search/match.js';
import { everything, type Entry } from '../search/plan.js';
import type { SearchRegistry } from '../search/registry.js';
import type { Found, Key, Position, Store, ValueOf, Version } from '../store/port.js';
import { createAgreements, patientOf, tooMany } from './consents/agreements.js';
import { insideOf, someOf, toOf } from './consents/concerned.js';
import { createNamed } from './consents/named.js';
import { createEmergencyRecords, type EmergencyRecords } from './emergency/records.js';
import { asked } from './failures.js';
import { nameOf } from './operations.js';

export interface TermsDesk {
  of(principal: Principal): Promise<Terms>;
  /** Whether the patient's Consents deny this Patient to the caller in an emergency too. */
  denyEmergency(principal: Principal, patient: Found): Promise<boolean>;
  /**
   * Whether patients deny the caller a version of what another organization has opened: an old one may have been about
   * somebody else, or have had other labels, than what is open now.
   */
  denyVersion(principal: Principal, version: Version, entries: readonly Entry[]): Promise<boolean>;
  /** Those of one grant are looked at anew. */
  forget(grant: string): void;
  /** What was written may have changed everybody's. */
  after(changes: readonly Key[]): void;
  emergencies: EmergencyRecords;
}

export interface TermsParts {
  store: Store;
  clock: Clock;
  registry: SearchRegistry;
  base: string;
  /** Whether it is known of whom Consents speak; it is where there is one organization. */
  isJudging?: (() => boolean) | undefined;
}

interface Known {
  terms: Terms;
  until: Instant;
}

export function createTerms({ base, clock, isJudging = () => true, registry, store }: TermsParts): TermsDesk {
  const { agreements } = createAgreements({ store, registry, base });
  const emergencies = createEmergencyRecords(store.vault, clock);
  const named = createNamed(store, clock);
  const known = new Map<string, Known | Promise<Terms>>();
  /** Nothing that was looked at before a change is kept after it. */
  let changed = 0;

  async function look(principal: Principal, grant: Grant): Promise<Terms> {
    const [began, at] = [changed, clock.now()];
    // Glass is broken by who treats: a patient's own grant has no emergencies.
    const isPatients = principal.role === 'patient' || principal.role === 'related-person';
    const [own, none] = await Promise.all([
      isPatients ? [] : emergencies.ofGrant(grant.id),
      named.noneSince(principal, grant),
    ]);
    const settled = (terms: Terms, until: Instant): Terms => {
      if (began === changed) keep(grant.id, { terms, until });
      else known.delete(grant.id);
      return terms;
    };
    if (own.length === 0 && none !== undefined) return settled(noTerms, none + limits.termsTrustMs);
    const people = await peopleOf(grant);
    const found = await agreementsFor(principal, people, own);
    const refused =
      found.length === 0
        ? undefined
        : refusals(found, { organization: principal.owner, people: people.names }, at, registry);
    const terms =
      refused === undefined && own.length === 0
        ? noTerms
        : { at, emergencies: own, ...(refused === undefined ? {} : { refusals: refused }) };
    const ends = own.map(({ until }) => until);
    return settled(terms, Math.min(at + limits.termsTrustMs, refused?.until ?? Infinity, ...ends));
  }

  /** What the caller is in FHIR, the roles that they have, and the teams that they are in. */
  async function peopleOf({ fhirUser }: Pick<Grant, 'fhirUser'>): Promise<{ names: string[]; teams: string[] }> {
    if (fhirUser === undefined) return { names: [], teams: [] };
    // R4: PractitionerRole.practitioner is a Practitioner, and nobody else has a role.
    const roles = fhirUser.startsWith('Practitioner/') ? await namedIn([fhirUser], ROLES) : [];
    const names = [fhirUser, ...roles];
    return { names, teams: await namedIn(names, TEAMS) };
  }

  async function namedIn(names: readonly string[], by: ValueOf): Promise<string[]> {
    const found = await store.having(by, names, limits.rolesOfPerson);
    if (found.length < limits.rolesOfPerson) return found.map(nameOf);
    const say = `${limits.rolesOfPerson} of ${by.type} or more name this person (limit rolesOfPerson)`;
    throw failure('too-costly', `${say}, so that it cannot be told what patients deny them.`);
  }

  /** All Consents of the patients of whom something may be denied to the caller: only together they say what. */
  async function agreementsFor(
    { owner }: Principal,
    { names, teams }: { names: readonly string[]; teams: readonly string[] },
    own: readonly Emergency[],
  ): Promise<Agreement[]> {
    const to = [insideOf(owner), someOf(owner), ...[...names, ...teams].map(toOf)];
    const patients = new Map<string, Set<string>>(own.map(({ owner: at, patient }) => [at, new Set([patient])]));
    for (const { owner: at, patient } of own) patients.get(at)?.add(patient);
    let [after, count]: [{ after?: Position }, number] = [{}, 0];
    do {
      const request = { size: PAGE, bytes: limits.bundleBytes, bare: true, ...after };
      const page = await store.search(['Consent'], everything, [], request, { owners: [], opened: { to, at: 0 } });
      for (const consent of page.items) {
        const patient = patientOf(consent, base);
        const known = patients.get(consent.owner) ?? new Set<string>();
        if (patient !== undefined) patients.set(consent.owner, known.add(patient));
      }
      count += page.items.length;
      if (count > limits.consentsOfCaller) throw tooMany();
      after = page.next === undefined ? {} : { after: page.next };
    } while (after.after !== undefined);
    const found: Agreement[] = [];
    for (const [at, some] of patients) found.push(...(await agreements(at, [...some])));
    return found;
  }

  function keep(id: string, one: Known): void {
    known.delete(id);
    // The oldest go first; which ones does not matter much.
    for (const oldest of known.keys()) {
      if (known.size < limits.tokensKnown) break;
      known.delete(oldest);
    }
    known.set(id, one);
  }

  const desk: TermsDesk = {
    async of(principal) {
      const { grant } = principal;
      if (grant === undefined) return noTerms;
      if (!isJudging()) throw notYet();
      const there = known.get(grant.id);
      if (there instanceof Promise) return there;
      if (there !== undefined && clock.now() < there.until) return there.terms;
      const looking = asked(look(principal, grant));
      known.set(grant.id, looking);
      return looking.catch((error: unknown) => {
        known.delete(grant.id);
        throw error;
      });
    },
    async denyEmergency(principal, patient) {
      const found = await agreements(patient.owner, [patient.id]);
      if (found.length === 0) return false;
      const { names } = await asked(peopleOf(principal.grant ?? {}));
      const caller = { organization: principal.owner, people: names };
      return matches(refusals(found, caller, clock.now(), registry).inEmergency('Patient'), patient, []);
    },
    async denyVersion(principal, { id, owner, type }, entries) {
      const patients = patientsIn(type, id, entries, registry);
      const found = patients.length === 0 ? [] : await agreements(owner, patients);
      if (found.length === 0) return false;
      const { names } = await asked(peopleOf(principal.grant ?? {}));
      const actor = { kind: 'caller', organization: principal.owner, people: names } as const;
      const { emergencies: on } = await desk.of(principal);
      return patients.some((patient) => {
        const own = found.filter((one) => one.patient === patient);
        const emergency = on.some((one) => one.owner === owner && one.patient === patient);
        return isDenied(own, { type, id, entries }, { actor, at: clock.now(), emergency });
      });
    },
    forget(grant) {
      changed += 1;
      known.delete(grant);
    },
    after(changes) {
      if (!changes.some(({ type }) => DECIDING.has(type))) return;
      changed += 1;
      known.clear();
      named.forget();
    },
    emergencies,
  };
  return desk;
}

/**
 * Where roles name who has them, and teams who is in them: the elements by which Consents that name a role or a team are
 * understood, see `access/consent/actors.ts`. What else names a person is not looked at, however much it is.
 */
const ROLES: ValueOf = { type: 'PractitionerRole', param: 'practitioner' };
const TEAMS: ValueOf = { type: 'CareTeam', param: 'participant' };

/** By which it is told whom patients deny what. */
const DECIDING: ReadonlySet<string> = new Set(['Consent', 'PractitionerRole', 'CareTeam']);

const PAGE = 500;

const notYet = () =>
  failure('unavailable', 'What patients deny is being found anew after a change of the server. Try again.', undefined, {
    'Retry-After': '5',
  });
