/**
 * TABLE: role x kind of resource -> what it may do. A token's scopes narrow this further and never widen it. What is in
 * no row is refused; a resource type, a route or an operation that the tables do not know keeps the server from starting.
 */
import type { Definitions } from '../fhir/definitions.js';
import type { Principal, Role } from './principal.js';
import type { Letter } from './scopes.js';

/**
 * Which types are of one kind, where the policy is concerned. What R4's patient compartment has and no row names is
 * `care`: so a patient's records are whole, and nothing else becomes visible by being forgotten here.
 */
const KINDS = {
  /** What patients send themselves: their answers, photos and messages. */
  submission: types('Binary Communication DocumentReference Media Observation QuestionnaireResponse'),
  /** About patients, by no reference that R4's compartment knows. */
  work: types(`BiologicallyDerivedProduct Bundle Contract Device DeviceMetric EnrollmentResponse GuidanceResponse
    MessageHeader OperationOutcome PaymentNotice PaymentReconciliation ResearchStudy Slot Task VerificationResult`),
  consent: types('Consent'),
  /** Who is the same as whom, and who belongs together: each tells of several patients. */
  people: types('Group Linkage Person'),
  /** Who and what there is to refer to; about no patient. */
  directory: types(`CatalogEntry DeviceDefinition Endpoint HealthcareService InsurancePlan Location Medication
    MedicationKnowledge MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication
    MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
    MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect Organization
    OrganizationAffiliation Practitioner PractitionerRole Substance SubstanceNucleicAcid SubstancePolymer
    SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification`),
  /** What records are made by: forms, codes, profiles. Those that come with the server are everybody's to read. */
  definition: types(`ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition
    ConceptMap EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
    ImplementationGuide Library Measure MessageDefinition NamingSystem ObservationDefinition OperationDefinition
    PlanDefinition Questionnaire ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter
    SpecimenDefinition StructureDefinition StructureMap TerminologyCapabilities TestReport TestScript ValueSet`),
  audit: types('AuditEvent'),
  subscription: types('Subscription'),
} as const;

export type Kind = keyof typeof KINDS | 'care';

/** Letters as scopes have them; `own` of a patient's role are about that patient alone. */
type Allowed = Partial<Record<Kind, string>>;

const READS: Allowed = { directory: 'rs', definition: 'rs' };
const CARES: Allowed = { submission: 'cruds', care: 'cruds', work: 'cruds', consent: 'rs', people: 'rs', ...READS };
const SENDS: Allowed = { submission: 'crus', care: 'rs', consent: 'rs', ...READS };

/** The operator has no row: nobody becomes one over the network, and nothing is refused to whoever has the machine. */
export const POLICY: Record<Exclude<Role, 'operator'>, Allowed> = {
  administrator: {
    ...CARES,
    consent: 'cruds',
    people: 'cruds',
    directory: 'cruds',
    definition: 'cruds',
    subscription: 'cruds',
  },
  coordinator: { ...CARES, consent: 'crus', people: 'crus', directory: 'crus' },
  referrer: CARES,
  specialist: CARES,
  system: { ...CARES, people: 'crus', directory: 'crus', definition: 'crus', subscription: 'cruds' },
  // Who looked at their record is theirs to know.
  patient: { ...SENDS, audit: 'rs' },
  'related-person': SENDS,
  auditor: { audit: 'rs', ...READS },
};

/** Roles that see one patient's compartment, whatever scopes say. */
export const BOUND_TO_PATIENT: ReadonlySet<Role> = new Set<Role>(['patient', 'related-person']);

/** Who may choose ids: with others, it would tell what exists. */
export const IMPORTS: ReadonlySet<Role> = new Set<Role>(['operator', 'administrator']);

/** Who may meet a patient in an emergency. */
const TREATING: readonly Role[] = ['referrer', 'specialist', 'coordinator'];

/**
 * TABLE: operation -> the roles that may call it, or `any` where what it reads and writes is asked of the repository as
 * the caller, and so has its own policy.
 */
export const OPERATIONS: Record<string, readonly Role[] | 'any'> = {
  $purge: ['operator'],
  $validate: 'any',
  '$break-glass': TREATING,
  '$break-glass-end': TREATING,
};

/** TABLE: interaction -> the letter that it needs; null where each entry, or nobody, needs one. (SMART App Launch 2.2) */
export const INTERACTIONS: Record<string, Letter | null> = {
  read: 'r',
  vread: 'r',
  'history-instance': 'r',
  'search-type': 's',
  'search-system': 's',
  'history-type': 's',
  'history-system': 's',
  create: 'c',
  update: 'u',
  patch: 'u',
  delete: 'd',
  capabilities: null,
  transaction: null,
  operation: null,
};

const kindOfType = new Map(
  Object.entries(KINDS).flatMap(([kind, list]) => list.map((type) => [type, kind as Kind] as const)),
);

/** @param compartment the types of R4's patient compartment */
export function kindOf(type: string, compartment: ReadonlySet<string>): Kind | undefined {
  return kindOfType.get(type) ?? (compartment.has(type) ? 'care' : undefined);
}

export const allows = ({ role }: Principal, kind: Kind, letter: Letter): boolean =>
  role === 'operator' || POLICY[role][kind]?.includes(letter) === true;

/** What nobody thought about must not be served. */
export function refuseUnruled(
  routes: readonly { path: string; interaction: string }[],
  { resourceTypes, compartments }: Pick<Definitions, 'resourceTypes' | 'compartments'>,
): void {
  const missing = withoutPolicy(routes, resourceTypes, new Set(compartments.get('Patient')?.keys()));
  if (missing.length > 0) throw new Error(`The server does not start. ${missing.join(' ')} (access/policy.ts)`);
}

/** What has no policy, as sentences; the server does not start with any. */
export function withoutPolicy(
  routes: readonly { path: string; interaction: string }[],
  resourceTypes: readonly string[],
  compartment: ReadonlySet<string>,
): string[] {
  const operations = routes.flatMap(({ path }) => path.split('/').filter((segment) => segment.startsWith('$')));
  return [
    ...routes
      .filter(({ interaction }) => !Object.hasOwn(INTERACTIONS, interaction))
      .map(({ path, interaction }) => `The route "${path}" is of the interaction ${interaction}, which has no policy.`),
    ...operations
      .filter((name) => !Object.hasOwn(OPERATIONS, name))
      .map((name) => `The operation ${name} has no policy.`),
    ...resourceTypes
      .filter((type) => kindOf(type, compartment) === undefined)
      .map((type) => `The resource type ${type} has no policy.`),
  ];
}

function types(names: string): readonly string[] {
  return names.split(/\s+/);
}
