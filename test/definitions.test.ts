/** The committed definitions are R4's, and what is loaded from them is whole. */
import { readFileSync } from 'node:fs';
import { generate } from '../conformance/r4/generate.js';
import { expressionFor } from '../src/fhir/expressions.js';
import { loadDefinitions, type ElementDefinition } from '../src/fhir/definitions.js';
import { cpuOf } from './support/time.js';

const definitions = loadDefinitions();
const { types, resourceTypes } = definitions;

function everyElement(): [path: string, element: ElementDefinition][] {
  const below = (path: string, elements: Readonly<Record<string, ElementDefinition>>): [string, ElementDefinition][] =>
    Object.entries(elements).flatMap(([name, element]) => [
      [`${path}.${name}`, element],
      ...below(`${path}.${name}`, element.elements ?? {}),
    ]);
  return [...types.values()].flatMap(({ name, elements }) => below(name, elements));
}

describe('conformance/r4', () => {
  const generated = generate();
  test.each(Object.keys(generated))('%s is what the generator makes, byte for byte', (name) => {
    expect(readFileSync(`conformance/r4/${name}`, 'utf8') === generated[name]).toBe(true);
  });

  test('holds nothing of its package’s publisher, nor of R5', () => {
    expect(Object.values(generated).join()).not.toMatch(/medplum/i);
    expect(types.has('SubscriptionStatus')).toBe(false);
    expect(types.get('Meta')?.elements).not.toHaveProperty('project');
    expect(types.get('Binary')?.elements).not.toHaveProperty('url');
    expect(types.get('ResearchStudy')?.elements).not.toHaveProperty('whyStopped');
    expect(types.get('EvidenceVariable')?.elements.characteristic).toMatchObject({ min: 1, max: Infinity });
    expect(definitions.searchParameters('ServiceRequest').has('order-detail')).toBe(false);
    expect(definitions.searchParameters('DetectedIssue').has('status')).toBe(false);
  });
});

describe('types', () => {
  test('R4 has 146 concrete resource types; all but Parameters have an endpoint', () => {
    const concrete = [...types.values()].filter(({ kind, abstract }) => kind === 'resource' && !abstract);
    expect(concrete).toHaveLength(146);
    expect(resourceTypes).toHaveLength(145);
    expect(resourceTypes).not.toContain('Parameters');
    expect(resourceTypes).toEqual([...resourceTypes].sort());
  });

  test('every element has types that exist, or refers to an element that does', () => {
    const paths = new Set(everyElement().map(([path]) => path));
    for (const [path, { types: own, contentReference }] of everyElement()) {
      if (contentReference === undefined) expect([path, own.length > 0]).toEqual([path, true]);
      else expect(paths).toContain(contentReference);
      for (const { code, targets } of own) {
        expect(types.has(code)).toBe(true);
        for (const target of targets ?? []) expect([path, target, types.has(target)]).toEqual([path, target, true]);
      }
    }
  });

  test('inherited elements come first, in the order of R4', () => {
    const names = Object.keys(types.get('QuestionnaireResponse')?.elements ?? {});
    expect(names.slice(0, 9).join()).toBe(
      'id,meta,implicitRules,language,text,contained,extension,modifierExtension,identifier',
    );
    expect(types.get('Patient')?.elements.contact?.elements).toHaveProperty('modifierExtension');
    expect(types.get('Age')?.elements).toHaveProperty('comparator');
  });

  test('cardinality, choice, targets, binding, summary and modifier are those of R4', () => {
    const observation = types.get('Observation')?.elements;
    expect(observation?.status).toEqual({
      min: 1,
      max: 1,
      types: [{ code: 'code' }],
      requiredValueSet: 'http://hl7.org/fhir/ValueSet/observation-status',
      summary: true,
      modifier: true,
    });
    expect(observation?.value?.choice).toBe(true);
    expect(observation?.value?.types.map(({ code }) => code)).toContain('SampledData');
    expect(observation?.specimen?.types).toEqual([{ code: 'Reference', targets: ['Specimen'] }]);
    expect(observation?.component?.elements?.referenceRange?.contentReference).toBe('Observation.referenceRange');
    expect(types.get('Patient')?.elements.id?.types).toEqual([{ code: 'id' }]);
    expect(types.get('Quantity')?.elements.comparator).toMatchObject({ max: 1 });
  });

  test('what is loaded cannot be changed', () => {
    expect(() => Object.assign(types.get('Patient')?.elements ?? {}, { name: undefined })).toThrow(TypeError);
  });

  test('loading costs little', async () => {
    expect(await cpuOf(() => loadDefinitions())).toBeLessThan(500);
  });
});

describe('search parameters', () => {
  test('each has an expression about its own type, but for three of R4’s and the parts of our composites', () => {
    const without = new Set<string>();
    for (const type of resourceTypes) {
      for (const { code, expression } of definitions.searchParameters(type).values()) {
        if (expression === undefined) without.add(code);
        else expect(expression).toMatch(new RegExp(`^\\(*(${type}|Resource|DomainResource)\\b`));
      }
    }
    const parts = ['date', 'number', 'quantity', 'string', 'token'].map((type) => `answer-value-${type}`);
    expect([...without].sort()).toEqual(['_content', '_query', '_text', ...parts, 'link-id']);
  });

  test('the project’s own stand among R4’s', () => {
    expect(definitions.searchParameters('ServiceRequest').get('supporting-info')).toMatchObject({
      type: 'reference',
      expression: 'ServiceRequest.supportingInfo',
    });
  });

  test('targets are types that have an endpoint', () => {
    expect(definitions.searchParameters('Observation').get('subject')?.targets).toEqual([
      'Group',
      'Device',
      'Patient',
      'Location',
    ]);
  });

  test.each([
    ['Patient', 'Patient.birthDate | Person.birthDate', 'Patient.birthDate'],
    ['Person', 'Patient.birthDate | Person.birthDate', 'Person.birthDate'],
    ['Group', 'Patient.birthDate | Person.birthDate', undefined],
    ['A', '(A.x as B) | (B.x as A)', '(A.x as B)'],
    ['A', '(A.x | B.x)', 'A.x'],
    ['A', '(A.x | A.y).where(z) | B.x', '(A.x | A.y).where(z)'],
    ['A', "A.x.where(y = '|') | B.x", "A.x.where(y = '|')"],
    ['A', "A.x.where(y = '(') | B.x", "A.x.where(y = '(')"],
    ['A', 'AB.x | A.y', 'A.y'],
    ['A', 'Resource.id', 'Resource.id'],
  ])('%s takes its part of %s', (type, whole, part) => {
    expect(expressionFor([type, 'DomainResource', 'Resource'], whole)).toBe(part);
  });
});

test('compartments name the parameters that make a member, and these exist', () => {
  expect([...definitions.compartments.keys()]).toEqual([
    'Device',
    'Encounter',
    'Patient',
    'Practitioner',
    'RelatedPerson',
  ]);
  expect(definitions.compartments.get('Patient')?.get('Observation')).toEqual(['subject', 'performer']);
  for (const members of definitions.compartments.values()) {
    for (const [type, codes] of members) {
      for (const code of codes) expect(definitions.searchParameters(type).get(code)?.type).toBe('reference');
    }
  }
});

test('operations are those of R4, and say which of them change something', () => {
  expect(definitions.operations).toHaveLength(46);
  const changing = definitions.operations.filter(({ affectsState }) => affectsState).map(({ code }) => code);
  expect(new Set(changing)).toEqual(
    new Set(['submit', 'closure', 'submit-data', 'process-message', 'meta-add', 'meta-delete']),
  );
});

test('value sets of required bindings are listed, but for those of grammars and of LOINC', () => {
  const bound = new Set(everyElement().flatMap(([, { requiredValueSet }]) => requiredValueSet ?? []));
  expect([...bound].filter((url) => !definitions.valueSet(url)).sort()).toEqual([
    'http://hl7.org/fhir/ValueSet/currencies',
    'http://hl7.org/fhir/ValueSet/mimetypes',
    'http://hl7.org/fhir/ValueSet/ucum-units',
    'http://loinc.org/vs/LL379-9',
  ]);
  const gender = definitions.valueSet('http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1');
  expect([...(gender?.codes ?? [])]).toEqual(['male', 'female', 'other', 'unknown']);
  expect([...(gender?.systems.keys() ?? [])]).toEqual(['http://hl7.org/fhir/administrative-gender']);
});
