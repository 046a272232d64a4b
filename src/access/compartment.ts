/**
 * What is one patient's, as a condition on each type: R4's CompartmentDefinition, with what it leaves out added by name.
 * Nothing is a member by any other reference: `Observation.focus` or `Patient.link` widen nobody's view.
 * (R4 compartmentdefinition-patient.html)
 */
import { isRange, type Entry, type Plan } from '../search/plan.js';
import type { SearchRegistry } from '../search/registry.js';
import { ofEach } from '../search/restrict.js';
import { SECURITY, SHOWS } from '../search/shown.js';

/** Types that may show a Binary's bytes by the URL of an Attachment. */
export const SHOWING = [
  'Media',
  'DocumentReference',
  'QuestionnaireResponse',
  'DiagnosticReport',
  'Communication',
  'Patient',
];

/** A condition on resources of this type; undefined when none of them is one patient's. */
export function inCompartment(patient: string, type: string, registry: SearchRegistry): Plan | undefined {
  return type === 'Binary' ? ofBinary([patient], registry) : ofAny([patient], type, registry);
}

/**
 * As `inCompartment`, of some patients; and what is about a patient by R4's parameter `patient` alone, such as a Task
 * `for` them, which the compartment leaves out.
 */
export function about(patients: readonly string[], type: string, registry: SearchRegistry): Plan | undefined {
  if (type === 'Binary') return ofBinary(patients, registry);
  const member = ofAny(patients, type, registry);
  if (member !== undefined || registry.get(type, 'patient')?.type !== 'reference') return member;
  return is('patient', patients);
}

/** The ids of the patients whom a resource is about, by the same parameters; of a Binary, those whom it names itself. */
export function patientsIn(type: string, id: string, entries: readonly Entry[], registry: SearchRegistry): string[] {
  if (type === 'Patient') return [id];
  const members = type === 'Binary' ? [SECURITY] : membership(type, registry);
  const params = members.length > 0 ? members : ['patient'];
  const found = entries.flatMap((entry) =>
    !isRange(entry) && params.includes(entry.param) && entry.value.startsWith('Patient/')
      ? [entry.value.slice('Patient/'.length)]
      : [],
  );
  return [...new Set(found)];
}

function ofAny(patients: readonly string[], type: string, registry: SearchRegistry): Plan | undefined {
  if (type === 'Patient') return { node: 'id', ids: [...patients] };
  const of = membership(type, registry).map((param) => is(param, patients));
  const [only] = of;
  if (only === undefined) return undefined;
  return of.length === 1 ? only : { node: 'any', of };
}

const memberships = new WeakMap<SearchRegistry, Map<string, readonly string[]>>();

/** The parameters by which a resource of this type is a member. Asked for every new caller, so it is kept. */
function membership(type: string, registry: SearchRegistry): readonly string[] {
  const known = memberships.get(registry) ?? new Map<string, readonly string[]>();
  memberships.set(registry, known);
  const found = known.get(type);
  if (found !== undefined) return found;
  const members = registry.definitions.compartments.get('Patient')?.get(type) ?? [];
  const params = members.filter((param) => registry.get(type, param)?.type === 'reference');
  const all = [...params, ...narrower(type, params, registry)];
  known.set(type, all);
  return all;
}

/**
 * `patient`, where it is one of the members read more narrowly (`subject` that is a Patient): whoever meets it is a
 * member anyway, and a search by it then asks nothing more (`search/restrict.ts`).
 */
function narrower(type: string, params: readonly string[], registry: SearchRegistry): string[] {
  const own = params.includes('patient') ? undefined : registry.defined(type, 'patient')?.expression;
  const isOne = params.some((param) => {
    const expression = registry.defined(type, param)?.expression;
    return expression !== undefined && own === `${expression}.where(resolve() is Patient)`;
  });
  return isOne && registry.get(type, 'patient')?.type === 'reference' ? ['patient'] : [];
}

/**
 * A Binary follows its `securityContext`; without one, it is whose record shows it. R4's compartment has no Binary.
 * (R4 binary.html#security)
 */
function ofBinary(patients: readonly string[], registry: SearchRegistry): Plan {
  const shown = SHOWING.flatMap((by): Plan[] => {
    const where = ofAny(patients, by, registry);
    return where === undefined ? [] : [{ node: 'pointed', by, param: SHOWS, where }];
  });
  const members = [...(registry.definitions.compartments.get('Patient')?.keys() ?? [])].flatMap((type) => {
    const where = type === 'Patient' ? undefined : ofAny(patients, type, registry);
    return where === undefined ? [] : [{ type, where }];
  });
  const context: Plan = {
    node: 'points',
    param: SECURITY,
    types: members.map(({ type }) => type),
    where: ofEach(members),
  };
  const unsaid: Plan = { node: 'not', of: { node: 'entry', param: SECURITY, test: { kind: 'any' } } };
  return {
    node: 'any',
    of: [is(SECURITY, patients), context, { node: 'all', of: [unsaid, { node: 'any', of: shown }] }],
  };
}

const is = (param: string, patients: readonly string[]): Plan => ({
  node: 'entry',
  param,
  test: { kind: 'text', value: { is: patients.map((patient) => `Patient/${patient}`) } },
});
