/** A cursor opens only where it was sealed. */
import { FhirError } from '../../src/fhir/outcome.js';
import { createCursors } from '../../src/search/page.js';

const cursors = createCursors('secret');
const position = ['müller', 12, null, 'id-1'];
const sealed = cursors.seal(position, 'Patient?name=a');

test('what was sealed is opened again, also by another process with the same secret', () => {
  expect(createCursors('secret').open(sealed, 'Patient?name=a')).toEqual(position);
  expect(sealed).toMatch(/^[\w-]+\.[\w-]+$/);
});

const [payload = '', signature = ''] = sealed.split('.');
const forged = Buffer.from('["a",1,null,"id-2"]').toString('base64url');

test.each([
  ['of another query', sealed, 'Patient?name=b', 'secret'],
  ['of another server', sealed, 'Patient?name=a', 'other secret'],
  ['with another position', `${forged}.${signature}`, 'Patient?name=a', 'secret'],
  ['with a changed signature', `${payload}.${signature.slice(0, -2)}AA`, 'Patient?name=a', 'secret'],
  ['without a signature', payload, 'Patient?name=a', 'secret'],
  ['with something behind it', `${sealed}.x`, 'Patient?name=a', 'secret'],
  ['that is empty', '', 'Patient?name=a', 'secret'],
  ['that is no cursor', 'página', 'Patient?name=a', 'secret'],
  ['that is endless', 'a'.repeat(1e6), 'Patient?name=a', 'secret'],
])('a cursor %s is a 400', (_, text, binding, secret) => {
  const open = () => createCursors(secret).open(text, binding);
  expect(open).toThrow(FhirError);
  expect(open).toThrow(expect.objectContaining({ status: 400 }));
});
