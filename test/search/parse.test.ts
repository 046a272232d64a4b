/** What a query's text becomes, and how it is refused. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { FhirError } from '../../src/fhir/outcome.js';
import { limits } from '../../src/kit/limits.js';
import { lower } from '../../src/search/lower.js';
import { parseSearch } from '../../src/search/parse.js';
import { createRegistry } from '../../src/search/registry.js';

const definitions = loadDefinitions();
const registry = createRegistry(definitions);

function parse(search: string, lenient = false) {
  const mark = search.indexOf('?');
  const types = mark === 0 ? definitions.resourceTypes : [search.slice(0, mark)];
  const options = { lenient, base: 'http://own.example/fhir', now: Date.UTC(2026, 10, 22) };
  return parseSearch(search.slice(mark + 1), types, registry, options);
}

function refusal(search: string, lenient = false): FhirError {
  try {
    parse(search, lenient);
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error(`${search} was not refused`);
}

const refused = JSON.parse(readFileSync(new URL('../cases/search/refused.json', import.meta.url), 'utf8')) as [
  string,
  string | null,
  string,
][];

test.each(refused)('%s is a 400 that names %s and says "%s"', (search, expression, says) => {
  const error = refusal(search);
  expect(error.status).toBe(400);
  expect(error.issues[0]?.expression).toEqual(expression === null ? undefined : [expression]);
  expect(error.issues[0]?.diagnostics).toContain(says);
});

test.each([
  ['parameters', `Patient?${'name=a&'.repeat(limits.parameters)}name=a`],
  ['orValues', `Patient?name=${'a,'.repeat(limits.orValues)}a`],
  ['valueCharacters', `Patient?name=${'a'.repeat(limits.valueCharacters + 1)}`],
  ['alternatives', `Task?focus=${Array.from({ length: 100 }, (_, index) => index + 1).join()}`],
])('beyond limits.%s a query is too costly', (limit, search) => {
  const error = refusal(search);
  expect([error.status, error.kind]).toEqual([400, 'too-costly']);
  expect(error.message).toContain(`limits.${limit}`);
});

test('everything that is wrong is said at once', () => {
  const error = refusal('Patient?foo=1&birthdate=x&_count=a');
  expect(error.issues.map((issue) => issue.expression)).toEqual([['http.foo'], ['http.birthdate'], ['http._count']]);
});

test('lenient handling leaves out what is not served, and says so in warnings and in the self link', () => {
  const search = parse('Patient?name=a&foo=1&gender:in=x&_sort=bar&_count=5', true);
  expect(search.applied).toBe('name=a&_count=5');
  expect(search.conditions).toHaveLength(1);
  expect(search.sort).toEqual([]);
  expect(search.dropped.map(({ severity, expression }) => [severity, expression])).toEqual([
    ['warning', ['http.foo']],
    ['warning', ['http.gender:in']],
    ['warning', ['http._sort']],
  ]);
});

test.each([
  'Patient?birthdate=x',
  'Patient?name=',
  'Patient?_count=1&_count=2',
  'Patient?name=%zz',
  'Patient?_count=x',
])('lenient handling does not excuse what is wrong in itself: %s', (search) =>
  expect(refusal(search, true).status).toBe(400),
);

test('the parameters that shape the result', () => {
  const search = parse(
    'QuestionnaireResponse?_count=0&_sort=-authored,status&_total=accurate&_cursor=abc&_format=json&_pretty=true' +
      '&_include=QuestionnaireResponse:subject:Patient&_include:iterate=Patient:general-practitioner' +
      '&_revinclude=Observation:derived-from',
  );
  expect(search).toMatchObject({
    types: ['QuestionnaireResponse'],
    count: 0,
    sort: [
      { param: 'authored', descending: true },
      { param: 'status', descending: false },
    ],
    total: 'accurate',
    cursor: 'abc',
    includes: [
      { source: 'QuestionnaireResponse', param: 'subject', targets: ['Patient'], iterate: false },
      { source: 'Patient', param: 'general-practitioner', iterate: true },
    ],
    revincludes: [{ source: 'Observation', param: 'derived-from', iterate: false }],
  });
  expect(search.applied).not.toMatch(/_cursor|_format|_pretty/);
  expect(lower(search)).toEqual({ node: 'all', of: [] });
});

test('a search without parameters is of everything, on pages of the default size', () => {
  const search = parse('Patient?');
  expect([search.count, search.total, search.applied]).toEqual([limits.pageSizeDefault, undefined, '']);
});

test('_type narrows a search of all types, wherever it stands in the query', () => {
  const search = parse('?family=a&_type=Patient,Practitioner');
  expect(search.types).toEqual(['Patient', 'Practitioner']);
  expect(search.applied).toBe('family=a&_type=Patient,Practitioner');
});

test('values that are met in the same way are one list', () => {
  expect(lower(parse('Observation?code=a,b,http://x|c,a'))).toEqual({
    node: 'any',
    of: [
      { node: 'entry', param: 'code', test: { kind: 'text', value: { is: ['a', 'b'] } } },
      { node: 'entry', param: 'code', test: { kind: 'text', value: { is: ['c'] }, detail: 'http://x' } },
    ],
  });
});

test('the applied query, parsed again, means the same', () => {
  const written = 'Observation?code=a%5C%2Cb,c%7Cd&date=ge2020-01-01T00:00:00%2B01:00&value-string=%26%3D%25+x';
  const once = parse(written);
  const twice = parse(`Observation?${once.applied}`);
  expect(twice).toEqual(once);
  expect(once.applied).toContain('value-string=%26%3D%25%20x');
});

test('whatever a client writes is parsed or refused, and never anything else', () => {
  const key = fc.oneof(
    fc.constantFrom(
      'name',
      'birthdate',
      'gender',
      'general-practitioner',
      '_id',
      '_sort',
      '_include',
      '_type',
      '_total',
      '_summary',
      '_elements',
      '_has',
      '_has:Observation:subject:value-quantity',
      '_has:Observation:subject:code-value-quantity',
      'general-practitioner:Practitioner.identifier',
      'link:RelatedPerson.',
    ),
    fc.string(),
  );
  const modifier = fc.constantFrom('', ':not', ':missing', ':exact', ':Practitioner', ':iterate', ':x');
  const query = fc
    .array(fc.tuple(key, modifier, fc.string({ unit: 'binary' })), { maxLength: 5 })
    .map((parts) => parts.map(([name, kind, value]) => `${name}${kind}=${value}`).join('&'));
  fc.assert(
    fc.property(query, fc.boolean(), (text, lenient) => {
      try {
        lower(parse(`Patient?${text}`, lenient));
      } catch (error) {
        if (!(error instanceof FhirError) || error.status !== 400) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
