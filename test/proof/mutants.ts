/** Ten thousand mutants of resources that others made: every one is found, and no original is refused. */
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { isRefusal } from '../../src/fhir/outcome.js';
import { createValidator } from '../../src/validate/validator.js';
import { validCorpus } from '../support/corpus.js';
import { mutantsOf } from '../support/mutants.js';
import type { Figures, Proof } from './index.js';

export const mutants: Proof = {
  name: 'mutants',
  // A thousand are made in every test run (test/validate/mutants.test.ts).
  rounds: { long: 10_000, short: 0 },
  // No store is asked, so once is enough.
  store: 'sqlite',
  run: (_, rounds) => Promise.resolve(findAll(rounds)),
};

function findAll(count: number): Figures {
  const { validate } = createValidator(loadDefinitions());
  const isRefused = (resource: any): boolean => validate(resource).some(isRefusal);
  const originals = validCorpus(20).filter(({ resource }) => JSON.stringify(resource).length < 40_000);
  const refused = originals.filter(({ resource }) => isRefused(resource)).map(({ name }) => name);
  if (refused.length > 0) throw new Error(`Originals are refused: ${refused.join(', ')}`);
  const figures: Figures = { originals: originals.length };
  figures.types = new Set(originals.map(({ resource }) => resource.resourceType)).size;
  for (const { operator, from, at, resource } of mutantsOf(originals, count, 2026)) {
    if (!isRefused(resource)) throw new Error(`Not found: ${operator}, ${from} at ${at}`);
    figures[operator] = (figures[operator] ?? 0) + 1;
  }
  return figures;
}
