/** What structural validation lets pass and what it refuses, row by row of the specification. */
import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { parseJson } from '../../src/kit/json.js';
import { limits } from '../../src/kit/limits.js';
import { createSchemas } from '../../src/validate/schema.js';
import { createPasses, createStructure } from '../../src/validate/structure.js';
import { createSure } from '../../src/validate/sure.js';
import { validCorpus } from '../support/corpus.js';
import { mutantsOf } from '../support/mutants.js';

interface Row {
  spec: string;
  /** As text where the digits matter, or a name that objects cannot have. */
  resource: object | string;
  /** Absent where the resource is good. */
  at?: string;
  says?: string;
}

const rows = JSON.parse(readFileSync('test/cases/structure.json', 'utf8')) as Row[];
const definitions = loadDefinitions();
const validate = createStructure(definitions);

const read = (resource: object | string): Resource =>
  (typeof resource === 'string' ? parseJson(resource, limits.depth) : resource) as Resource;

const good = rows.filter(({ at }) => at === undefined);
const wrong = rows.filter(({ at }) => at !== undefined);

test.each(good)('$spec passes', ({ resource }) => {
  expect(validate(read(resource))).toEqual([]);
});

test.each(wrong)('$spec is refused with one issue', ({ resource, at, says }) => {
  const issues = validate(read(resource));
  expect(issues).toHaveLength(1);
  expect(issues[0]).toMatchObject({ severity: 'error', expression: [at] });
  expect(issues[0]?.diagnostics).toContain(says);
});

test('what the walk is sure of is what the passes find nothing to say of', () => {
  const schemas = createSchemas(definitions);
  const [sure, passes] = [createSure(definitions, schemas), createPasses(definitions, schemas)];
  const originals = validCorpus(3);
  const all = [
    ...rows.map(({ resource }) => read(resource)),
    ...originals.map(({ resource }) => resource),
    ...mutantsOf(originals, 1000, 10).map(({ resource }) => resource),
  ];
  const trusted = all.filter(sure);
  expect(trusted.filter((resource) => passes(resource).length > 0)).toEqual([]);
  // It is there for the many that are good.
  expect(originals.filter(({ resource }) => sure(resource)).length).toBeGreaterThan(originals.length / 2);
  expect(trusted.length).toBeLessThan(all.length);
});

test('several problems are told at once, each at its place', () => {
  const issues = validate(
    read({
      resourceType: 'Patient',
      gender: 'x',
      birthDate: '2024-02-30',
      name: [{ family: 1 }, { given: ['a', 2] }],
    }),
  );
  expect(issues.map(({ expression }) => expression?.[0])).toEqual([
    'Patient.name[0].family',
    'Patient.name[1].given[1]',
    'Patient.gender',
    'Patient.birthDate',
  ]);
});

test('a required binding whose codes nobody lists is told once, as information', () => {
  const variant = { variantType: { coding: [{ system: 'http://loinc.org', code: 'LA9658-1' }] } };
  const issues = validate(
    read({ resourceType: 'MolecularSequence', coordinateSystem: 0, structureVariant: [variant, variant] }),
  );
  expect(issues).toEqual([
    {
      severity: 'information',
      code: 'informational',
      diagnostics: expect.stringContaining('http://loinc.org/vs/LL379-9'),
      expression: ['MolecularSequence.structureVariant[0].variantType'],
    },
  ]);
});

test('found values are cut, so that an answer is never much longer than its issues', () => {
  const [issue] = validate(read({ resourceType: 'Patient', gender: 'y'.repeat(1000) }));
  expect(issue?.diagnostics).toContain(`"${'y'.repeat(60)}"… (1000 characters)`);
});
