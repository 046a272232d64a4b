/** What a resource is found by; another server's lists of expected values are the oracle where the forms compare. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { loadDefinitions, type SearchParameterDefinition } from '../../src/fhir/definitions.js';
import { limits } from '../../src/kit/limits.js';
import { createExtract } from '../../src/search/extract.js';
import { indexFingerprint } from '../../src/search/fingerprint.js';
import { isRange, type Entry } from '../../src/search/plan.js';
import { createRegistry } from '../../src/search/registry.js';
import { fold } from '../../src/search/types/string.js';

const definitions = loadDefinitions();
const registry = createRegistry(definitions);
const extract = createExtract(registry, 'http://own.example/fhir');

const folder = new URL('../data/microsoft-fhir-server/', import.meta.url);
const read = (name: string): any => JSON.parse(readFileSync(new URL(name, folder), 'utf8').replace(/^\uFEFF/, ''));

/** The expected value in our form; undefined for forms that do not compare: composites, texts of codes, `_id`. */
function comparable({ code, type, value }: any): Entry | undefined {
  if (code === '_id') return undefined;
  const text = (value: string, detail = ''): Entry => ({ param: code, value, detail });
  switch (type) {
    case 'Token':
      return value.code === null ? undefined : text(value.code, value.system ?? '');
    case 'Reference':
      return text(`${value.resourceType}/${value.resourceId}`);
    case 'String':
      return text(fold(value.string), fold(value.string) === value.string ? '' : value.string);
    case 'Uri':
      return text(value.uri);
    case 'Date':
      // Theirs count in steps of 100 ns.
      return { param: code, value: '', low: Date.parse(value.start), high: Date.parse(value.end) };
    default:
      return undefined;
  }
}

test.each(readdirSync(folder).filter((name) => name.endsWith('.indexes.json')))(
  '%s: the values that another server expects are found',
  (name) => {
    const resource = read(name.replace('.indexes', ''));
    const ours = extract(resource);
    const theirs = read(name).flatMap((row: any) => comparable(row) ?? []);
    expect(theirs.length).toBeGreaterThan(15);
    // A text given without a fraction of a second covers the whole second here, and one instant there.
    const seconds = (entry: Entry) =>
      isRange(entry) ? { ...entry, high: Math.max(entry.high, entry.low + 999) } : entry;
    expect(ours.map(seconds)).toEqual(expect.arrayContaining(theirs.map(seconds)));
  },
);

test('each value is there once, however often the resource says it', () => {
  const coding = Array.from({ length: 40 }, (_, index) => ({ system: 'http://s', code: `c${index % 20}` }));
  const entries = extract({ resourceType: 'Observation', code: { coding } });
  expect(entries.filter(({ param }) => param === 'code').map(({ value }) => value)).toEqual(
    Array.from({ length: 20 }, (_, index) => `c${index}`),
  );
});

test('neither the id nor the time of the last change is extracted: the store has them', () => {
  const entries = extract({ resourceType: 'Patient', id: 'a', meta: { lastUpdated: '2020-01-01T00:00:00Z' } });
  expect(entries.map(({ param }) => param)).toEqual(['deceased']);
});

test('a text that no query could name whole is cut behind what a query may have', () => {
  const [entry] = extract({ resourceType: 'Questionnaire', title: 'a'.repeat(1e6) }).filter(
    ({ param }) => param === 'title',
  );
  expect(entry?.value).toHaveLength(limits.valueCharacters + 1);
});

test('a code with a required binding has the system that the binding implies', () => {
  expect(extract({ resourceType: 'Patient', gender: 'female' })).toContainEqual({
    param: 'gender',
    value: 'female',
    detail: 'http://hl7.org/fhir/administrative-gender',
  });
});

test('a resource of any shape is indexed without failing', () => {
  const names = Object.keys(definitions.types.get('ServiceRequest')!.elements).flatMap((name) => [
    name,
    `${name}Period`,
    `${name}Timing`,
    `${name}DateTime`,
  ]);
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, 1, '', 'a|b', '2020-13-45', 'Patient/1', '#a'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'coding',
          'code',
          'system',
          'reference',
          'start',
          'end',
          'repeat',
          'event',
          'boundsPeriod',
          'value',
        ),
        tie('value'),
      ),
    ),
  })).value;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), json), (elements) => {
      for (const entry of extract({ ...elements, resourceType: 'ServiceRequest' })) {
        expect(typeof entry.value).toBe('string');
      }
    }),
    { numRuns: 2000 },
  );
});

test('a parameter that is not served has no values', () => {
  expect(registry.get('Location', 'near')).toBeUndefined();
  expect(extract({ resourceType: 'Location', position: { longitude: 1, latitude: 1 } })).toEqual([]);
});

test('the fingerprint of the index is the same for the same parameters, and another for others', () => {
  const again = indexFingerprint(createRegistry(loadDefinitions()));
  expect(indexFingerprint(registry)).toBe(again);
  const parameter = { url: 'urn:x', code: 'x', type: 'token', expression: 'Patient.active' } as const;
  const searchParameters = (type: string) =>
    new Map<string, SearchParameterDefinition>([
      ...definitions.searchParameters(type),
      ...(type === 'Patient' ? [['x', parameter] as const] : []),
    ]);
  expect(indexFingerprint(createRegistry({ ...definitions, searchParameters }))).not.toBe(again);
});
