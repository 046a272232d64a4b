/** Validation ends soon, whatever comes: every resource here is as large as a client may send, and wrong everywhere. */
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { limits } from '../../src/kit/limits.js';
import { createValidator } from '../../src/validate/validator.js';
import { cpuOf } from '../support/time.js';

const { validate } = createValidator(loadDefinitions());

const many = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const properties = (count: number) => Object.fromEntries(many(count, 0).map((_, index) => [`k${String(index)}`, 1]));
const nested = (depth: number): object =>
  depth === 0 ? { url: '' } : { url: '', extension: [nested(depth - 1), { url: '' }, { url: '' }] };

const wrong: [name: string, rest: object][] = [
  ['a million numbers for strings', { name: [{ given: many(1_000_000, 1) }] }],
  ['a million empty strings', { name: [{ given: many(1_000_000, '') }] }],
  ['many lists of many wrong values', { name: many(20_000, { given: many(50, 1) }) }],
  ['many unknown elements', properties(300_000)],
  ['many objects of unknown elements', { name: many(200_000, { x: 1, y: 2 }) }],
  ['many wrong extensions of a list', { name: [{ given: many(500_000, 'a'), _given: many(500_000, {}) }] }],
  ['many contained resources without type', { contained: many(100_000, {}) }],
  ['extensions in extensions', { extension: many(2000, nested(20)) }],
  ['many codes that are wrong', { contact: many(200_000, { gender: 'x' }) }],
];

test.each(wrong)('%s are told as at most a hundred issues, soon', async (_name, rest) => {
  let issues: unknown[] = [];
  expect(await cpuOf(() => (issues = validate({ resourceType: 'Patient', ...rest })))).toBeLessThan(5000);
  expect(issues).toHaveLength(limits.issues);
});

const slow: [name: string, resource: Resource][] = [
  ['base64', { resourceType: 'Binary', contentType: 'a/b', data: `${'A'.repeat(30_000_000)}!` }],
  ['base64 in lines', { resourceType: 'Binary', contentType: 'a/b', data: `${'AAAA\n'.repeat(4_000_000)}!` }],
  ['a code of words', { resourceType: 'Patient', gender: 'a '.repeat(500_000) }],
  ['a URI', { resourceType: 'Patient', implicitRules: `${'a'.repeat(1_000_000)} ` }],
  ['a date', { resourceType: 'Patient', birthDate: `2024-${'0'.repeat(1_000_000)}` }],
  ['a narrative', { resourceType: 'Patient', text: { status: 'empty', div: `${' '.repeat(4_000_000)}<div` } }],
  ['a text of more than 1 MB', { resourceType: 'Patient', name: [{ text: 'a'.repeat(1_048_577) }] }],
];

test.each(slow)('%s is refused in linear time', async (_name, resource) => {
  const took = await cpuOf(() => {
    expect(validate(resource)).toHaveLength(1);
  });
  // Anything worse than linear would take hours.
  expect(took).toBeLessThan(20_000);
});

test('a text of 1 MB passes', () => {
  expect(validate({ resourceType: 'Patient', name: [{ text: 'a'.repeat(1_048_576) }] })).toEqual([]);
});

test('any JSON at all is answered with issues that say where and what, never with a failure', () => {
  const names = ['name', '_name', 'extension', 'birthDate', '_birthDate', 'contained', 'deceasedBoolean', 'text', 'id'];
  const body = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true });
  fc.assert(
    fc.property(body, (rest) => {
      for (const issue of validate({ ...rest, resourceType: 'Patient' })) {
        expect(issue.expression?.[0]).toMatch(/^Patient\b/);
        expect(issue.diagnostics).not.toBe('');
      }
    }),
    { numRuns: 300 },
  );
});

test.each([null, [], 'Patient', 1, true])('%j is no resource', (value) => {
  expect(validate(value as never)).toMatchObject([{ severity: 'error', expression: ['Resource'] }]);
});
