/** What is included: by reference, by canonical, forwards and backwards. */
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { createExtract } from '../../src/search/extract.js';
import { referencesOf, referrersOf } from '../../src/search/include.js';
import { matches } from '../../src/search/match.js';
import { nothing } from '../../src/search/plan.js';
import { createRegistry } from '../../src/search/registry.js';

const extract = createExtract(createRegistry(loadDefinitions()), 'http://own.example/fhir');
const docOf = (resource: Resource & { id: string }) => ({
  type: resource.resourceType,
  id: resource.id,
  updated: 0,
  entries: extract(resource),
});

const form = (id: string, version?: string) =>
  docOf({ resourceType: 'Questionnaire', id, url: 'http://forms/lesion', version, status: 'active' });
const answer = (id: string, questionnaire: string) =>
  docOf({ resourceType: 'QuestionnaireResponse', id, questionnaire, subject: { reference: 'Patient/1' } });

const bySubject = { source: 'QuestionnaireResponse', param: 'subject', targets: ['Patient', 'Group'], iterate: false };
const byForm = { source: 'QuestionnaireResponse', param: 'questionnaire', targets: ['Questionnaire'], iterate: false };

test('_include follows references to this server, each once, and to the named types alone', () => {
  const found = [answer('a', 'http://forms/lesion'), answer('b', 'http://forms/lesion')];
  expect(referencesOf(found, bySubject)).toEqual({ keys: [{ type: 'Patient', id: '1' }] });
  expect(referencesOf(found, { ...bySubject, targets: ['Group'] })).toEqual({ keys: [] });
  expect(referencesOf(found, { ...bySubject, source: 'Observation' })).toEqual({ keys: [] });
});

test.each([
  ['http://forms/lesion', ['1', '2', 'none']],
  ['http://forms/lesion|2', ['2']],
  ['http://forms/lesion|3', []],
  ['http://forms/other', []],
])('_include of the canonical %s finds the versions %j', (questionnaire, ids) => {
  const { keys, canonical } = referencesOf([answer('a', questionnaire)], byForm);
  const forms = [form('1', '1'), form('2', '2'), form('none')];
  expect(keys).toEqual([]);
  expect(forms.filter((doc) => matches(canonical ?? nothing, doc, [])).map(({ id }) => id)).toEqual(ids);
});

test('_revinclude finds what refers by id and by canonical', () => {
  const answers = [
    answer('any', 'http://forms/lesion'),
    answer('this', 'http://forms/lesion|2'),
    answer('other-version', 'http://forms/lesion|1'),
    answer('local', 'http://own.example/fhir/Questionnaire/2'),
    answer('other', 'http://forms/other'),
  ];
  const plan = referrersOf([form('2', '2')], byForm);
  expect(answers.filter((doc) => matches(plan ?? nothing, doc, [])).map(({ id }) => id)).toEqual([
    'any',
    'this',
    'local',
  ]);
  const unversioned = referrersOf([form('none')], byForm);
  expect(answers.filter((doc) => matches(unversioned ?? nothing, doc, [])).map(({ id }) => id)).toEqual(['any']);
  expect(referrersOf([answer('a', 'x')], byForm)).toBeUndefined();
});
