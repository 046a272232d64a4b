/** What a token allows, through HTTP: each letter, each context, granular scopes, roles, and where one ends. */
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { withoutPolicy } from '../../src/access/policy.js';
import { routes } from '../../src/http/fhir/routes.js';
import { ask, describeServer, idsOf, type Ask } from '../support/server.js';
import { authenticate, caller } from './callers.js';

const NORTH = 'Organization/north';
const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';

const observation = (patient: string, category = 'laboratory', more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: CATEGORY, code: category }] }],
  code: { text: 'one' },
  subject: { reference: `Patient/${patient}` },
  ...more,
});

/** Each interaction, the letters that it needs, and the request; `id` is an Observation that is there. */
const INTERACTIONS: [string, string, (id: string, patient: string, n: number) => [string, Ask?]][] = [
  ['read', 'r', (id) => [`/Observation/${id}`]],
  ['vread', 'r', (id) => [`/Observation/${id}/_history/1`]],
  ['history-instance', 'r', (id) => [`/Observation/${id}/_history`]],
  ['search-type', 's', () => ['/Observation?status=final']],
  [
    'search-type by POST',
    's',
    () => [
      '/Observation/_search',
      { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'status=final' },
    ],
  ],
  ['search-system', 's', () => ['/?_type=Observation']],
  ['compartment', 's', (_id, patient) => [`/Patient/${patient}/Observation`]],
  ['history-type', 's', () => ['/Observation/_history']],
  ['history-system', 's', () => ['/_history']],
  ['create', 'c', (_id, patient) => ['/Observation', { method: 'POST', body: observation(patient) }]],
  ['update', 'u', (id, patient) => [`/Observation/${id}`, { method: 'PUT', body: { ...observation(patient), id } }]],
  ['patch', 'u', (id) => [`/Observation/${id}`, patchOf()]],
  ['delete', 'd', (id) => [`/Observation/${id}-none`, { method: 'DELETE' }]],
  [
    'conditional create',
    'cs',
    (id, patient) => [
      '/Observation',
      { method: 'POST', headers: { 'If-None-Exist': `_id=${id}` }, body: observation(patient) },
    ],
  ],
  [
    'conditional update',
    'us',
    (id, patient) => [`/Observation?_id=${id}`, { method: 'PUT', body: observation(patient) }],
  ],
  [
    'conditional update that creates',
    'cus',
    (_id, patient, n) => [`/Observation?identifier=new-${n}`, { method: 'PUT', body: observation(patient) }],
  ],
  ['conditional patch', 'us', (id) => [`/Observation?_id=${id}`, patchOf()]],
  ['conditional delete', 'ds', (id) => [`/Observation?_id=${id}-none`, { method: 'DELETE' }]],
];

const patchOf = (): Ask => ({
  method: 'PATCH',
  headers: { 'Content-Type': 'application/json-patch+json' },
  body: JSON.stringify([{ op: 'replace', path: '/status', value: 'final' }]),
});

describeServer(
  'what a token allows',
  (server) => {
    const writer = caller('enforced-writer', { role: 'system', owner: NORTH, scopes: 'system/*.cruds' });
    let [patient, other, id] = ['', '', ''];
    const send = (path: string, headers: Record<string, string>, request: Ask = {}) =>
      ask(`${server.base}${path}`, { ...request, headers: { ...headers, ...request.headers } });
    const post = async (resource: { resourceType: string }, as = writer): Promise<string> => {
      const { body, status, text } = await send(`/${resource.resourceType}`, as, { method: 'POST', body: resource });
      if (status !== 201) throw new Error(text);
      return body.id;
    };
    const specialist = (name: string, scopes: string, more: object = {}) =>
      caller(name, { role: 'specialist', owner: NORTH, user: name, scopes, ...more });
    const app = (name: string, scopes: string, more: object = {}) =>
      caller(name, {
        role: 'patient',
        owner: NORTH,
        user: name,
        scopes,
        patient,
        fhirUser: `Patient/${patient}`,
        ...more,
      });

    beforeAll(async () => {
      patient = await post({ resourceType: 'Patient' });
      other = await post({ resourceType: 'Patient' });
      id = await post(observation(patient));
      await post(observation(other));
    });

    describe.each(['patient', 'user', 'system'])('S-SCOPE-03, S-SCOPE-04 in the context %s', (context) => {
      test.each(['c', 'r', 'u', 'd', 's', 'cs', 'us', 'ds', 'cus', 'cruds'])('.%s', async (letters) => {
        const scopes = `${context}/Observation.${letters}`;
        const as =
          context === 'system'
            ? caller(scopes, { role: 'system', owner: NORTH, scopes })
            : specialist(scopes, scopes, context === 'patient' ? { patient } : {});
        for (const [n, [name, needs, requestOf]] of INTERACTIONS.entries()) {
          const [path, request] = requestOf(id, patient, n);
          const { status, headers, body } = await send(path, as, request);
          const allowed = needs.split('').every((letter) => letters.includes(letter));
          expect([name, allowed ? status < 300 : status]).toEqual([name, allowed ? true : 403]);
          if (allowed) continue;
          expect(body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'forbidden' }] });
          expect(headers.get('WWW-Authenticate')).toMatch(/^Bearer error="insufficient_scope", scope="[a-z]+\/.*"$/);
        }
      });
    });

    test('S-SCOPE-03 to write to what was deleted is an update, within what updates may reach', async () => {
      const gone = await post(observation(patient));
      expect((await send(`/Observation/${gone}`, writer, { method: 'DELETE' })).status).toBe(204);
      const put = async (scopes: string, whose: string) => {
        const as = specialist(`back ${scopes}`, scopes, { patient });
        const body = { ...observation(whose), id: gone };
        return (await send(`/Observation/${gone}`, as, { method: 'PUT', body })).status;
      };
      expect(await put('user/Observation.crds', patient)).toBe(403);
      expect(await put('patient/Observation.us', other)).toBe(403);
      expect(await put('user/Observation.us patient/Observation.cruds', other)).toBe(201);
      expect((await send(`/Observation/${gone}`, writer, { method: 'DELETE' })).status).toBe(204);
    });

    test('S-SCOPE-05 each entry is asked for by itself: a batch answers it, a transaction is refused whole', async () => {
      const as = specialist('entries', 'user/Observation.cr');
      const entry = [
        { request: { method: 'GET', url: `Observation/${id}` } },
        { request: { method: 'GET', url: 'Observation?status=final' } },
        { request: { method: 'POST', url: 'Observation' }, resource: observation(patient) },
        { request: { method: 'DELETE', url: `Observation/${id}` } },
      ];
      const batch = await send('', as, { method: 'POST', body: { resourceType: 'Bundle', type: 'batch', entry } });
      const statuses = batch.body.entry.map((one: any) => one.response.status.slice(0, 3));
      expect(statuses).toEqual(['200', '403', '201', '403']);
      const before = (await send('/Observation?_summary=count', writer)).body.total;
      const whole = await send('', as, {
        method: 'POST',
        body: { resourceType: 'Bundle', type: 'transaction', entry },
      });
      expect([whole.status, whole.body.issue[0].expression]).toEqual([403, ['Bundle.entry[3]']]);
      expect((await send('/Observation?_summary=count', writer)).body.total).toBe(before);
    });

    test('S-SCOPE-06 a granular scope gives its values, and no page, total, read or write beyond them', async () => {
      const vital = await post(observation(patient, 'vital-signs'));
      const survey = await post(observation(patient, 'survey'));
      const as = app(
        'granular',
        `patient/Observation.rus?category=${CATEGORY}|vital-signs patient/Observation.rs?category=${CATEGORY}|survey`,
      );
      const found = await send('/Observation?_total=accurate&_count=100', as);
      expect(idsOf(found.body).sort()).toEqual([vital, survey].sort());
      expect(found.body.total).toBe(2);
      expect((await send(`/Observation/${id}`, as)).status).toBe(404);
      expect((await send(`/Observation/${survey}`, as)).status).toBe(200);
      const move = { method: 'PUT', body: { ...observation(patient, 'laboratory'), id: vital } };
      expect((await send(`/Observation/${vital}`, as, move)).status).toBe(403);
      const change = { method: 'PUT', body: { ...observation(patient, 'survey'), id: survey } };
      expect((await send(`/Observation/${survey}`, as, change)).status).toBe(403);
      const stay = { method: 'PUT', body: { ...observation(patient, 'vital-signs'), id: vital } };
      expect((await send(`/Observation/${vital}`, as, stay)).status).toBe(200);
    });

    test.each(['category:in=http://x', 'nothing=a', 'subject=Patient/1&_count=2', 'category'])(
      'S-SCOPE-11 a granular scope with %s, which is not served, gives nothing',
      async (query) => {
        const as = app(`odd ${query}`.replaceAll(' ', '-'), `patient/Observation.rs?${query}`);
        expect((await send('/Observation', as)).status).toBe(403);
      },
    );

    test('S-SCOPE-09 about no patient: a directory and forms are read in a patient’s context, Tasks are not', async () => {
      const practitioner = await post({ resourceType: 'Practitioner' });
      const task = await post({ resourceType: 'Task', status: 'requested', intent: 'order' } as never);
      const as = app('beside', 'patient/*.rs');
      expect((await send(`/Practitioner/${practitioner}`, as)).status).toBe(200);
      expect((await send('/Questionnaire?_count=1', as)).body.entry).toHaveLength(1);
      expect((await send(`/Task/${task}`, as)).status).toBe(403);
    });

    test('S-SCOPE-12 a token with several contexts has what each gives', async () => {
      const both = specialist('both', 'patient/Observation.rs user/Patient.rs', { patient });
      expect((await send(`/Patient/${other}`, both)).status).toBe(200);
      const subjects = (await send('/Observation?_count=100', both)).body.entry.map((one: any) => one.resource.subject);
      expect(new Set(subjects.map((one: any) => one.reference))).toEqual(new Set([`Patient/${patient}`]));
      const person = specialist('person-with-system', 'system/Observation.rs');
      expect((await send('/Observation', person)).status).toBe(403);
    });

    test('L-06 a chain through what may not be searched is refused, not answered', async () => {
      const as = specialist('chains', 'user/Observation.rs');
      for (const query of [
        '/Observation?subject:Patient.name=a',
        '/Observation?_has:DiagnosticReport:result:status=final',
      ])
        expect([query, (await send(query, as)).status]).toEqual([query, 403]);
      const included = await send(`/Observation?_id=${id}&_include=Observation:subject`, as);
      expect(included.body.entry).toHaveLength(1);
    });

    test('L-08 an answer shows nothing that the token may not read', async () => {
      const as = specialist('writes-only', 'user/Observation.cus');
      const patched = await send(`/Observation/${id}`, as, patchOf());
      expect([patched.status, patched.text]).toEqual([200, '']);
      const known = { method: 'POST', headers: { 'If-None-Exist': `_id=${id}` }, body: observation(patient) };
      const found = await send('/Observation', as, known);
      expect([found.status, found.text]).toEqual([200, '']);
      const entry = [
        { request: { method: 'PUT', url: `Observation/${id}` }, resource: { ...observation(patient), id } },
      ];
      const done = await send('', as, { method: 'POST', body: { resourceType: 'Bundle', type: 'transaction', entry } });
      expect(done.body.entry[0].resource).toBeUndefined();
    });

    test('L-09 nobody moves a resource out of their reach, or into it', async () => {
      const as = app('mover', 'patient/*.cruds');
      const mine = await post(observation(patient), as);
      const out = await send(`/Observation/${mine}`, as, { method: 'PUT', body: { ...observation(other), id: mine } });
      // The other patient is not there for this one, so neither is the reference.
      expect(out.status).toBe(403);
      const added = await send('/Observation', as, { method: 'POST', body: observation(other) });
      expect(added.status).toBe(403);
      const orphan = { ...observation(patient), subject: undefined };
      expect((await send('/Observation', as, { method: 'POST', body: orphan })).status).toBe(403);
      expect((await send(`/Observation/${mine}`, as)).body.subject.reference).toBe(`Patient/${patient}`);
    });

    test('T-01 who writes decides whose it is; ids are the server’s, except for an import', async () => {
      const south = caller('south', { role: 'system', owner: 'Organization/south', scopes: 'system/*.cruds' });
      const said = {
        resourceType: 'Patient',
        managingOrganization: { display: 'north' },
        meta: { tag: [{ code: NORTH }] },
      };
      const theirs = await post(said, south);
      expect((await send(`/Patient/${theirs}`, writer)).status).toBe(404);
      const chosen = { method: 'PUT', body: { resourceType: 'Patient', id: 'chosen' } };
      expect((await send('/Patient/chosen', writer, chosen)).status).toBe(404);
      const administrator = caller('import', {
        role: 'administrator',
        owner: NORTH,
        user: 'a',
        scopes: 'user/*.cruds',
      });
      expect((await send('/Patient/chosen', administrator, chosen)).status).toBe(201);
      expect((await send('/Patient/chosen', writer, chosen)).status).toBe(200);
    });

    test('L-02 a version is seen by whom it is about, as long as what it became is', async () => {
      const wandering = await post(observation(other));
      const moved = { method: 'PUT', body: { ...observation(patient), id: wandering } };
      await send(`/Observation/${wandering}`, writer, moved);
      const mine = app('mine', 'patient/*.rs');
      const before = app('before', 'patient/*.rs', { patient: other, fhirUser: `Patient/${other}` });
      const versions = async (as: Record<string, string>) =>
        (await send(`/Observation/${wandering}/_history`, as)).body.entry?.map(
          (one: any) => one.resource.meta.versionId,
        );
      expect([await versions(mine), await versions(before)]).toEqual([['2'], undefined]);
      expect((await send(`/Observation/${wandering}/_history/1`, mine)).status).toBe(404);
      expect((await send(`/Observation/${wandering}/_history/1`, before)).status).toBe(404);
      await send(`/Observation/${wandering}`, writer, { method: 'DELETE' });
      expect((await send(`/Observation/${wandering}`, mine)).status).toBe(410);
      expect((await send(`/Observation/${wandering}`, before)).status).toBe(404);
    });

    test('L-10 bytes follow their securityContext, and else who shows them', async () => {
      const upload = async (headers: Record<string, string>, as = writer) =>
        send('/Binary', as, {
          method: 'POST',
          headers: { 'Content-Type': 'text/plain', ...headers },
          body: 'bytes',
        });
      const mine = app('bytes', 'patient/*.cruds');
      const seen = async (binary: string) =>
        (await send(`/Binary/${binary}`, mine, { headers: { Accept: 'text/plain' } })).status;
      const context = (await upload({ 'X-Security-Context': `Patient/${patient}` })).body.id;
      const record = (await upload({ 'X-Security-Context': `Observation/${id}` })).body.id;
      const elsewhere = (await upload({ 'X-Security-Context': `Patient/${other}` })).body.id;
      const unshown = (await upload({})).body.id;
      expect([await seen(context), await seen(record), await seen(elsewhere), await seen(unshown)]).toEqual([
        200, 200, 404, 404,
      ]);
      const media = (binary: string) => ({
        resourceType: 'Media',
        status: 'completed',
        subject: { reference: `Patient/${patient}` },
        content: { url: `Binary/${binary}` },
      });
      await post(media(unshown));
      expect(await seen(unshown)).toBe(200);
      await post(media(elsewhere));
      expect(await seen(elsewhere)).toBe(404);
      expect((await send('/Media', mine, { method: 'POST', body: media(elsewhere) })).status).toBe(422);
      expect((await upload({}, mine)).status).toBe(403);
      const own = await upload({ 'X-Security-Context': `Patient/${patient}` }, mine);
      expect([own.status, await seen(own.body.id)]).toEqual([201, 200]);
    });

    test('L-14 a cursor is for whom it was made', async () => {
      for (let n = 0; n < 3; n += 1) await post(observation(patient));
      const nextOf = (body: any) => body.link.find((link: any) => link.relation === 'next').url as string;
      const mine = app('pages', 'patient/*.rs');
      for (const path of ['/Observation?_count=1', '/Observation/_history?_count=1']) {
        const next = nextOf((await send(path, writer)).body);
        expect([path, (await ask(next, { headers: mine })).status]).toEqual([path, 400]);
        const own = nextOf((await send(path, mine)).body);
        expect([path, (await ask(own, { headers: mine })).status]).toEqual([path, 200]);
        const renewed = app('pages', 'patient/*.rs', { id: 'after a refresh' });
        expect([path, (await ask(own, { headers: renewed })).status]).toEqual([path, 200]);
      }
    });

    test('an Idempotency-Key is a client’s own', async () => {
      const headers = { 'Idempotency-Key': 'the-same-key' };
      const one = { method: 'POST', headers, body: observation(patient) };
      const [first, second] = [specialist('client-1', 'user/*.cruds'), specialist('client-2', 'user/*.cruds')];
      const [a, b] = [await send('/Observation', first, one), await send('/Observation', second, one)];
      expect([a.status, b.status, a.body.id === b.body.id]).toEqual([201, 201, false]);
      expect((await send('/Observation', first, one)).body.id).toBe(a.body.id);
    });

    test.each<[string, string, object, string, number]>([
      ['auditor', 'user/*.cruds', {}, '/Patient', 403],
      ['auditor', 'user/*.cruds', {}, '/AuditEvent', 200],
      ['specialist', 'user/*.cruds', {}, '/AuditEvent', 403],
      ['administrator', 'user/*.cruds', {}, '/AuditEvent', 403],
      ['specialist', 'user/*.cruds', {}, '/Subscription', 403],
      ['specialist', 'user/*.cruds', {}, '/Person', 200],
      ['patient', 'patient/*.cruds', {}, '/Person', 403],
      ['patient', 'patient/*.cruds', {}, '/Group', 403],
      ['patient', 'patient/*.cruds', {}, '/AuditEvent', 200],
      ['related-person', 'patient/*.cruds', {}, '/Observation', 200],
      ['patient', 'user/*.cruds', { fhirUser: undefined, patient: undefined }, '/Observation', 403],
      ['patient', 'patient/*.cruds', { fhirUser: 'Patient/another' }, '/Observation', 200],
    ])('L-16 the role %s with %s %j at %s', async (role, scopes, more, path, status) => {
      const as = app(`${role}-${path}`.replace('/', ''), scopes, { role, ...more });
      const answer = await send(path, as);
      expect(answer.status).toBe(status);
      if ('fhirUser' in more) expect(idsOf(answer.body ?? {})).toEqual([]);
    });

    test('only the operator erases', async () => {
      const as = caller('eraser', { role: 'administrator', owner: NORTH, user: 'e', scopes: 'user/*.cruds' });
      expect((await send(`/Patient/${other}/$purge`, as, { method: 'POST' })).status).toBe(403);
    });

    test('a delete names those who refer to it as far as they are seen', async () => {
      const referred = await post({ resourceType: 'Patient' });
      const observed = await post(observation(referred));
      await post({
        resourceType: 'Condition',
        subject: { reference: `Patient/${referred}` },
      } as never);
      const as = specialist('deletes', 'user/Patient.crud user/Observation.r');
      const { status, text } = await send(`/Patient/${referred}`, as, { method: 'DELETE' });
      expect(status).toBe(409);
      expect(text).toContain(`Observation/${observed}`);
      expect(text).not.toContain('Condition/');
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce' },
  authenticate,
);

test('V-08 a route, an operation or a type without a policy keeps the server from starting', () => {
  const { resourceTypes, compartments } = loadDefinitions();
  const members = new Set(compartments.get('Patient')?.keys());
  expect(withoutPolicy(routes, resourceTypes, members)).toEqual([]);
  const more = [
    ...routes,
    { path: ':type/:id/$everything', interaction: 'operation' },
    { path: ':type', interaction: 'merge' },
  ];
  expect(withoutPolicy(more, [...resourceTypes, 'Transport'], members)).toEqual([
    'The route ":type" is of the interaction merge, which has no policy.',
    'The operation $everything has no policy.',
    'The resource type Transport has no policy.',
  ]);
});
