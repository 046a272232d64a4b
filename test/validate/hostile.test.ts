/** What is made to take long does not: texts for every format, narratives, and resources that rules compare with themselves. */
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { isRefusal } from '../../src/fhir/outcome.js';
import { createCompilePath, inTurns } from '../../src/fhir/path.js';
import { parseExpression } from '../../src/fhir/path/syntax.js';
import { limits } from '../../src/kit/limits.js';
import { compilePattern, patternSize } from '../../src/kit/pattern.js';
import { checkInTurns, checkQuestionnaire } from '../../src/validate/questionnaire.js';
import { formats } from '../../src/validate/formats.js';
import { createValidator } from '../../src/validate/validator.js';
import { cpuOf, quickest } from '../support/time.js';

const definitions = loadDefinitions();
const { validate } = createValidator(definitions);
const SIZE = 10_000;

const texts: Record<string, string> = {
  'one letter': 'a'.repeat(SIZE),
  'words with many spaces': 'a  '.repeat(SIZE / 3),
  'spaces and an end': `${' '.repeat(SIZE)}x`,
  digits: '1'.repeat(SIZE),
  'digits and dots': '1.'.repeat(SIZE / 2),
  'an oid without end': `urn:oid:1${'.0'.repeat(SIZE / 2)}.`,
  'a uuid without end': `urn:uuid:${'a'.repeat(SIZE)}`,
  'a date with a long fraction': `2024-01-01T00:00:00.${'0'.repeat(SIZE)}`,
  base64: `${'A'.repeat(SIZE)}=!`,
  'base64 in lines': `${'AA\n'.repeat(SIZE / 3)}!`,
  slashes: 'a/'.repeat(SIZE / 2),
  'a reference that nearly is one': `${'Patient/'.repeat(SIZE / 8)}?`,
  colons: 'a:'.repeat(SIZE / 2),
  'open tags': '<div '.repeat(SIZE / 5),
  quotes: '"\''.repeat(SIZE / 2),
  brackets: '[('.repeat(SIZE / 2),
  surrogates: '\ud83d\ude00'.repeat(SIZE / 2),
  'combining marks': `a${'\u0301'.repeat(SIZE)}`,
};

test.each(Object.keys(formats))('10 kB of any text for a %s are judged in less than 50 ms', async (type) => {
  for (const text of Object.values(texts)) {
    expect(await quickest(50, () => cpuOf(() => formats[type]?.test(text)))).toBeLessThan(50);
  }
});

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const XMLNS = 'xmlns="http://www.w3.org/1999/xhtml"';
const narrated = (inner: string) => ({
  resourceType: 'Patient',
  text: { status: 'generated', div: `<div ${XMLNS}>${inner}</div>` },
});
const element = (index: number) => ({
  id: `P.e${index}`,
  path: index === 0 ? 'P' : `P.e${index}`,
  min: 0,
  max: '1',
  definition: 'x',
  base: { path: 'x', min: 0, max: '1' },
});

/** About as large as a client may send; good, or wrong at its end. */
const large: [name: string, resource: any][] = [
  ['tags in tags', narrated('<b>'.repeat(1_000_000))],
  ['many attributes', narrated(`<p ${many(200_000, (at) => `a${at}="x"`).join(' ')}>a</p>`)],
  ['a long attribute', narrated(`<p style="${'a:b;'.repeat(1_000_000)}">a</p>`)],
  ['many entities', narrated('&amp;&nbsp;&#65;'.repeat(300_000))],
  ['many paragraphs', narrated('<p class="x">a</p>'.repeat(250_000))],
  ['entities of entities', narrated('<!DOCTYPE a [<!ENTITY b "&c;&c;">]>&b;')],
  ['a comment without end', narrated(`<!--${'-'.repeat(4_000_000)}`)],
  [
    'a structure of many elements',
    {
      resourceType: 'StructureDefinition',
      url: 'http://example.org/s',
      name: 'S',
      status: 'draft',
      kind: 'logical',
      abstract: false,
      type: 'P',
      baseDefinition: 'http://example.org/b',
      snapshot: { element: many(20_000, element) },
      differential: { element: many(15_000, element) },
    },
  ],
  [
    'many codes',
    {
      resourceType: 'CodeSystem',
      status: 'draft',
      content: 'complete',
      concept: many(100_000, (at) => ({ code: `c${at}` })),
    },
  ],
  [
    'many groups that each refer to one',
    {
      resourceType: 'ImplementationGuide',
      url: 'http://example.org/i',
      name: 'I',
      status: 'draft',
      packageId: 'i',
      fhirVersion: ['4.0.1'],
      definition: {
        grouping: many(20_000, (at) => ({ id: `g${at}`, name: 'x' })),
        resource: many(20_000, (at) => ({ reference: { display: 'x' }, groupingId: `g${at}` })),
      },
    },
  ],
  [
    'many contained resources',
    {
      resourceType: 'List',
      status: 'current',
      mode: 'working',
      contained: many(20_000, (at) => ({ resourceType: 'Basic', id: `b${at}`, code: { text: 'x' } })),
      entry: many(20_000, (at) => ({ item: { reference: `#b${at}` } })),
    },
  ],
  [
    'many entries',
    {
      resourceType: 'Bundle',
      type: 'collection',
      entry: many(40_000, (at) => ({
        fullUrl: `http://example.org/Patient/${at}`,
        resource: { resourceType: 'Patient' },
      })),
    },
  ],
  [
    'many codings that are compared',
    {
      resourceType: 'Observation',
      status: 'final',
      code: { coding: many(20_000, (at) => ({ system: 'http://example.org', code: `a${at}` })) },
      valueBoolean: true,
      component: many(20_000, (at) => ({ code: { coding: [{ system: 'http://example.org', code: `b${at}` }] } })),
    },
  ],
];

test.each(large)('%s take their time once', async (_name, resource) => {
  let took = 0;
  const issues = await (async () => {
    let found: unknown[] = [];
    took = await cpuOf(() => (found = validate(resource)));
    return found as { severity: 'error'; code: string; diagnostics: string }[];
  })();
  // Linear work on 5 MB takes a second or two; the square of it would take hours.
  expect(took).toBeLessThan(15_000);
  for (const issue of issues.filter(isRefusal)) expect(issue.diagnostics).toMatch(/txt-1/);
});

test('an expression of 100 kB is read, or refused, in linear time', async () => {
  const long = many(10_000, () => 'a.exists()').join(' or ');
  expect(await cpuOf(() => parseExpression(long))).toBeLessThan(1000);
});

const calculated = (expression: string, at: number) => ({
  linkId: `q${at}`,
  type: 'integer',
  text: 'x',
  extension: [
    {
      url: 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression',
      valueExpression: { language: 'text/fhirpath', expression },
    },
  ],
});

test.each([
  ['a long path', (at: number) => `%resource${'.a'.repeat(390)} + ${at}`],
  ['a long sum', (at: number) => `${'a + '.repeat(390)}${at}`],
  ['a long path with conditions', (at: number) => `%resource${".a.where(b = 'c')".repeat(70)} + ${at}`],
])('%s is made ready in time that grows with its length', async (_name, make) => {
  const compile = createCompilePath(definitions);
  const texts = many(100, make);
  const took = await quickest(500, () => cpuOf(() => texts.map((text) => compile(text, 'QuestionnaireResponse'))));
  // 80,000 words and signs; its square would take ten seconds.
  expect(took).toBeLessThan(500);
});

/** Texts that closures read, that fhirpath.js reads, and that nobody reads. */
test.each<[string, number, (at: number) => string, number]>([
  ['closures', 120, (at) => `${'a + '.repeat(390)}${at}`, limits.formExpressionTokensNow / 780],
  ['fhirpath.js', 390, (at) => `today() > a${at}`, limits.formExpressionTokensNow / 250],
  ['nobody', 390, (at) => `${'+'.repeat(4000)}${at}`, limits.formExpressionTokensNow / 250],
])('a form of as many expressions for %s as are read keeps nobody waiting', async (_name, count, make, most) => {
  const form = { resourceType: 'Questionnaire', status: 'active', item: many(count, (at) => calculated(make(at), at)) };
  let turns = 0;
  const issues = await checkInTurns(form, () => {
    turns += 1;
    return checkQuestionnaire(form);
  });
  // One to load fhirpath.js, which is open by then or not.
  expect(turns).toBeGreaterThanOrEqual(Math.floor(count / Math.ceil(most)));
  expect(turns).toBeLessThanOrEqual(Math.ceil(count / most) + 2);
  expect(issues.filter(isRefusal)).toEqual([]);
  expect(checkQuestionnaire(form)).toEqual(issues);
});

test('what waits is asked once more, and other errors are not', async () => {
  const reading = { left: 100 };
  const failure = new Error('another');
  await expect(
    inTurns(reading, () => {
      throw failure;
    }),
  ).rejects.toBe(failure);
  expect(reading).toEqual({ left: 100 });
});

test.each([
  ['(ab{2}){3}', 10],
  ['(\\pL{0,9}1){0,99}', 1881],
  ['[a-z{5}]{10}', 20],
  ['a\\{5\\}', 6],
  ['(((a{0,31}){0,31}){0,31}', 29791],
  ['{', 1],
])('the pattern %s counts as long as %d characters before it is read', (source, size) => {
  expect(patternSize(source)).toBe(size);
});

test('patterns that stand for too much are not read', async () => {
  const hostile = '(\\pL{0,31}){0,31}'.repeat(60);
  expect(hostile.length).toBeGreaterThan(limits.patternCharacters - 100);
  expect(
    await quickest(50, () => cpuOf(() => expect(() => compilePattern(hostile.slice(0, 900))).toThrow())),
  ).toBeLessThan(50);
  expect(() => compilePattern('(\\pL{0,31}){0,31}(\\pL{0,31}){0,31}(\\pL{0,31}){0,31}')).toThrow(/repetitions/);
  expect(compilePattern('^[0-9]{3}-[0-9]{4}$').matches('555-1234')).toBe(true);
});
