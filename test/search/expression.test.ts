/** Expressions of search parameters become walkers; FHIRPath itself (fhirpath.js) is the oracle. */
import { readdirSync, readFileSync } from 'node:fs';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { referencedType } from '../../src/fhir/reference.js';
import { compileExpression, compileWithin } from '../../src/search/expression/index.js';
import { collect } from '../../src/search/expression/walk.js';
import { createRegistry } from '../../src/search/registry.js';
import { searchTypeOf } from '../../src/search/types/index.js';

const definitions = loadDefinitions();

const folder = new URL('../data/microsoft-fhir-server/', import.meta.url);
const samples: [name: string, resource: any][] = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && !name.endsWith('.indexes.json'))
  .map((name): [string, any] => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8').replace(/^\uFEFF/, ''))])
  .filter(([, resource]) => definitions.resourceTypes.includes(resource.resourceType));

const all = definitions.resourceTypes.flatMap((type) =>
  [...definitions.searchParameters(type).values()].map((parameter) => ({ type, parameter })),
);

test('every expression of R4 compiles for every type it is about, to at least one path', () => {
  const compiled = all.filter(({ parameter }) => parameter.expression !== undefined);
  expect(compiled.length).toBeGreaterThan(2000);
  const empty = compiled.filter(
    ({ type, parameter }) => compileExpression(definitions, type, parameter.expression!).length === 0,
  );
  expect(empty).toEqual([]);
});

test('only the parameters that search everything, and those that are parts of others, have no expression', () => {
  const without = all.filter(({ parameter }) => parameter.expression === undefined);
  const isPart = new Set(['date', 'number', 'quantity', 'string', 'token'].map((type) => `answer-value-${type}`));
  isPart.add('link-id');
  const codes = [...new Set(without.map(({ parameter }) => parameter.code))].filter((code) => !isPart.has(code));
  expect(codes.sort()).toEqual(['_content', '_query', '_text']);
});

test('what a served parameter leaves unread has no search value', () => {
  const unread = new Set<string>();
  for (const { type, parameter } of all) {
    const readers = searchTypeOf(parameter.type)?.readers;
    // What a composite reads, its components say; see below.
    if (readers === undefined || parameter.type === 'composite' || parameter.expression === undefined) continue;
    for (const leaf of compileExpression(definitions, type, parameter.expression)) {
      if (readers[leaf.type] === undefined) unread.add(`${type}.${parameter.code}: ${leaf.type}`);
    }
  }
  expect([...unread].sort()).toEqual([
    // A whole resource is not a reference.
    'Bundle.composition: Resource',
    'Bundle.message: Resource',
    // Free text and ages are no dates.
    'CarePlan.activity-date: string',
    'Consent.source-reference: Attachment',
    'Immunization.date: string',
    // Sampled data are many values.
    'Observation.combo-value-quantity: SampledData',
    'Observation.component-value-quantity: SampledData',
    'Observation.value-quantity: SampledData',
    'Procedure.date: Age',
    'Procedure.date: Range',
    'Procedure.date: string',
  ]);
});

test.each([
  [
    'Patient',
    "Patient.telecom.where(system='phone').value",
    ['string'],
    {
      telecom: [
        { system: 'phone', value: '1' },
        { system: 'email', value: '2' },
      ],
    },
    ['1'],
  ],
  ['Observation', 'Observation.value as Quantity', ['Quantity'], { valueQuantity: { value: 1 } }, [{ value: 1 }]],
  [
    'Observation',
    '(Observation.value as CodeableConcept).text',
    ['string'],
    { valueCodeableConcept: { text: 'a' } },
    ['a'],
  ],
  ['Patient', 'Patient.deceased.exists() and Patient.deceased != false', ['boolean'], {}, [false]],
  [
    'Patient',
    'Patient.deceased.exists() and Patient.deceased != false',
    ['boolean'],
    { deceasedBoolean: false },
    [false],
  ],
  [
    'Patient',
    'Patient.deceased.exists() and Patient.deceased != false',
    ['boolean'],
    { deceasedDateTime: '2020' },
    [true],
  ],
  [
    'Bundle',
    'Bundle.entry[0].resource',
    ['Resource'],
    { entry: [{ resource: { id: 'a' } }, { resource: { id: 'b' } }] },
    [{ id: 'a' }],
  ],
  [
    'Bundle',
    'Bundle.entry.resource.ofType(Patient).birthDate',
    ['date'],
    {
      entry: [
        { resource: { resourceType: 'Patient', birthDate: '2000' } },
        { resource: { resourceType: 'Person', birthDate: '2001' } },
      ],
    },
    ['2000'],
  ],
  [
    'Patient',
    "Patient.extension('http://x').value.ofType(boolean)",
    ['boolean'],
    {
      extension: [
        { url: 'http://x', valueBoolean: true },
        { url: 'http://y', valueBoolean: false },
      ],
    },
    [true],
  ],
  [
    'Patient',
    "Patient.contact.where(hasExtension('http://x')).gender",
    ['code'],
    { contact: [{ gender: 'male' }, { gender: 'other', extension: [{ url: 'http://x' }] }] },
    ['other'],
  ],
  [
    'Task',
    'Task.for.where(resolve() is Patient)',
    ['Reference'],
    { for: { reference: 'http://x/fhir/Patient/1' } },
    [{ reference: 'http://x/fhir/Patient/1' }],
  ],
  ['Task', 'Task.for.where(resolve() is Patient)', ['Reference'], { for: { reference: 'Group/1' } }, []],
  [
    'Task',
    'Task.for.where(resolve() is Patient)',
    ['Reference'],
    { for: { type: 'Patient', identifier: {} } },
    [{ type: 'Patient', identifier: {} }],
  ],
  [
    'Questionnaire',
    'Questionnaire.item.item.linkId',
    ['string'],
    { item: [{ linkId: 'a', item: [{ linkId: 'b' }] }] },
    ['b'],
  ],
  [
    'Questionnaire',
    'Questionnaire.repeat(item).linkId',
    ['string'],
    { item: [{ linkId: 'a', item: [{ linkId: 'b', item: [{ linkId: 'c' }] }] }, { linkId: 'd' }] },
    ['a', 'b', 'c', 'd'],
  ],
  [
    'QuestionnaireResponse',
    'QuestionnaireResponse.repeat(item | answer.item).linkId',
    ['string'],
    { item: [{ linkId: 'a', answer: [{ item: [{ linkId: 'b', item: [{ linkId: 'c' }] }] }, {}] }, null, 1] },
    ['a', 'b', 'c'],
  ],
  [
    'Patient',
    'Patient.repeat(maritalStatus | coding | extension).id',
    ['string', 'string', 'string'],
    { maritalStatus: { id: 'a', coding: [{ id: 'b', extension: [{ id: 'c' }] }] }, extension: [{ id: 'd' }] },
    ['a', 'b', 'c', 'd'],
  ],
  ['Patient', 'Patient.name.given', ['string'], { name: [{ given: ['a', null, 'b'] }] }, ['a', 'b']],
  ['Patient', "Patient.gender = 'male' or Patient.active.not()", ['boolean'], { active: false }, [true]],
  ['Patient', 'Patient.name.empty()', ['boolean'], {}, [true]],
  ['Patient', 'Person.name', [], { name: [{ text: 'a' }] }, []],
] as [string, string, string[], object, unknown[]][])('%s: %s', (type, expression, types, resource, found) => {
  const leaves = compileExpression(definitions, type, expression);
  expect(leaves.map((leaf) => leaf.type)).toEqual(types);
  expect(collect(leaves, { resourceType: type, ...resource })).toEqual(found);
});

test.each([
  ['Patient.nam', "No element 'nam'"],
  ['Patient.repeat(name | perod)', "No element 'perod'"],
  ['Patient.repeat()', 'repeat() needs a projection'],
  ['Patient.name.matches(1)', 'matches() is not understood'],
  ['Patient.name.(', "'(' stands where a name should"],
  ['Patient.name where', "'where' is unexpected"],
  ['Patient.name.where(given', 'do not end'],
  ['Patient.name %', 'not understood'],
  ['', 'ends too early'],
])('"%s" is refused when it is compiled, not when a resource is indexed', (expression, why) => {
  expect(() => compileExpression(definitions, 'Patient', expression)).toThrow(why);
});

test('every composite is served, with all of its parts', () => {
  const registry = createRegistry(definitions);
  const composites = all.filter(({ parameter }) => parameter.type === 'composite');
  expect(composites.length).toBeGreaterThan(60);
  for (const { type, parameter } of composites) {
    expect([type, registry.get(type, parameter.code)?.components?.length]).toEqual([
      type,
      parameter.components?.length,
    ]);
  }
});

const SERVED = new Set(['token', 'string', 'date', 'uri', 'reference', 'number', 'quantity', 'composite']);
const RESOLVES = /\.where\(resolve\(\) is ([A-Za-z]+)\)/;

/** A union's parts; one inside parentheses is a part of something else. */
const alternatives = (expression: string): string[] => expression.split(/ \| (?![^(]*\))/);

/** What FHIRPath finds: search parameters ask for collections and for no other server, so they are put in its terms. */
function oracle(expression: string, resource: any): unknown[] {
  const parts = expression.includes(' and ') ? [expression] : alternatives(expression);
  return parts.flatMap((part) => {
    const type = RESOLVES.exec(part)?.[1];
    const rewritten = part
      .replace(RESOLVES, '')
      .replace(/\(([^()]+) as ([A-Za-z]+)\)/g, '$1.ofType($2)')
      .replace(/^([^()]+) as ([A-Za-z]+)$/, '$1.ofType($2)')
      .replace(/\.as\(/g, '.ofType(');
    const found: any[] = fhirpath.evaluate(resource, rewritten, {}, r4, { async: false });
    return type === undefined ? found : found.filter((one) => referencedType(one) === type);
  });
}

const asSet = (values: unknown[]): string[] => [...new Set(values.map((value) => JSON.stringify(value)))].sort();

test('the walkers find what FHIRPath finds, in every sample resource', () => {
  expect(samples.length).toBeGreaterThan(100);
  let found = 0;
  const differences: object[] = [];
  for (const [name, resource] of samples) {
    for (const { code, type, expression } of definitions.searchParameters(resource.resourceType).values()) {
      if (!SERVED.has(type) || expression === undefined) continue;
      const ours = asSet(collect(compileExpression(definitions, resource.resourceType, expression), resource));
      const theirs = asSet(oracle(expression, resource));
      found += ours.length;
      if (ours.join() !== theirs.join()) differences.push({ name, code, expression, ours, theirs });
    }
  }
  expect(differences).toEqual([]);
  expect(found).toBeGreaterThan(1000);
}, 120_000);

/** A bundle of samples has more observations with components than the samples themselves. */
const observations = [...samples, ...inBundles()].filter(([, { resourceType }]) => resourceType === 'Observation');

function inBundles(): [string, any][] {
  return samples.flatMap(([name, { entry = [] }]) =>
    entry.flatMap(({ resource }: any): [string, any][] => (resource === undefined ? [] : [[name, resource]])),
  );
}

test('the components of composites find what FHIRPath finds', () => {
  let found = 0;
  const parts = [...samples, ...observations].flatMap(([name, resource]) =>
    [...definitions.searchParameters(resource.resourceType).values()].flatMap(({ code, expression, components = [] }) =>
      components.map((component) => ({ name, resource, code, whole: expression!, part: component.expression })),
    ),
  );
  for (const { name, resource, code, whole, part } of parts) {
    if (part.startsWith('%resource') || part.includes('DateTime')) continue;
    const leaves = compileExpression(definitions, resource.resourceType, whole).flatMap((leaf) =>
      compileWithin(definitions, leaf, part).map(({ type, steps }) => ({ type, steps: [...leaf.steps, ...steps] })),
    );
    const each = alternatives(whole).flatMap((one) => alternatives(part).map((inner) => `${one}.${inner}`));
    const ours = asSet(collect(leaves, resource));
    found += ours.length;
    expect([name, code, part, ours]).toEqual([name, code, part, asSet(oracle(each.join(' | '), resource))]);
  }
  expect(found).toBeGreaterThan(30);
}, 120_000);
