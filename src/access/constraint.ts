/**
 * What a caller may see of each type, for each purpose: the organizations, and the condition that a resource must meet.
 * It is role and token together: what the policy allows the role, narrowed by the scopes that were granted, each within
 * its own context. Whatever cannot be understood allows nothing.
 */
import { FhirError, failure } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import { lower } from '../search/lower.js';
import { parseSearch } from '../search/parse.js';
import { everything, type Plan } from '../search/plan.js';
import type { SearchRegistry } from '../search/registry.js';
import { both, isEverything, type Seen } from '../search/restrict.js';
import { inCompartment } from './compartment.js';
import { allows, BOUND_TO_PATIENT, INTERACTIONS, kindOf, OPERATIONS, type Kind } from './policy.js';
import { EVERYBODY, HOME, type Grant, type Principal } from './principal.js';
import { noTerms, openInEmergency, refusedOf, without, type Terms } from './terms.js';
import { scopesFor, type Context, type Letter, type ResourceScope } from './scopes.js';

/**
 * TABLE: purpose -> the letters of which one must allow it. What is included in a page could be read or found by itself.
 * What is referred to only must not be out of the caller's reach: a client may write an Observation of a Patient whom it
 * was not allowed to read.
 */
const PURPOSES = {
  read: ['r'],
  search: ['s'],
  include: ['r', 's'],
  create: ['c'],
  update: ['u'],
  delete: ['d'],
  refer: [],
} as const satisfies Record<string, readonly Letter[]>;

/** What an emergency is for. */
const READING: ReadonlySet<string> = new Set(['read', 'search', 'include']);
const emergenciesFor = (purpose: string, { emergencies }: Terms) => (READING.has(purpose) ? emergencies : []);

export type Purpose = keyof typeof PURPOSES;

/** What one caller may see for one purpose. */
export interface Sight {
  /** The organizations whose resources are seen without any condition; undefined where there are conditions. */
  whole: string[] | undefined;
  /** In whose name what others have opened is seen beside them; undefined where that is not for this purpose. */
  opens: (type: ResourceType) => readonly string[] | undefined;
  /** The organizations of whose resources something may be seen. */
  owners: readonly string[];
  /** Undefined when nothing of this type is. */
  of: (type: ResourceType) => Seen | undefined;
  /** Whether something of any type is. */
  some: () => boolean;
  /** Why nothing of this type is; `*`: of any. */
  refusal: (type: ResourceType) => FhirError;
}

export interface Access {
  /** @param terms what is true of the caller at this moment; none where that is not asked, as before any store is */
  sight(principal: Principal, purpose: Purpose, terms?: Terms): Sight;
  /** Throws 403 when the caller may do this with no resource of the type; before any store is asked. */
  demand(principal: Principal, interaction: string, type: ResourceType): void;
  /** Throws 403 when the caller's role may not call the operation. */
  demandOperation(principal: Principal, name: string): void;
}

export function createAccess(registry: SearchRegistry, base: string): Access {
  const compartment = new Set(registry.definitions.compartments.get('Patient')?.keys());
  const sights = new WeakMap<Principal, { terms: Terms; byPurpose: Map<Purpose, Sight> }>();
  const conditions = new Map<string, Plan | undefined>();

  function sight(principal: Principal, purpose: Purpose, terms = noTerms): Sight {
    const there = sights.get(principal);
    const known = there?.terms === terms ? there : { terms, byPurpose: new Map<Purpose, Sight>() };
    sights.set(principal, known);
    const found = known.byPurpose.get(purpose) ?? sightOf(principal, purpose, terms);
    known.byPurpose.set(purpose, found);
    return found;
  }

  function sightOf(principal: Principal, purpose: Purpose, terms: Terms): Sight {
    const { grant, owners } = principal;
    const refusal = (type: ResourceType) => refused(principal, PURPOSES[purpose], type);
    const names = opensTo(principal);
    const opens = (type: ResourceType) => (isForOpened(purpose, type) ? names : undefined);
    if (grant === undefined) {
      const whole = [...owners];
      return { whole, opens, owners, of: () => ({ owners: whole, where: everything }), some: () => true, refusal };
    }
    const types = new Map<ResourceType, Seen | undefined>();
    const of = (type: ResourceType): Seen | undefined => {
      if (!types.has(type)) types.set(type, seenBy(principal, grant, { purpose, terms }, type));
      return types.get(type);
    };
    return {
      whole: undefined,
      opens,
      owners: [...new Set([...owners, ...emergenciesFor(purpose, terms).map(({ owner }) => owner)])],
      of,
      some: () => registry.resourceTypes.some((type) => of(type) !== undefined),
      refusal,
    };
  }

  function seenBy(
    principal: Principal,
    grant: Grant,
    { purpose, terms }: { purpose: Purpose; terms: Terms },
    type: ResourceType,
  ): Seen | undefined {
    const kind = kindOf(type, compartment);
    if (kind === undefined) return undefined;
    const letters: readonly Letter[] = PURPOSES[purpose];
    const ways =
      purpose === 'refer'
        ? [...new Set(grant.scopes.resources.map(({ context }) => context))].map((context) =>
            ofContext(principal, grant, context, kind, type),
          )
        : letters
            .filter((letter) => allows(principal, kind, letter))
            .flatMap((letter) => scopesFor(grant.scopes, type, letter))
            .map((scope) => ofScope(principal, grant, scope, kind, type));
    const where = oneOf(ways.filter((plan): plan is Plan => plan !== undefined));
    if (where === undefined) return undefined;
    const owners = ownersOf(principal, purpose, kind);
    const own = without(where, refusedOf(terms, principal, purpose, kind, type));
    const emergencies = emergenciesFor(purpose, terms);
    if (emergencies.length === 0) return { owners, where: own };
    const others = openInEmergency(terms, type, registry);
    const names = isForOpened(purpose, type) ? opensTo(principal) : undefined;
    const opened = names === undefined ? {} : { opened: { to: names, at: terms.at } };
    const of = [both({ node: 'owned', by: owners, ...opened }, own), ...others.map((one) => both(one, where))];
    const theirs = others.length === 0 ? [] : emergencies.map(({ owner }) => owner);
    return { owners: [...new Set([...owners, ...theirs])], where: { node: 'any', of } };
  }

  function ofScope(principal: Principal, grant: Grant, scope: ResourceScope, kind: Kind, type: ResourceType) {
    const within = ofContext(principal, grant, scope.context, kind, type);
    if (within === undefined || scope.query === '') return within;
    const condition = conditionOf(type, scope.query);
    return condition === undefined ? undefined : joined(within, condition);
  }

  /** Each context is for its own kind of caller, so that a token with several means what each says. */
  function ofContext({ role }: Principal, grant: Grant, context: Context, kind: Kind, type: ResourceType) {
    const own = BOUND_TO_PATIENT.has(role) ? ofPatient(patientOf(grant), kind, type) : everything;
    const asked =
      context === 'patient'
        ? ofPatient(grant.patient, kind, type)
        : (context === 'user') === (grant.user !== undefined)
          ? everything
          : undefined;
    return own === undefined || asked === undefined ? undefined : joined(own, asked);
  }

  /** What is about no patient is there for all of them; what tells of several is not. */
  function ofPatient(patient: string | undefined, kind: Kind, type: ResourceType): Plan | undefined {
    if (kind === 'directory' || kind === 'definition') return everything;
    if (patient === undefined || !OF_PATIENTS.has(kind)) return undefined;
    return inCompartment(patient, type, registry);
  }

  /** A granular scope's condition; undefined when it is none that is served, and then it grants nothing. */
  function conditionOf(type: ResourceType, query: string): Plan | undefined {
    const key = `${type}?${query}`;
    if (conditions.has(key)) return conditions.get(key);
    if (conditions.size >= CONDITIONS) conditions.clear();
    conditions.set(key, readCondition(type, query));
    return conditions.get(key);
  }

  function readCondition(type: ResourceType, query: string): Plan | undefined {
    try {
      const search = parseSearch(query, [type], registry, { lenient: false, base, now: 0 });
      return search.conditions.length === query.split('&').length ? lower(search) : undefined;
    } catch (error) {
      if (error instanceof FhirError) return undefined;
      throw error;
    }
  }

  function refused(principal: Principal, letters: readonly Letter[], type: ResourceType): FhirError {
    const { role, grant } = principal;
    const kind = kindOf(type, compartment);
    const doing = letters.map((letter) => VERBS[letter]).join(' or ');
    const named = type === '*' ? 'anything' : type;
    if (type !== '*' && (kind === undefined || !letters.some((letter) => allows(principal, kind, letter)))) {
      return failure('forbidden', `The role ${role} may not ${doing} ${named}. Nothing was done.`);
    }
    const [first] = grant?.scopes.resources ?? [];
    const context = first?.context ?? (grant?.user === undefined ? 'system' : 'user');
    const scope = `${context}/${type}.${letters[0] ?? 'r'}`;
    const say = `This token's scopes do not allow to ${doing} ${named}. Ask for ${scope}.`;
    return failure('forbidden', say, undefined, {
      'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
    });
  }

  return {
    sight,
    demand(principal, interaction, type) {
      const letter = Object.hasOwn(INTERACTIONS, interaction) ? INTERACTIONS[interaction] : undefined;
      if (letter === null || principal.grant === undefined) return;
      if (letter === undefined) throw failure('forbidden', `${interaction} has no policy.`);
      const purpose = PURPOSE_OF[letter];
      if (sight(principal, purpose).of(type) === undefined) throw refused(principal, [letter], type);
    },
    demandOperation({ role }, name) {
      const roles = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : [];
      if (roles === 'any' || roles?.includes(role) === true) return;
      throw failure('forbidden', `The role ${role} may not call ${name}. Nothing was done.`);
    },
  };
}

/** Kinds of which a patient's compartment says whose they are. */
const OF_PATIENTS: ReadonlySet<Kind> = new Set<Kind>(['care', 'submission', 'consent', 'audit']);

/** Conditions of granular scopes that are kept understood. */
const CONDITIONS = 1000;

const PURPOSE_OF: Record<Letter, Purpose> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };
const VERBS: Record<Letter, string> = { c: 'create', r: 'read', u: 'change', d: 'delete', s: 'search' };

/** What comes with the server is everybody's to read; what is written is the caller's own organization's. */
function ownersOf({ owner, owners }: Principal, purpose: Purpose, kind: Kind): string[] {
  if (purpose === 'create' || purpose === 'update' || purpose === 'delete') return [owner];
  return [...new Set(kind === 'definition' ? [...owners, HOME] : owners)];
}

/** An auditor sees no case of others, only whom there is. (docs/sharing.md) */
function opensTo({ grant, opened, owner, role }: Principal): readonly string[] | undefined {
  if (grant === undefined) return opened;
  return role === 'auditor' ? [EVERYBODY] : [owner, EVERYBODY];
}

/** What is open may be read and referred to, and stays its owner's; only of a Task the asked one takes its steps. */
const isForOpened = (purpose: Purpose, type: ResourceType): boolean =>
  purpose === 'update' ? type === 'Task' : purpose !== 'create' && purpose !== 'delete';

/** The patient whom a patient's or a related person's account is about. */
function patientOf({ fhirUser, patient }: Grant): string | undefined {
  return fhirUser?.startsWith('Patient/') === true ? fhirUser.slice('Patient/'.length) : patient;
}

/** Both of them; once where they are the same. */
const joined = (one: Plan, other: Plan): Plan =>
  JSON.stringify(one) === JSON.stringify(other) ? one : both(one, other);

/** One of these at least; undefined when there is none. */
function oneOf(plans: Plan[]): Plan | undefined {
  if (plans.some(isEverything)) return everything;
  const different = [...new Map(plans.map((plan) => [JSON.stringify(plan), plan])).values()];
  const [only] = different;
  return only === undefined || different.length === 1 ? only : { node: 'any', of: different };
}
