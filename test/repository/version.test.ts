/** The stored JSON of a resource is the same text, whichever way it is made. */
import { readBody } from '../../src/repository/prepare/body.js';
import { finalText, splicedText, stamped } from '../../src/repository/version.js';

const stamp = { id: 'some-id', version: 7, updated: Date.UTC(2026, 10, 22) };

const read = (text: string) => readBody(Buffer.from(text), 'Patient');

test.each([
  ['elements', '{"resourceType":"Patient","active":true,"name":[{"family":"Ødegård \\"x\\""}]}'],
  ['a key that looks like one of the server', '{"resourceType":"Patient","contact":[{"id":"a","meta":1}]}'],
  ['a number', '{"resourceType":"Patient","multipleBirthInteger":2}'],
  ['nothing that JavaScript would call by another name', '{"resourceType":"Patient","__proto__":{"a":1}}'],
])('put into the text that came, with %s', (_what, json) => {
  const { resource, text } = read(json);
  expect(text).toBe(json);
  const spliced = splicedText(resource, stamp, text);
  expect(spliced).toBe(finalText(stamped(resource, stamp)));
});

test.each([
  ['it has an id', '{"resourceType":"Patient","id":"a","active":true}'],
  ['it has meta', '{"resourceType":"Patient","meta":{"source":"urn:x"},"active":true}'],
  ['its type comes later', '{"active":true,"resourceType":"Patient"}'],
  ['it has nothing but its type', '{"resourceType":"Patient"}'],
  ['it was written with spaces', '{ "resourceType": "Patient", "active": true }'],
  ['a number has digits of its own', '{"resourceType":"Patient","x":1.10}'],
])('made anew where %s', (_what, json) => {
  const { resource, text } = read(json);
  expect(splicedText(resource, stamp, text)).toBeUndefined();
});

test('a resource that is too large is refused, whichever way its text is made', () => {
  const { resource, text } = read(`{"resourceType":"Patient","x":"${'x'.repeat(6_000_000)}"}`);
  const refusal = /more than the \d+ bytes/;
  expect(() => splicedText(resource, stamp, text)).toThrow(refusal);
  expect(() => finalText(stamped(resource, stamp))).toThrow(refusal);
});
