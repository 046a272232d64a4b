/** What a scope says, and what it never says. (SMART App Launch 2.2 scopes-and-launch-context.html) */
import { covers, intersect, lettersOf, parseScopes, printScopes, scopesFor } from '../../src/access/scopes.js';

const TYPES = new Set(['Patient', 'Observation', 'Task']);
const read = (text: string) => parseScopes(text, TYPES);

test.each([
  ['patient/Observation.rs', 'patient', 'Observation', 'rs', '', 2],
  ['user/*.cruds', 'user', '*', 'cruds', '', 2],
  ['system/Patient.s', 'system', 'Patient', 's', '', 2],
  ['patient/Observation.rs?category=http://x|lab', 'patient', 'Observation', 'rs', 'category=http://x|lab', 2],
  ['patient/Observation.r?category=a&status=final', 'patient', 'Observation', 'r', 'category=a&status=final', 2],
  ['patient/Observation.read', 'patient', 'Observation', 'rs', '', 1],
  ['user/*.write', 'user', '*', 'cud', '', 1],
  ['patient/*.*', 'patient', '*', 'cruds', '', 1],
])('S-SCOPE-01 %s', (scope, context, type, letters, query, version) => {
  expect(read(scope)).toEqual({ resources: [{ context, type, letters, query, version }], others: [], refused: [] });
});

test.each([
  'patient/Observation.dus',
  'patient/Observation.rr',
  'patient/Observation.',
  'patient/Observation',
  'patient/.rs',
  'patient/Observation.reads',
  'patient/Observation.rd!',
  'patient/Observation.Read',
  'patient/Unknown.rs',
  'patient/observation.rs',
  'patient/Observation.read?category=a',
  'patient/*.rs?category=a',
  'patient/Observation.rs?',
  'patient/Observation.rs?category',
  'patient/Observation.rs?category=',
  'patient/Observation.rs?category:in=http://x',
  'patient/Observation.rs?subject.name=a',
  'patient/Observation.rs?_has:Task:focus:status=draft',
  'patient/Observation.rs?_filter=status',
  'patient/Observation.rs?category=a=b',
  'patient/Observation/1.rs',
])('S-SCOPE-01, S-SCOPE-11 %s grants nothing', (scope) => {
  const scopes = read(scope);
  expect(scopes.resources).toEqual([]);
  expect(scopes.refused.map((one) => one.scope)).toEqual([scope]);
  expect(printScopes(scopes)).toBe('');
});

test('what is no scope for resources stays as it is, each once', () => {
  expect(read('openid fhirUser launch/patient  offline_access openid').others).toEqual([
    'openid',
    'fhirUser',
    'launch/patient',
    'offline_access',
  ]);
});

test.each([
  ['patient/Observation.read openid', 'openid patient/Observation.read'],
  ['patient/Observation.rs', 'patient/Observation.rs'],
  ['user/*.write user/*.*', 'user/*.write user/*.*'],
])('S-SCOPE-02 %s is answered in its own version', (asked, answered) => {
  expect(printScopes(read(asked))).toBe(answered);
});

test.each([
  ['patient/Observation.read', 'patient/*.rs', 'patient/Observation.read'],
  ['patient/Observation.read', 'patient/*.r', 'patient/Observation.r'],
  ['patient/*.cruds', 'patient/Task.rs patient/Patient.r', 'patient/Task.rs patient/Patient.r'],
  ['user/Task.rs', 'patient/Task.rs', ''],
  ['patient/Task.c', 'patient/Task.rs', ''],
  ['patient/Observation.rs', 'patient/Observation.r?category=a', 'patient/Observation.r?category=a'],
  ['patient/Observation.rs?category=a', 'patient/*.rs', 'patient/Observation.rs?category=a'],
  [
    'patient/Observation.rs?category=a',
    'patient/Observation.rs?status=final',
    'patient/Observation.rs?category=a&status=final',
  ],
  ['patient/Task.rs', 'patient/Task.rs patient/*.cruds', 'patient/Task.rs'],
  ['openid launch offline_access', 'openid launch', 'openid launch'],
])('S-SCOPE-08 of %s a client that may have %s gets %s', (asked, allowed, granted) => {
  expect(printScopes(intersect(read(asked), read(allowed)))).toBe(granted);
});

test.each([
  ['patient/*.rs', 'patient/Task.r', true],
  ['patient/Task.r patient/Task.s', 'patient/Task.rs', true],
  ['patient/Task.rs', 'patient/*.rs', false],
  ['patient/Task.rs?status=draft', 'patient/Task.rs', false],
  ['patient/Task.rs', 'patient/Task.rs?status=draft', true],
  ['user/Task.rs', 'patient/Task.rs', false],
  ['openid', 'openid fhirUser', false],
  ['patient/*.cruds', 'patient/Task.dus', false],
])('a client that has %s may have %s: %s', (allowed, asked, expected) => {
  expect(covers(read(allowed), read(asked))).toBe(expected);
});

test.each([
  ['patient/Observation.r patient/Observation.s', 'patient/Observation.rs'],
  ['patient/Observation.read patient/Observation.write', 'patient/Observation.cruds'],
  ['patient/*.r patient/Observation.rs', 'patient/Observation.s patient/*.r'],
])('S-SCOPE-07 %s gives what %s gives', (one, other) => {
  for (const type of TYPES) {
    for (const letter of lettersOf({ letters: 'cruds' })) {
      expect([type, letter, scopesFor(read(one), type, letter).length > 0]).toEqual([
        type,
        letter,
        scopesFor(read(other), type, letter).length > 0,
      ]);
    }
  }
});
