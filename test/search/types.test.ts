/** A search finds what its section of the specification says: extraction, parsing, lowering and matching in one go. */
import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { createExtract } from '../../src/search/extract.js';
import { lower } from '../../src/search/lower.js';
import { matches } from '../../src/search/match.js';
import { parseSearch } from '../../src/search/parse.js';
import { createRegistry } from '../../src/search/registry.js';

interface Row {
  section: string;
  resource: Resource;
  finds: string[];
  misses: string[];
}

const base = 'http://own.example/fhir';
const now = Date.UTC(2026, 10, 22, 12);
const registry = createRegistry(loadDefinitions());
const extract = createExtract(registry, base);

const cases = ['token', 'string', 'date', 'uri', 'reference', 'number', 'quantity', 'composite', 'answers'].flatMap(
  (type) => {
    const file = new URL(`../cases/search/${type}.json`, import.meta.url);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    return rows.flatMap(({ section, resource, finds, misses }) => [
      ...finds.map((query) => ({ type, section, resource, query, verb: 'finds', found: true })),
      ...misses.map((query) => ({ type, section, resource, query, verb: 'misses', found: false })),
    ]);
  },
);

test.each(cases)('$section: $query $verb', ({ resource, query, found }) => {
  const search = parseSearch(query, [resource.resourceType], registry, { lenient: false, base, now });
  const doc = { type: resource.resourceType, id: 'the-id', updated: now, entries: extract(resource) };
  expect(matches(lower(search), doc, [])).toBe(found);
});
