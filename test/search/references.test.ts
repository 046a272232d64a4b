/** References and canonicals, read and printed. */
import { parseCanonical, parseReference, printCanonical, printReference } from '../../src/fhir/reference.js';

const base = 'http://own.example/fhir';

test.each([
  ['Patient/1', { kind: 'resource', type: 'Patient', id: '1' }],
  ['Patient/1/_history/2', { kind: 'resource', type: 'Patient', id: '1', version: '2' }],
  ['http://own.example/fhir/Patient/1', { kind: 'resource', type: 'Patient', id: '1' }],
  [
    'http://own.example/fhirs/Patient/1',
    { kind: 'resource', type: 'Patient', id: '1', base: 'http://own.example/fhirs' },
  ],
  ['http://x/Patient/1/_history/2', { kind: 'resource', type: 'Patient', id: '1', version: '2', base: 'http://x' }],
  ['HTTPS://x/a/b/Patient/1', { kind: 'resource', type: 'Patient', id: '1', base: 'HTTPS://x/a/b' }],
  ['http://x', { kind: 'uri', uri: 'http://x' }],
  ['http://x/_history/', { kind: 'uri', uri: 'http://x/_history/' }],
  ['urn:uuid:1-2', { kind: 'uri', uri: 'urn:uuid:1-2' }],
  ['#med', { kind: 'contained', id: 'med' }],
])('%s', (text, parsed) => {
  expect(parseReference(text, base)).toEqual(parsed);
  const relative = text.startsWith(`${base}/`) ? text.slice(base.length + 1) : text;
  expect(printReference(parseReference(text, base)!)).toBe(relative);
});

test.each([
  '',
  'Patient',
  'Patient/',
  'patient/1',
  'Patient/1/',
  'Patient/a b',
  '/Patient/1',
  `Patient/${'1'.repeat(65)}`,
])('"%s" is no reference', (text) => expect(parseReference(text, base)).toBeUndefined());

test.each([
  ['http://x', { url: 'http://x' }],
  ['http://x|1.0', { url: 'http://x', version: '1.0' }],
  ['http://x|1|2#f', { url: 'http://x', version: '1|2', fragment: 'f' }],
  ['#f', { url: '', fragment: 'f' }],
])('canonical %s', (text, canonical) => {
  expect(parseCanonical(text)).toEqual(canonical);
  expect(printCanonical(parseCanonical(text))).toBe(text);
});
