/** The CapabilityStatement, computed from the tables that route, validate and search; it cannot promise anything else. */
import type { Definitions } from '../../fhir/definitions.js';
import type { ResourceType } from '../../fhir/types.js';
import type { SearchRegistry } from '../../search/registry.js';
import { routes } from './routes.js';

export interface CapabilityParts {
  definitions: Definitions;
  registry: SearchRegistry;
  base: string;
  /** When this server was started, as an instant. */
  date: string;
  conditionalDelete: 'single' | 'multiple';
  /** References to resources of this server must lead somewhere. */
  enforced: boolean;
  /** AuditEvents are the audit trail: they are read and searched. */
  audited: boolean;
  /** Where to get a token; undefined in open mode. */
  oauthUris?: { url: string; valueUri: string }[];
}

/** Made once, at the first request. */
export function capabilityStatement(parts: CapabilityParts): () => string {
  let text: string | undefined;
  return () => (text ??= JSON.stringify(statement(parts)));
}

function statement(parts: CapabilityParts) {
  const { definitions, registry, base, date, conditionalDelete, enforced, audited, oauthUris } = parts;
  const interactions = [...new Set(routes.map((route) => route.interaction))];
  const isOnSystem = (code: string) => code.endsWith('-system') || code === 'transaction';
  const onSystem = [...interactions.filter(isOnSystem), 'batch'];
  const onType = interactions.filter((code) => !isOnSystem(code) && code !== 'capabilities' && code !== 'operation');
  const isTrail = (type: ResourceType): boolean => audited && type === 'AuditEvent';
  const referrers = referrersOf(
    definitions.resourceTypes.filter((type) => !isTrail(type)),
    registry,
  );
  const ofResources = {
    interaction: onType.map((code) => ({ code })),
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: true,
    conditionalDelete,
  };
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    software: { name: 'Afferent' },
    implementation: { description: 'A FHIR R4 server for store-and-forward telehealth', url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/json'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    rest: [
      {
        mode: 'server',
        documentation:
          oauthUris === undefined
            ? 'Open mode: no authorization, on a loopback address only; the caller is the operator.'
            : 'SMART App Launch 2.2: every request brings a bearer token, but for this one and .well-known.',
        ...(oauthUris === undefined ? {} : { security: securityOf(oauthUris) }),
        resource: definitions.resourceTypes.map((type) => ({
          type,
          ...(isTrail(type) ? ofTrail : ofResources),
          operation: [...onEveryType, ...(operations[type] ?? [])],
          referencePolicy: ['literal', 'logical', 'local', ...(enforced ? ['enforced'] : [])],
          // R4 allows no empty arrays.
          searchInclude: orNothing(referencesOf(type, registry).map((code) => `${type}:${code}`)),
          searchRevInclude: referrers.get(type),
          searchParam: registry.list(type).map(({ code, type: kind, url }) => ({
            name: code,
            definition: url,
            type: kind,
          })),
        })),
        interaction: onSystem.map((code) => ({ code })),
        compartment: [...definitions.compartments.keys()].map(
          (code) => `http://hl7.org/fhir/CompartmentDefinition/${code.toLowerCase()}`,
        ),
      },
    ],
  };
}

/** What is served of the audit trail: nobody writes it but the server. */
const ofTrail = {
  interaction: ['read', 'vread', 'history-instance', 'search-type'].map((code) => ({ code })),
  versioning: 'versioned',
  readHistory: true,
  updateCreate: false,
  conditionalCreate: false,
  conditionalRead: 'full-support',
  conditionalUpdate: false,
  conditionalDelete: 'not-supported',
};

/** SMART 2 reads `.well-known/smart-configuration`; apps of version 1 look here. */
const securityOf = (oauthUris: { url: string; valueUri: string }[]) => ({
  extension: [{ url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris', extension: oauthUris }],
  cors: true,
  service: [
    {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
          code: 'SMART-on-FHIR',
          display: 'SMART-on-FHIR',
        },
      ],
      text: 'OAuth 2.0 as SMART App Launch 2.2 uses it',
    },
  ],
});

/** TABLE: the operations that are served on every type. */
const onEveryType = [
  { name: 'validate', definition: 'http://afferent.health/fhir/OperationDefinition/resource-validate' },
];

/** TABLE: type -> the operations that are served on it beside those, each with the OperationDefinition that comes with the server. */
const operations: Record<ResourceType, { name: string; definition: string }[]> = {
  Patient: ['purge', 'break-glass', 'break-glass-end'].map((name) => ({
    name,
    definition: `http://afferent.health/fhir/OperationDefinition/patient-${name}`,
  })),
};

const orNothing = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);

const referencesOf = (type: ResourceType, registry: SearchRegistry): string[] =>
  registry
    .list(type)
    .filter((parameter) => parameter.type === 'reference')
    .map((parameter) => parameter.code);

/** Type -> the `_revinclude` values that lead to it. */
function referrersOf(types: readonly ResourceType[], registry: SearchRegistry): Map<ResourceType, string[]> {
  const referrers = new Map<ResourceType, string[]>();
  for (const source of types) {
    for (const parameter of registry.list(source)) {
      if (parameter.type !== 'reference') continue;
      for (const target of parameter.targets) {
        const list = referrers.get(target) ?? [];
        list.push(`${source}:${parameter.code}`);
        referrers.set(target, list);
      }
    }
  }
  return referrers;
}
