/** The consult's profile and search parameter that the project ships, and the examples that stand beside them. */
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import type { SearchParameter, StructureDefinition } from 'fhir/r4.js';
import { file, json } from './support/forms.js';

const consultTask: StructureDefinition = json('profiles/afferent-consult-task.json');
const supportingInfo: SearchParameter = json('conformance/SearchParameter-servicerequest-supporting-info.json');

describe('the consult Task profile', () => {
  const elements = consultTask.differential!.element;
  const example = json('profiles/examples/Task-consult-example.json');

  test('constrains Task and says so', () => {
    expect(consultTask.url).toBe(
      `http://afferent.health/fhir/StructureDefinition/${consultTask.id!.replace('-1.0.0', '')}`,
    );
    expect(consultTask).toMatchObject({ version: '1.0.0', status: 'active', name: 'AfferentConsultTask' });
    expect(consultTask).toMatchObject({
      type: 'Task',
      kind: 'resource',
      derivation: 'constraint',
      fhirVersion: '4.0.1',
    });
    expect(consultTask.baseDefinition).toBe('http://hl7.org/fhir/StructureDefinition/Task');
    expect(elements.every(({ id, path }) => id === path && path.split('.')[0] === 'Task')).toBe(true);
    const required = elements.filter(({ min }) => min === 1).map(({ path }) => path.slice('Task.'.length));
    expect(required).toEqual('identifier status intent code focus for authoredOn lastModified requester'.split(' '));
    const supported = elements.filter(({ mustSupport }) => mustSupport).map(({ path }) => path);
    expect(supported).toEqual(expect.arrayContaining(['Task.owner', 'Task.output']));
  });

  test.each(elements.filter(({ path }) => path !== 'Task').map((element) => [element.path, element] as const))(
    'is kept by the example at %s',
    (path, { min = 0, fixedCode, type }) => {
      const found = fhirpath.evaluate(example, path) as any[];
      expect(found.length).toBeGreaterThanOrEqual(min);
      if (fixedCode) expect(found).toEqual([fixedCode]);
      const targets = type?.flatMap(({ targetProfile = [] }) => targetProfile) ?? [];
      if (targets.length > 0) {
        expect(targets).toContain(`http://hl7.org/fhir/StructureDefinition/${found[0].reference.split('/')[0]}`);
      }
    },
  );

  test.each([
    ['consult-1', {}, [true]],
    ['consult-1', { output: [] }, [false]],
    ['consult-2', {}, [true]],
    ['consult-2', { status: 'rejected' }, [false]],
    ['consult-2', { status: 'rejected', statusReason: { text: 'Outside our field' } }, [true]],
  ])('rule %s on the example with %j is %j', (key, change, expected) => {
    const { expression } = elements[0]!.constraint!.find((rule) => rule.key === key)!;
    expect(fhirpath.evaluate({ ...example, ...change }, expression!, undefined, r4)).toEqual(expected);
    expect(example.meta.profile).toEqual([consultTask.url]);
  });
});

test('the search parameter finds orders by what supports them', () => {
  expect(supportingInfo.url).toBe(
    `http://afferent.health/fhir/SearchParameter/${supportingInfo.id!.replace('-1.0.0', '')}`,
  );
  expect(supportingInfo).toMatchObject({
    version: '1.0.0',
    status: 'active',
    description: expect.stringContaining('ServiceRequest.supportingInfo'),
    base: ['ServiceRequest'],
    code: 'supporting-info',
    type: 'reference',
    expression: 'ServiceRequest.supportingInfo',
    multipleOr: true,
    multipleAnd: true,
  });
});

test('the demonstration’s patient is one synthetic Patient with name, address and identifiers', () => {
  const patient = json('test/data/synthea/patient.json');
  expect(patient).toMatchObject({ resourceType: 'Patient', name: expect.any(Array), address: expect.any(Array) });
  expect(patient.identifier.length).toBeGreaterThan(1);
  expect(file('test/data/synthea/README.md')).toContain('Apache License, Version 2.0');
});
