/** What a thread makes of a large body is what the server would have made of it, whatever becomes of the thread. */
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { FhirError } from '../../src/fhir/outcome.js';
import type { Resource } from '../../src/fhir/types.js';
import { JsonError, parseJson, stringify } from '../../src/kit/json.js';
import { limits } from '../../src/kit/limits.js';
import { createAside, type Aside, type AsideParts } from '../../src/repository/prepare/aside.js';
import { createPrepare, type Prepared, type Task } from '../../src/repository/prepare/prepare.js';
import { createIndexing } from '../../src/repository/reindex.js';
import { finalText, joinedText, stamped } from '../../src/repository/version.js';
import { createRegistry } from '../../src/search/registry.js';
import { createAnswering, createCheckReady, type AnswersJob } from '../../src/validate/answering.js';
import { createResponseCheck } from '../../src/validate/response.js';
import { createValidator } from '../../src/validate/validator.js';

const base = 'http://own.example/fhir';
const definitions = loadDefinitions();
const validator = createValidator(definitions);
const { extract } = createIndexing(createRegistry(definitions), base);
const answers = createAnswering(createCheckReady(definitions));
const prepare = createPrepare({ definitions, validator, extract, answers, base });
const stamp = { id: 'some-id', version: 7, updated: Date.UTC(2026, 10, 22) };

const opened: Aside[] = [];
function asideWith(parts: Partial<AsideParts> = {}): Aside {
  const refuse = (error: unknown) => {
    throw error;
  };
  const aside = createAside({ base, prepare, lost: refuse, ...parts });
  opened.push(aside);
  return aside;
}
const shared = asideWith({ prepare: () => Promise.reject(new Error('The thread did not do it.')) });
afterAll(async () => {
  for (const aside of opened) await aside.close();
});

const body = (text: string, type = 'Observation'): Task => ({ kind: 'body', type, bytes: Buffer.from(text) });

/** What is stored of it; the binary's bytes as text. */
function storedOf({ id, made, refusal }: Prepared) {
  if (refusal !== undefined || made === undefined) return { id, refusal: told(refusal) };
  const { rest, binary, ...more } = made;
  const bytes = binary && Buffer.from(binary.bytes).toString('base64');
  return { id, text: joinedText(rest, stamp), bytes, contentType: binary?.contentType, ...more };
}

/** The class of an error and all that it says. */
function told(error: unknown) {
  const kind = error instanceof FhirError ? 'FhirError' : error instanceof JsonError ? 'JsonError' : 'other';
  return { ...(error as object), class: kind, message: (error as Error).message };
}
const outcome = (prepared: Promise<Prepared>) => prepared.then(storedOf, (error: unknown) => ({ thrown: told(error) }));

test('a large response is checked on the thread, with its form and codes, as it would be here', async () => {
  const coded = (code: string) => ({ valueCoding: { system: 'urn:x', code } });
  const form = {
    resourceType: 'Questionnaire',
    status: 'active',
    contained: [
      {
        resourceType: 'ValueSet',
        id: 'vs',
        status: 'active',
        compose: { include: [{ system: 'urn:x', concept: [{ code: 'a' }] }] },
      },
    ],
    item: [
      { linkId: 'a', text: 'A', type: 'choice', answerValueSet: '#vs' },
      { linkId: 'b', text: 'B', type: 'choice', answerValueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender' },
      { linkId: 'c', text: 'C', type: 'choice', answerValueSet: 'http://example.org/nowhere' },
    ],
  };
  const response = (status: string, ...codes: string[]) => ({
    resourceType: 'QuestionnaireResponse',
    status,
    questionnaire: 'http://example.org/Questionnaire/large',
    item: ['a', 'b', 'c'].map((linkId, at) => ({ linkId, answer: [coded(codes[at] ?? 'x')] })),
  });
  const checks = createResponseCheck({ definitions, base, required: false });
  const lookup = {
    reach: '',
    beside: () => undefined,
    find: (type: string, url: string) =>
      Promise.resolve(
        type === 'Questionnaire' && url.endsWith('/large')
          ? [{ name: 'Questionnaire/large', updated: 0, text: JSON.stringify(form) }]
          : [],
      ),
    read: () => Promise.resolve(undefined),
  };
  const jobs: AnswersJob[] = [];
  for (const [next, was] of [
    [response('completed', 'a', 'x', 'x'), undefined],
    [response('completed', 'z'), undefined],
    [response('completed', 'z'), response('completed', 'a')],
    [response('amended', 'z'), response('completed', 'a')],
    [response('entered-in-error', 'z'), response('completed', 'a')],
    [{ ...response('in-progress'), questionnaire: 'http://example.org/Questionnaire/other' }, response('amended')],
  ] as const) {
    const { item: _, ...head } = next;
    const before = was && JSON.stringify(was);
    const aside = {
      text: JSON.stringify(next),
      run: async (job: AnswersJob) => {
        jobs.push(job);
        return (await shared.prepare({ kind: 'answers', job })).issues ?? [];
      },
    };
    const here = await checks.check(next, lookup, before);
    expect(await checks.check(head as Resource, lookup, before, aside)).toEqual(here);
    expect(here.length > 0).toBe(next.status !== 'entered-in-error');
  }
  expect(jobs.map(({ form: own, was }) => [own !== undefined, was !== undefined])).toEqual([
    [true, false],
    [true, false],
    [true, true],
    [true, true],
    [false, true],
  ]);
});

const rows = JSON.parse(readFileSync('test/cases/structure.json', 'utf8')) as { resource: { resourceType?: string } }[];
const decimal = fc
  .tuple(fc.integer({ min: -999, max: 999 }), fc.stringMatching(/^(\.[0-9]{1,12})?([eE][+-]?[0-9])?$/))
  .map(([whole, rest]) => `${whole}${rest}`);
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((text) => /\S/.test(text));
const observation = fc
  .record({
    value: decimal,
    low: decimal,
    text: words,
    versionId: fc.boolean(),
    indented: fc.boolean(),
    tag: fc.option(words, { nil: undefined }),
    subject: fc.constantFrom('Patient/1', `${base}/Patient/2`, 'http://other.example/Patient/3', '#it'),
  })
  .map(({ value, low, text, versionId, indented, tag, subject }) => {
    const meta = {
      ...(versionId ? { versionId: '9' } : {}),
      ...(tag === undefined ? {} : { tag: [{ display: tag }] }),
    };
    const resource = {
      resourceType: 'Observation',
      id: 'mine',
      ...(Object.keys(meta).length === 0 ? {} : { meta }),
      extension: [{ url: 'http://example.org/e', valueDecimal: 'VALUE' }],
      status: 'final',
      code: { text },
      subject: { reference: subject },
      valueQuantity: { value: 'VALUE', unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
      referenceRange: [{ low: { value: 'LOW' } }],
    };
    return JSON.stringify(resource, undefined, indented ? 1 : 0)
      .replaceAll('"VALUE"', value)
      .replaceAll('"LOW"', low);
  });

test('text, search values and issues are those that the server makes of the same body, digits and all', async () => {
  await fc.assert(
    fc.asyncProperty(observation, async (text) => {
      const resource = parseJson(text, limits.depth) as Resource;
      const issues = validator.validate(resource);
      const there = storedOf(await shared.prepare(body(text)));
      if (issues.some(({ severity }) => severity === 'error')) {
        expect(there).toMatchObject({ refusal: { class: 'FhirError', issues } });
        return;
      }
      const whole = stamped(resource, stamp);
      expect(there).toMatchObject({ id: 'mine', text: finalText(whole), entries: extract(whole), issues });
    }),
    { numRuns: 150 },
  );
});

const subsetted = { meta: { tag: [{ code: 'SUBSETTED' }] }, status: 'final', code: { text: 'x' } };
const coding = Array.from({ length: limits.searchValues }, (_, index) => ({ code: `c${index}` }));
test.each<{ what: string; text: string; type?: string }>([
  { what: 'no JSON', text: '{"resourceType":"Observation",\n "status" "final"}' },
  { what: 'half of a surrogate pair', text: '{"resourceType":"Observation","x":"\\ud83d"}' },
  { what: 'a number that is too large', text: '{"resourceType":"Observation","valueQuantity":{"value":1e999}}' },
  { what: 'no object', text: '[]' },
  { what: 'null', text: 'null' },
  { what: 'no type', text: '{}' },
  { what: 'another type', text: '{"resourceType":"Patient"}' },
  { what: 'a part of a resource', text: JSON.stringify({ resourceType: 'Observation', ...subsetted }) },
  {
    what: 'more search values than one may have',
    text: JSON.stringify({ resourceType: 'Observation', status: 'final', code: { coding } }),
  },
  { what: 'a Binary', text: '{"resourceType":"Binary","contentType":"text/plain","data":"aGVs bG8="}', type: 'Binary' },
  { what: 'a Binary without data', text: '{"resourceType":"Binary","contentType":"text/plain"}', type: 'Binary' },
  {
    what: 'a resource that refers to others',
    text: '{"resourceType":"Task","status":"requested","intent":"order","focus":{"reference":"Media/1"},"for":{"reference":"Patient/1"}}',
    type: 'Task',
  },
])('$what comes to the same on the thread as here', async ({ text, type }) => {
  expect(await outcome(shared.prepare(body(text, type)))).toEqual(await outcome(prepare(body(text, type))));
});

test('what the rules of structure are tested with comes to the same on the thread as here', async () => {
  for (const { resource } of rows) {
    const text = typeof resource === 'string' ? resource : JSON.stringify(resource);
    const type = /"resourceType":\s*"(\w+)"/.exec(text)?.[1] ?? 'Patient';
    expect(await outcome(shared.prepare(body(text, type)))).toEqual(await outcome(prepare(body(text, type))));
  }
  expect(rows.length).toBeGreaterThan(50);
});

test('a patch of a large resource keeps the digits of both', async () => {
  const text =
    '{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10}}';
  const patch = parseJson('[{"op":"add","path":"/referenceRange","value":[{"low":{"value":2.50}}]}]', limits.depth);
  const { made } = await shared.prepare({ kind: 'json', text, patch: stringify(patch) });
  expect(made?.rest.text).toContain('"valueQuantity":{"value":1.10},"referenceRange":[{"low":{"value":2.50}}]}');
  const bad = await outcome(shared.prepare({ kind: 'json', text, patch: '[{"op":"remove","path":"/issued"}]' }));
  expect(bad).toMatchObject({ thrown: { class: 'FhirError' } });
});

const good = '{"resourceType":"Observation","status":"final","code":{"text":"x"}}';
const dying = (code: string) => () => new Worker(code, { eval: true });
const endsAtOnce = dying('process.exit(3)');
const endsWhenAsked = dying(
  `const { parentPort } = require('node:worker_threads'); parentPort.on('message', () => process.exit(4)); parentPort.postMessage('ready');`,
);

test('without a thread the server does the work, says so once, and tries again later', async () => {
  const said: string[] = [];
  let starts = 0;
  const start = () => {
    starts += 1;
    return endsAtOnce();
  };
  const aside = asideWith({ start, idleMs: 300, lost: (error) => said.push(String(error)) });
  const done = await Promise.all([1, 2, 3].map(() => aside.prepare(body(good))));
  expect(done.map((one) => storedOf(one))).toEqual([1, 2, 3].map(() => expect.objectContaining({ issues: [] })));
  await aside.prepare(body(good));
  expect([said, starts]).toEqual([['Error: The thread for large bodies ended with code 3.'], 1]);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await aside.prepare(body(good));
  expect([said.length, starts]).toEqual([2, 2]);
});

const onLinux = process.platform === 'linux' ? test : test.failing;
onLinux('where both want a core, the thread stands back for the one that answers requests', async () => {
  const niceOf = (task: string): string | undefined =>
    readFileSync(`/proc/self/task/${task}/stat`, 'utf8').split(') ')[1]?.split(' ')[16];
  const before = new Set(readdirSync('/proc/self/task'));
  await asideWith().prepare(body('{"resourceType":"Observation","status":"final","code":{"text":"x"}}'));
  const niced = readdirSync('/proc/self/task').filter((task) => !before.has(task) && niceOf(task) !== '0');
  expect([niceOf(String(process.pid)), niced.map(niceOf)]).toEqual(['0', ['10']]);
});

test('a thread that dies takes what it had with it, and nothing else', async () => {
  const said: string[] = [];
  const aside = asideWith({ start: endsWhenAsked, lost: (error) => said.push(String(error)) });
  const [first, second] = await Promise.allSettled([aside.prepare(body(good)), aside.prepare(body(good))]);
  expect(first).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable', headers: { 'Retry-After': '1' } } });
  expect(second).toMatchObject({ status: 'fulfilled', value: { made: { issues: [] } } });
  expect(said).toEqual(['Error: The thread for large bodies ended with code 4.']);
});

test('so many may wait; a thread that nobody needs ends; and a stop lets nobody wait', async () => {
  const threads: Worker[] = [];
  const silent = () => {
    const thread = dying(`require('node:worker_threads').parentPort.on('message', () => {})`)();
    threads.push(thread);
    return thread;
  };
  const aside = asideWith({ start: silent });
  const waiting = Array.from({ length: limits.asideWaiting }, () => outcome(aside.prepare(body(good))));
  expect(await outcome(aside.prepare(body(good)))).toMatchObject({ thrown: { issues: [{ code: 'transient' }] } });
  await aside.close();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => ({ thrown: expect.objectContaining({ headers: {} }) })));
  expect(await outcome(aside.prepare(body(good)))).toMatchObject({ thrown: { class: 'FhirError' } });

  const answers = `const { parentPort } = require('node:worker_threads'); parentPort.on('message', () => parentPort.postMessage({ id: 'x' })); parentPort.postMessage('ready');`;
  const ended: number[] = [];
  const start = () => dying(answers)().on('exit', (code) => ended.push(code));
  const idling = asideWith({ start, idleMs: 50 });
  expect(await idling.prepare(body(good))).toEqual({ id: 'x' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(ended).toHaveLength(1);
  expect(await idling.prepare(body(good))).toEqual({ id: 'x' });
});
