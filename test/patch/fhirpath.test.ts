/** FHIRPath Patch changes what it names, keeps everything else, and refuses the rest by name. */
import fc from 'fast-check';
import { FhirError } from '../../src/fhir/outcome.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { parseJson, stringify } from '../../src/kit/json.js';
import { applyFhirPathPatch } from '../../src/patch/fhirpath.js';
import { createStructure } from '../../src/validate/structure.js';
import { cpuOf } from '../support/time.js';
import { canonical } from './canonical.js';
import { fhirPathCases, parametersOf, type Row } from './parameters.js';

const definitions = loadDefinitions();
const validate = createStructure(definitions);

const read = (value: object | string): any => parseJson(typeof value === 'string' ? value : JSON.stringify(value), 64);

const patch = (before: object | string, parameters: object | string): Promise<Resource> =>
  applyFhirPathPatch(definitions, read(before), read(parameters));

test.each(fhirPathCases)('$title, and what came in is as it was', async ({ before, operations, ...expected }) => {
  const resource = read(before);
  const parameters = read(parametersOf(operations));
  const outcome = applyFhirPathPatch(definitions, resource, parameters);
  if (expected.after === undefined) {
    await expect(outcome).rejects.toThrow(new RegExp(expected.says));
    await expect(outcome).rejects.toBeInstanceOf(FhirError);
  } else {
    const result = await outcome;
    expect(canonical(result)).toBe(canonical(read(expected.after)));
    expect(validate(result)).toEqual(validate(resource));
  }
  expect(resource).toEqual(before);
  expect(parameters).toEqual(parametersOf(operations));
});

describe('digits', () => {
  const roc = (...numbers: string[]): string =>
    `{"resourceType":"MolecularSequence","coordinateSystem":0,"quality":[{"type":"snp","roc":{"precision":[${numbers.join()}]}}]}`;
  const LIST = 'MolecularSequence.quality[0].roc.precision';

  test.each<[string, string, Row[], string]>([
    [
      'of a list shift with an insert',
      roc('0.10', '0.2', '0.30'),
      [{ type: 'insert', path: LIST, index: 1, value: { valueDecimal: 0.5 } }],
      roc('0.10', '0.5', '0.2', '0.30'),
    ],
    ['and with a delete', roc('0.10', '0.2', '0.30'), [{ type: 'delete', path: `${LIST}[0]` }], roc('0.2', '0.30')],
    [
      'and with a move',
      roc('0.10', '0.2', '0.30'),
      [{ type: 'move', path: LIST, source: 2, destination: 0 }],
      roc('0.30', '0.10', '0.2'),
    ],
    [
      'of a replaced number go with it',
      roc('0.10', '0.20'),
      [{ type: 'replace', path: `${LIST}.where($this = 0.1)`, value: { valueDecimal: 0.1 } }],
      roc('0.1', '0.20'),
    ],
  ])('%s', async (_, before, rows, after) => {
    expect(stringify(await patch(before, parametersOf(rows)))).toBe(after);
  });

  test('come with the value, alone, in a type and in parts', async () => {
    const operation = (name: string, value: string): string =>
      `{"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"Observation"},` +
      `{"name":"name","valueString":"${name}"},{"name":"value",${value}}]}`;
    const parameters = `{"resourceType":"Parameters","parameter":[${[
      operation('value', '"valueQuantity":{"value":5.40}'),
      operation('component', '"part":[{"name":"value","valueQuantity":{"value":1.0}}]'),
      operation('referenceRange', '"part":[{"name":"low","part":[{"name":"value","valueDecimal":2.00}]}]'),
    ].join()}]}`;
    expect(stringify(await patch('{"resourceType":"Observation","status":"final"}', parameters))).toBe(
      '{"resourceType":"Observation","status":"final","valueQuantity":{"value":5.40},' +
        '"component":[{"valueQuantity":{"value":1.0}}],"referenceRange":[{"low":{"value":2.00}}]}',
    );
  });
});

test.each<[object, RegExp]>([
  [{ resourceType: 'Patient' }, /is a Parameters resource/],
  [{ resourceType: 'Parameters', parameter: {} }, /parameter must be an array/],
  [{ resourceType: 'Parameters', parameter: ['x'] }, /parameter\[0\] must be an object/],
  [{ resourceType: 'Parameters', parameter: [{}] }, /parameter\[0\]\.name is missing/],
  [{ resourceType: 'Parameters', parameter: [{ name: 'x', part: [{ name: 'y', valueCode: 'z' }] }] }, /"operation"/],
  [{ resourceType: 'Parameters', parameter: [{ name: 'operation' }] }, /one value\[x\], or parts/],
  [{ resourceType: 'Parameters', parameter: [{ name: 'operation', valueCode: 'x' }] }, /consists of parts/],
  [withParts([{ name: 'type', valueCode: 'add', valueString: 'add' }]), /part\[0\].*one value/],
  [withParts([{ name: 'type', valueSecret: 'add' }]), /valueSecret is no value/],
  [withParts([{ name: 'type', valueInteger: 1 }]), /"type".*must be a string/],
  [withParts([{ name: 'type', valueCode: 'add' }]), /needs a part "path"/],
  [withParts(['type', 'type'].map((name) => ({ name, valueCode: 'add' }))), /two parts "type"/],
  [{ resourceType: 'Parameters', parameter: Array(1001).fill({ name: 'operation' }) }, /1001 operations; at most 1000/],
])('%j is no FHIRPath Patch', async (parameters, reason) => {
  const outcome = patch({ resourceType: 'Patient' }, parameters);
  await expect(outcome).rejects.toThrow(reason);
  await expect(outcome).rejects.toMatchObject({ status: 400 });
});

function withParts(part: object[]): object {
  return { resourceType: 'Parameters', parameter: [{ name: 'operation', part }] };
}

const many = <T>(length: number, one: (index: number) => T): T[] => Array.from({ length }, (_, at) => one(at));
const crowd = { resourceType: 'Patient', name: many(50_000, (at) => ({ family: `F${at}` })) };

test.each<[string, object, Row[]]>([
  [
    'questions to a large resource, over and over',
    crowd,
    many(1000, () => ({ type: 'delete', path: "Patient.name.where(family = 'x' and family = 'y')" })),
  ],
  [
    'a long path that asks everything everything',
    crowd,
    [{ type: 'delete', path: `Patient.name.where(${many(40, () => "family != 'x'").join(' and ')})` }],
  ],
  [
    'a thousand paths that are slow to parse',
    { resourceType: 'Patient' },
    many(1000, (at) => ({
      type: 'delete',
      path: `Patient.${'extension.where(true='.repeat(18)}${at}=1${' and true'.repeat(60)}${')'.repeat(18)}`,
    })),
  ],
])('%s are refused soon', async (_, resource, rows) => {
  const took = await cpuOf(async () => {
    await expect(patch(resource, parametersOf(rows))).rejects.toThrow(/copies, compares or walks/);
  });
  expect(took).toBeLessThan(10_000);
});

test('whatever the path and the value, the patch is refused in words or applied, and changes nothing that came in', async () => {
  const word = fc.constantFrom(
    ...[
      'Patient',
      '.',
      '.',
      'name',
      'given',
      'contact',
      'extension',
      'birthDate',
      'deceased',
      'where(',
      'exists(',
      ')',
    ],
    ...[
      '[',
      '0',
      ']',
      '(',
      "'a'",
      '=',
      ' and ',
      ' is ',
      ' as ',
      'string',
      'first()',
      '`',
      '%',
      '{',
      '$this',
      '-',
      '//',
    ],
    ...['ofType(', 'contained', 'resourceType', '__proto__', 'constructor', 'id', 'value', '@2000', 'x', 'é'],
  );
  const path = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.constantFrom('Patient', 'Patient.name', 'Patient.name[0]', 'Patient.name[0].given', 'birthDate'),
    },
    { weight: 1, arbitrary: fc.array(word, { maxLength: 8 }).map((words) => words.join('')) },
  );
  const value = fc.oneof(
    fc.constantFrom({ valueString: 'x' }, { valueHumanName: { family: 'x' } }, { valueDate: '2000' }, { part: [] }),
    fc.record({ part: fc.array(fc.record({ name: fc.constantFrom('name', 'id', 'x'), valueString: fc.string() })) }),
    fc.dictionary(fc.constantFrom('valueDecimal', '_valueString', 'resource', 'part'), fc.jsonValue()),
  );
  const row = fc.record(
    {
      type: fc.constantFrom('add', 'insert', 'delete', 'replace', 'move'),
      path,
      name: fc.constantFrom('name', 'given', 'birthDate', 'extension', 'id', '__proto__', 'contact', 'x'),
      value,
      index: fc.integer({ min: -1, max: 2 }),
      source: fc.integer({ min: 0, max: 2 }),
      destination: fc.integer({ min: 0, max: 2 }),
    },
    { noNullPrototype: true },
  );
  const NEEDS: Record<string, (keyof Row)[]> = {
    add: ['name', 'value'],
    insert: ['index', 'value'],
    delete: [],
    replace: ['value'],
    move: ['source', 'destination'],
  };
  const fitting = row.map(
    (one): Row =>
      Object.fromEntries(
        (['type', 'path', ...NEEDS[one.type]!] as const).map((part) => [part, one[part]]),
      ) as unknown as Row,
  );
  /** So that what is made by chance also meets what another operation has changed. */
  const sound = fc.constantFrom<Row>(
    { type: 'add', path: 'Patient.name[0]', name: 'given', value: { valueString: 'x', _valueString: { id: 'y' } } },
    { type: 'delete', path: 'Patient.name[0]' },
    { type: 'delete', path: 'Patient.name.given.first()' },
    { type: 'delete', path: 'Patient.name.family' },
    { type: 'move', path: 'Patient.name', source: 0, destination: 1 },
    {
      type: 'replace',
      path: 'Patient.birthDate',
      value: { _valueDate: { extension: [{ url: 'x', valueCode: 'y' }] } },
    },
  );
  const before = {
    resourceType: 'Patient',
    contained: [{ resourceType: 'Basic', id: 'b' }],
    name: [{ given: ['a', 'b'], _given: [null, { id: 'i' }] }, { family: 'f' }],
    birthDate: '2000',
  };
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fitting, sound), { minLength: 1, maxLength: 3 }), async (rows) => {
      const [resource, parameters] = [structuredClone(before), parametersOf(rows)];
      const copy = structuredClone(parameters);
      try {
        const result = await applyFhirPathPatch(definitions, resource, parameters);
        applied += 1;
        expect(JSON.stringify(result)).not.toMatch(/\[\]|\[null(,null)*\]/);
      } catch (error) {
        expect(error).toBeInstanceOf(FhirError);
      }
      expect(resource).toEqual(before);
      expect(parameters).toEqual(copy);
    }),
    { numRuns: 500 },
  );
  expect(applied).toBeGreaterThan(50);
});
