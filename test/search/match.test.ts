/** The matcher on plans whose answer is plain to see; `agree.test.ts` holds both stores against it. */
import { matches, type Doc } from '../../src/search/match.js';
import { everything, nothing, type Plan, type Test } from '../../src/search/plan.js';
import { is, range, text } from '../contract/store/place.js';

const ada: Doc = {
  type: 'Patient',
  id: 'ada',
  updated: 100,
  entries: [text('name', 'ada', 'Ada'), text('code', 'x', 'urn:s'), range('born', 10, 20), range('size', 3, 3, 'cm')],
};
const note: Doc = {
  type: 'Observation',
  id: 'note',
  updated: 50,
  entries: [text('subject', 'Patient/ada'), text('code', 'y')],
};
const task: Doc = {
  type: 'Task',
  id: 'task',
  updated: 60,
  entries: [text('focus', 'Observation/note'), text('focus', '')],
};
const world = [ada, note, task];

const entry = (param: string, test: Test): Plan => ({ node: 'entry', param, test });
const points = (param: string, types: string[], where: Plan): Plan => ({ node: 'points', param, types, where });
const pointed = (by: string, param: string, where: Plan): Plan => ({ node: 'pointed', by, param, where });

const rows: [string, Plan, Doc, boolean][] = [
  ['everything', everything, ada, true],
  ['nothing', nothing, ada, false],
  ['not nothing', { node: 'not', of: nothing }, ada, true],
  ['its id', { node: 'id', ids: ['eve', 'ada'] }, ada, true],
  ['the id of another', { node: 'id', ids: ['note'] }, ada, false],
  ['a value', is('name', 'eve', 'ada'), ada, true],
  ['a value of another parameter', is('code', 'ada'), ada, false],
  ['a value with another detail', entry('name', { kind: 'text', value: { is: ['ada'] }, detail: '' }), ada, false],
  ['the start', entry('name', { kind: 'text', value: { startsWith: 'ad' } }), ada, true],
  ['a part that is no start', entry('name', { kind: 'text', value: { startsWith: 'da' } }), ada, false],
  ['a part', entry('name', { kind: 'text', value: { contains: 'da' } }), ada, true],
  ['a text where a range stands', entry('born', { kind: 'text' }), ada, false],
  ['any entry', entry('born', { kind: 'any' }), ada, true],
  ['no entry', entry('died', { kind: 'any' }), ada, false],
  [
    'a range at its borders',
    entry('born', { kind: 'range', value: '', low: { gte: 10 }, high: { lte: 20 } }),
    ada,
    true,
  ],
  ['a range past its borders', entry('born', { kind: 'range', value: '', low: { gt: 10 } }), ada, false],
  ['a range that ends too late', entry('born', { kind: 'range', value: '', high: { lt: 20 } }), ada, false],
  ['a range of another unit', entry('size', { kind: 'range', value: '' }), ada, false],
  [
    'when it was written',
    entry('_lastUpdated', { kind: 'range', value: '', low: { gte: 100 }, high: { lte: 100 } }),
    ada,
    true,
  ],
  ['one of two conditions', { node: 'all', of: [is('name', 'ada'), is('name', 'eve')] }, ada, false],
  ['one of two alternatives', { node: 'any', of: [is('name', 'eve'), is('name', 'ada')] }, ada, true],
  ['a chain', points('subject', ['Patient'], is('name', 'ada')), note, true],
  ['a chain to another type', points('subject', ['Device'], everything), note, false],
  ['a chain of two', points('focus', ['Observation'], points('subject', ['Patient'], is('code', 'x'))), task, true],
  ['a chain that breaks', points('focus', ['Observation'], is('code', 'x')), task, false],
  ['what refers here', pointed('Observation', 'subject', is('code', 'y')), ada, true],
  ['what refers here by another parameter', pointed('Observation', 'focus', everything), ada, false],
  ['what refers here, of another type', pointed('Task', 'subject', everything), ada, false],
  [
    'what refers to what refers here',
    pointed('Observation', 'subject', pointed('Task', 'focus', everything)),
    ada,
    true,
  ],
];

test.each(rows)('%s', (_name, plan, doc, expected) => {
  expect(matches(plan, doc, world)).toBe(expected);
});
