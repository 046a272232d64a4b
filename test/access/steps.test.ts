/** Task as the meeting point: which step is whose, as a table, and through every way in which a Task can be written. */
import { demandStep, type Part } from '../../src/access/steps.js';
import type { Principal } from '../../src/access/principal.js';
import { FhirError } from '../../src/fhir/outcome.js';
import { ask, describeServer, type Answer, type Ask } from '../support/server.js';
import { authenticate, caller } from './callers.js';

type Json = any;
interface Caller {
  Authorization: string;
}

const STATUSES =
  'draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error'.split(
    ' ',
  );

/** As docs/sharing.md says it: from, who, and to what. */
const ALLOWED = `
draft       requester  requested cancelled
requested   performer  received accepted rejected
requested   requester  ready cancelled
received    performer  accepted rejected
received    requester  cancelled
accepted    performer  in-progress on-hold failed
accepted    requester  on-hold cancelled
ready       performer  in-progress
ready       requester  cancelled
in-progress performer  on-hold completed failed
in-progress requester  on-hold cancelled
on-hold     performer  in-progress failed
on-hold     requester  in-progress cancelled`
  .trim()
  .split('\n')
  .map((line) => line.split(/\s+/));

const mayTake = (part: Part, from: string, to: string): boolean =>
  from === to ||
  (part !== 'performer' && to === 'entered-in-error') ||
  ALLOWED.some(
    ([at, who, ...steps]) => at === from && who === part.replace('coordinator', 'requester') && steps.includes(to),
  );

const PRINCIPALS: Record<Part, Principal> = {
  performer: { name: 'p', role: 'specialist', owner: 'hospital', owners: ['hospital'] },
  requester: { name: 'r', role: 'referrer', owner: 'clinic', owners: ['clinic'] },
  coordinator: { name: 'c', role: 'coordinator', owner: 'clinic', owners: ['clinic'] },
};

function refusalOf(part: Part, was: object, next: object, asked = { was: 'hospital', next: 'hospital' }): string {
  try {
    demandStep(PRINCIPALS[part], {
      name: 'Task/1',
      organization: 'clinic',
      was: was as Json,
      next: next as Json,
      asked,
    });
    return '';
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    expect([error.status, error.issues[0]?.expression?.[0]]).toEqual([403, expect.stringMatching(/^Task\./)]);
    return error.message;
  }
}

describe.each(Object.keys(PRINCIPALS) as Part[])('the steps of the %s', (part) => {
  test.each(STATUSES)('from %s', (from) => {
    const told = STATUSES.map((to) => [to, refusalOf(part, { status: from }, { status: to }) === '']);
    expect(told).toEqual(STATUSES.map((to) => [to, mayTake(part, from, to)]));
  });
});

test('a refusal names the step, who may take it, and what the caller may', () => {
  expect(refusalOf('requester', { status: 'requested' }, { status: 'accepted' })).toBe(
    'Task/1 is between two organizations. The step requested → accepted is not for the requester. It is for the performer; the requester may go on to ready, cancelled, entered-in-error. Nothing was written.',
  );
  expect(refusalOf('performer', { status: 'completed' }, { status: 'requested' })).toContain(
    'Nobody may take it; the performer takes no step from there.',
  );
});

const owner = (reference: string) => ({ owner: { reference } });
const note = (text: string) => ({ text });

test.each<[Part, string, object, object, boolean]>([
  [
    'performer',
    'status reason, business status, period',
    {},
    { statusReason: note('a'), businessStatus: note('b'), executionPeriod: {} },
    true,
  ],
  ['performer', 'when it was modified', { lastModified: '2026-01-01' }, { lastModified: '2026-01-02' }, true],
  ['performer', 'another note', { note: [note('a')] }, { note: [note('a'), note('b')] }, true],
  ['performer', 'no note where one was', { note: [note('a')] }, { note: undefined }, false],
  ['performer', 'another text of a note', { note: [note('a')] }, { note: [note('b')] }, false],
  ['performer', 'the same in another order of members', { input: [{ a: 1, b: 2 }] }, { input: [{ b: 2, a: 1 }] }, true],
  ['performer', 'an output', {}, { output: [note('a')] }, true],
  ['performer', 'an output taken away', { output: [note('a'), note('b')] }, { output: [note('b')] }, false],
  ['performer', 'the input', { input: [note('a')] }, { input: [note('b')] }, false],
  ['performer', 'the description', {}, { description: 'x' }, false],
  ['performer', 'the priority taken away', { priority: 'stat' }, { priority: undefined }, false],
  ['performer', 'whom it is for', { for: { reference: 'Patient/1' } }, { for: { reference: 'Patient/2' } }, false],
  ['performer', 'who receives it', {}, { restriction: { repetitions: 1 } }, false],
  ['requester', 'the description', {}, { description: 'x' }, true],
  ['requester', 'another output', { output: [note('a')] }, { output: [note('a'), note('b')] }, true],
  ['requester', 'an output taken away', { output: [note('a')] }, { output: undefined }, false],
  ['requester', 'a note taken away', { note: [note('a')] }, { note: [note('b')] }, false],
  ['requester', 'the owner', owner('Practitioner/1'), owner('Practitioner/2'), false],
  [
    'requester',
    'the owner of a draft',
    { ...owner('Practitioner/1'), status: 'draft' },
    { ...owner('Practitioner/2'), status: 'draft' },
    true,
  ],
  ['coordinator', 'the owner', owner('Practitioner/1'), owner('Practitioner/2'), true],
  [
    'coordinator',
    'the owner of what is under way',
    { ...owner('Practitioner/1'), status: 'accepted' },
    owner('Practitioner/2'),
    true,
  ],
  [
    'coordinator',
    'the owner, as if the other had accepted',
    owner('Practitioner/1'),
    { ...owner('Practitioner/2'), status: 'accepted' },
    false,
  ],
  [
    'coordinator',
    'the owner of what has ended',
    { ...owner('Practitioner/1'), status: 'rejected' },
    owner('Practitioner/2'),
    false,
  ],
])('the %s changes %s', (part, _what, was, next, allowed) => {
  const [before, after] = [
    { status: 'requested', ...was },
    { status: 'requested', ...next },
  ];
  expect(refusalOf(part, before, after) === '').toBe(allowed);
});

test.each([
  ['whom it names by Task.owner takes its steps, not who merely receives it', { was: undefined, next: undefined }],
  ['the performer hands it on in its own house only', { was: 'hospital', next: 'lab' }],
  ['and does not let go of it', { was: 'hospital', next: undefined }],
])('%s', (_promise, asked) => {
  expect(refusalOf('performer', { status: 'requested' }, { status: 'accepted' }, asked as never)).toContain(
    'rganization',
  );
});

const clinic = caller('steps-clinic', { role: 'system', owner: 'clinic', scopes: 'system/*.cruds' });
const coordinator = caller('steps-coordinator', {
  role: 'coordinator',
  owner: 'clinic',
  user: 'c',
  scopes: 'user/*.cruds',
});
const specialist = caller('steps-specialist', {
  role: 'specialist',
  owner: 'hospital',
  user: 's',
  scopes: 'user/*.cruds',
});
const colleague = caller('steps-colleague', {
  role: 'specialist',
  owner: 'hospital',
  user: 't',
  scopes: 'user/*.cruds',
});
const outsider = caller('steps-outsider', { role: 'coordinator', owner: 'lab', user: 'o', scopes: 'user/*.cruds' });

describeServer(
  'a Task between two organizations',
  (server) => {
    const send = (path: string, as: Caller, request: Ask = {}): Promise<Answer> =>
      ask(`${server.base}/${path}`, { ...request, headers: { ...as, ...request.headers } });
    const post = async (resource: { resourceType: string; [element: string]: unknown }, as = clinic): Promise<Json> => {
      const { body, status, text } = await send(resource.resourceType, as, { method: 'POST', body: resource });
      if (status !== 201) throw new Error(`${status} ${text}`);
      return body;
    };
    let [request, doctor, other] = ['', '', ''];
    const taskOf = (more: object = {}) =>
      post({
        resourceType: 'Task',
        status: 'requested',
        intent: 'order',
        focus: { reference: request },
        owner: { reference: doctor },
        ...more,
      });

    beforeAll(async () => {
      const refers = async (resource: { resourceType: string; [element: string]: unknown }, as = clinic) => {
        const { id } = await post(resource, as);
        return `${resource.resourceType}/${id}`;
      };
      const office = caller('steps-office', {
        role: 'coordinator',
        owner: 'hospital',
        user: 'k',
        scopes: 'user/*.cruds',
      });
      doctor = await refers({ resourceType: 'Practitioner' }, office);
      other = await refers({ resourceType: 'Practitioner' }, outsider);
      const subject = { reference: await refers({ resourceType: 'Patient' }) };
      request = await refers({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject });
    });

    const changed = (task: Json, more: object, headers: Record<string, string> = {}) => ({
      method: 'PUT',
      headers,
      body: { ...task, ...more },
    });

    /** Every way to write a status. */
    const WAYS: [string, (task: Json, status: string) => [string, Ask]][] = [
      ['PUT', (task, status) => [`Task/${task.id}`, changed(task, { status })]],
      ['PUT by condition', (task, status) => [`Task?_id=${task.id}`, changed(task, { status })]],
      [
        'PATCH',
        ({ id }, status) => [
          `Task/${id}`,
          {
            method: 'PATCH',
            headers: { 'Content-Type': 'application/json-patch+json' },
            body: JSON.stringify([{ op: 'replace', path: '/status', value: status }]),
          },
        ],
      ],
      [
        'FHIRPath Patch',
        ({ id }, status) => [
          `Task/${id}`,
          {
            method: 'PATCH',
            body: {
              resourceType: 'Parameters',
              parameter: [
                {
                  name: 'operation',
                  part: [
                    { name: 'type', valueCode: 'replace' },
                    { name: 'path', valueString: 'Task.status' },
                    { name: 'value', valueCode: status },
                  ],
                },
              ],
            },
          },
        ],
      ],
      [
        'a transaction',
        (task, status) => [
          '',
          {
            method: 'POST',
            body: {
              resourceType: 'Bundle',
              type: 'transaction',
              entry: [{ request: { method: 'PUT', url: `Task/${task.id}` }, resource: { ...task, status } }],
            },
          },
        ],
      ],
    ];

    test.each(WAYS)('by %s the asked one accepts, and nobody else', async (way, write) => {
      const task = await taskOf();
      for (const [as, code] of [
        [clinic, 403],
        [coordinator, 403],
        [outsider, way.includes('condition') ? 400 : 404],
      ] as const) {
        const refused = await send(...withCaller(write(task, 'accepted'), as));
        expect([way, refused.status, refused.text]).toEqual([way, code, expect.stringContaining('OperationOutcome')]);
      }
      const done = await send(...withCaller(write(task, 'accepted'), specialist));
      expect([way, done.status]).toEqual([way, 200]);
      const now = await send(`Task/${task.id}`, clinic);
      expect([now.body.status, now.body.meta.versionId]).toEqual(['accepted', '2']);
      const over = await send(...withCaller(write(now.body, 'completed'), specialist));
      expect([over.status, over.body.issue[0].code]).toEqual([403, 'forbidden']);
      expect(over.body.issue[0].diagnostics).toContain('accepted → completed');
    });

    const withCaller = ([path, request]: [string, Ask], as: Caller): [string, Caller, Ask] => [path, as, request];

    test('from request to report: each takes its own steps, and the Task stays whose it is', async () => {
      const { id } = await taskOf();
      const step = async (as: Caller, more: object) => {
        const { body } = await send(`Task/${id}`, as);
        return (await send(`Task/${id}`, as, changed(body, more))).status;
      };
      expect(await step(specialist, { status: 'received' })).toBe(200);
      expect(await step(specialist, { status: 'accepted', note: [{ text: 'Tomorrow.' }] })).toBe(200);
      expect(await step(clinic, { status: 'on-hold' })).toBe(200);
      expect(await step(clinic, { status: 'in-progress' })).toBe(200);
      expect(await step(specialist, { input: [{ type: { text: 'x' }, valueString: 'y' }] })).toBe(403);
      expect(await step(clinic, { note: undefined })).toBe(403);
      const { id: report } = await post(
        { resourceType: 'Observation', status: 'final', code: { text: 'one' }, basedOn: [{ reference: request }] },
        specialist,
      );
      const output = [{ type: { text: 'Report' }, valueReference: { reference: `Observation/${report}` } }];
      expect(await step(specialist, { status: 'completed', output })).toBe(200);
      expect(await step(clinic, { output: undefined })).toBe(403);
      expect(await step(clinic, { description: 'Thank you.' })).toBe(200);
      expect((await send(`Task/${id}`, specialist, { method: 'DELETE' })).status).toBe(403);
      expect((await send(`Observation/${report}`, clinic)).status).toBe(200);
    });

    test('one transaction stores the report and completes the Task with it', async () => {
      const task = await taskOf();
      for (const status of ['accepted', 'in-progress'])
        await send(`Task/${task.id}`, specialist, changed(task, { status }));
      const fullUrl = 'urn:uuid:5b1f7b0e-6f0c-4a54-9d3c-0d2a4c1b7e11';
      const observation = { resourceType: 'Observation', status: 'final', code: { text: 'one' } };
      const output = [{ type: { text: 'Finding' }, valueReference: { reference: fullUrl } }];
      const entry = [
        { fullUrl, resource: observation, request: { method: 'POST', url: 'Observation' } },
        {
          resource: { ...task, status: 'completed', output },
          request: { method: 'PUT', url: `Task/${task.id}` },
        },
      ];
      const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
      const done = await send('', specialist, { method: 'POST', body: bundle });
      expect(done.status).toBe(200);
      const [, name = ''] = /(Observation\/[^/]+)/.exec(done.body.entry[0].response.location) ?? [];
      expect((await send(name, clinic)).status).toBe(200);
      expect((await send(`Task/${task.id}`, clinic)).body.output[0].valueReference.reference).toBe(name);
      // What stands in the Task already is not replaced, and that refuses all of it.
      const over = { ...bundle, entry: [entry[0], { ...entry[1], resource: { ...task, status: 'accepted', output } }] };
      const refused = await send('', specialist, { method: 'POST', body: over });
      expect([refused.status, refused.body.issue[0].expression]).toEqual([403, ['Bundle.entry[1].resource.output']]);
    });

    test('who declines sees the case no more, and the coordinator asks another', async () => {
      const asking = async () => {
        const subject = { reference: `Patient/${(await post({ resourceType: 'Patient' })).id}` };
        const { id } = await post({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject });
        return taskOf({ focus: { reference: `ServiceRequest/${id}` } });
      };
      const task = await asking();
      expect((await send(`Task/${task.id}`, specialist, changed(task, { status: 'rejected' }))).status).toBe(200);
      expect((await send(`Task/${task.id}`, specialist)).status).toBe(404);
      const second = await asking();
      const asked = changed(second, { owner: { reference: other } });
      expect((await send(`Task/${second.id}`, clinic, asked)).status).toBe(403);
      expect((await send(`Task/${second.id}`, coordinator, asked)).status).toBe(200);
      expect((await send(`Task/${second.id}`, specialist)).status).toBe(404);
      expect((await send(`Task/${second.id}`, outsider)).status).toBe(200);
    });

    test('two claim it by the version that both saw: one wins', async () => {
      for (let round = 0; round < 20; round += 1) {
        const task = await taskOf();
        const claim = (as: Caller, text: string) =>
          send(
            `Task/${task.id}`,
            as,
            changed(task, { status: 'accepted', note: [{ text }] }, { 'If-Match': `W/"${task.meta.versionId}"` }),
          );
        const codes = (await Promise.all([claim(specialist, 'mine'), claim(colleague, 'mine')])).map(
          (one) => one.status,
        );
        expect([
          codes.filter((code) => code === 200).length,
          codes.every((code) => [200, 409, 412].includes(code)),
        ]).toEqual([1, true]);
        expect((await send(`Task/${task.id}`, clinic)).body.meta.versionId).toBe('2');
      }
    });

    test('in one’s own house Tasks are free', async () => {
      const own = await taskOf({ owner: undefined, focus: undefined });
      for (const status of ['completed', 'requested', 'accepted'])
        expect((await send(`Task/${own.id}`, clinic, changed(own, { status }))).status).toBe(200);
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce' },
  authenticate,
);
