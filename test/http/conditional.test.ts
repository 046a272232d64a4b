/** Conditional create, update, patch and delete, and PATCH itself (R4 http.html#ccreate, #cond-update, #patch). */
import { ask, describeServer, put } from '../support/server.js';

const SYSTEM = 'http://clinic.example/mrn';
const patient = (value: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: SYSTEM, value }],
  ...more,
});

describeServer('conditional interactions', (server) => {
  const search = (value: string) => `identifier=${SYSTEM}|${value}`;
  const create = (value: string, more: object = {}) =>
    ask(`${server.base}/Patient`, { headers: json({ 'If-None-Exist': search(value) }), body: patient(value, more) });
  const on = (method: string, value: string, body?: unknown, headers: Record<string, string> = {}) =>
    ask(`${server.base}/Patient?${search(value)}`, { method, body, headers: json(headers) });

  test('a create whose condition finds nothing creates; found once it answers with what is there; found twice it refuses', async () => {
    const first = await create('cc');
    expect([first.status, first.headers.get('etag')]).toEqual([201, 'W/"1"']);
    const second = await create('cc', { gender: 'female' });
    expect([second.status, second.body.id, second.body.gender]).toEqual([200, first.body.id, undefined]);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    await put(server.base, patient('cc'));
    expect((await create('cc')).status).toBe(412);
  });

  test('of 64 identical conditional creates at once exactly one creates', async () => {
    const answers = await Promise.all(Array.from({ length: 64 }, () => create('race')));
    const created = answers.filter(({ status }) => status === 201);
    expect([created.length, answers.filter(({ status }) => status === 200).length]).toEqual([1, 63]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  test('the same inside transactions and beside them', async () => {
    const request = { method: 'POST', url: 'Patient', ifNoneExist: search('mixed') };
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [{ resource: patient('mixed'), request }] };
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? create('mixed') : ask(server.base, { body: bundle }))),
    );
    expect(answers.map(({ status }) => status).filter((status) => status > 201)).toEqual([]);
    expect((await ask(`${server.base}/Patient?${search('mixed')}`)).body.total).toBe(1);
  });

  test('update: nothing found creates, one is updated, several are refused, another id is refused', async () => {
    const made = await on('PUT', 'cu', patient('cu'));
    expect(made.status).toBe(201);
    const changed = await on('PUT', 'cu', patient('cu', { gender: 'male' }));
    expect([changed.status, changed.body.id, changed.body.meta.versionId]).toEqual([200, made.body.id, '2']);
    expect((await on('PUT', 'cu', patient('cu', { id: 'other' }))).status).toBe(400);
    expect((await on('PUT', 'cu', patient('cu', { id: 7 }))).status).toBe(400);
    expect((await on('PUT', 'cu', patient('cu'), { 'If-Match': 'W/"1"' })).status).toBe(412);
    await put(server.base, patient('cu'));
    expect((await on('PUT', 'cu', patient('cu'))).status).toBe(412);
  });

  test('update: with an id of its own it is created there, but never over what is there already', async () => {
    const made = await on('PUT', 'own', patient('own', { id: 'own-id' }));
    expect([made.status, made.body.id]).toEqual([201, 'own-id']);
    const clash = await on('PUT', 'another', patient('another', { id: 'own-id' }));
    expect([clash.status, clash.body.issue[0].diagnostics]).toEqual([409, expect.stringContaining('own-id')]);
  });

  test('of 16 identical conditional updates at once one creates and all are applied', async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => on('PUT', 'cu-race', patient('cu-race'))));
    expect(answers.filter(({ status }) => status === 201).length).toBe(1);
    const { body } = await ask(`${server.base}/Patient?${search('cu-race')}`);
    expect([body.total, body.entry[0].resource.meta.versionId]).toEqual([1, '16']);
  });

  test('delete: nothing found is done already, one is deleted, several are refused unless that is configured', async () => {
    expect((await on('DELETE', 'cd')).status).toBe(204);
    const { id } = await put(server.base, patient('cd'));
    expect((await on('DELETE', 'cd')).status).toBe(204);
    expect((await ask(`${server.base}/Patient/${id}`)).status).toBe(410);
    await put(server.base, patient('cd'));
    await put(server.base, patient('cd'));
    expect((await on('DELETE', 'cd')).status).toBe(412);
    expect((await ask(`${server.base}/Patient?${search('cd')}`)).body.total).toBe(2);
  });

  const jsonPatch = (value: string) => JSON.stringify([{ op: 'add', path: '/gender', value }]);
  const PATCH = { 'Content-Type': 'application/json-patch+json' };

  test('a JSON Patch changes what it says, keeps decimals, and honours If-Match', async () => {
    const body = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":5.40}}';
    const { id } = (await ask(`${server.base}/Observation`, { body })).body;
    const url = `${server.base}/Observation/${id}`;
    const patch = JSON.stringify([{ op: 'replace', path: '/status', value: 'amended' }]);
    const done = await ask(url, { method: 'PATCH', headers: { ...PATCH, 'If-Match': 'W/"1"' }, body: patch });
    expect([done.status, done.headers.get('etag')]).toEqual([200, 'W/"2"']);
    expect(done.text).toContain('"value":5.40');
    expect((await ask(url, { method: 'PATCH', headers: { ...PATCH, 'If-Match': 'W/"1"' }, body: patch })).status).toBe(
      412,
    );
    const failing = JSON.stringify([
      { op: 'replace', path: '/status', value: 'final' },
      { op: 'test', path: '/status', value: 'registered' },
    ]);
    expect((await ask(url, { method: 'PATCH', headers: PATCH, body: failing })).status).toBe(422);
    const invalid = JSON.stringify([{ op: 'remove', path: '/status' }]);
    expect((await ask(url, { method: 'PATCH', headers: PATCH, body: invalid })).status).toBe(400);
    expect((await ask(url)).body).toMatchObject({ status: 'amended', meta: { versionId: '2' } });
    const history = (await ask(`${url}/_history`)).body;
    expect(history.entry[0].request.method).toBe('PATCH');
  });

  test('a FHIRPath Patch does the same', async () => {
    const { id } = await put(server.base, patient('fp', { birthDate: '1970-01-01' }));
    const operation = (parts: object[]) => ({
      resourceType: 'Parameters',
      parameter: [{ name: 'operation', part: parts }],
    });
    const replace = operation([
      { name: 'type', valueCode: 'replace' },
      { name: 'path', valueString: 'Patient.birthDate' },
      { name: 'value', valueDate: '1980-02-02' },
    ]);
    const done = await ask(`${server.base}/Patient/${id}`, { method: 'PATCH', body: replace });
    expect([done.status, done.body.birthDate]).toEqual([200, '1980-02-02']);
    const nowhere = operation([
      { name: 'type', valueCode: 'replace' },
      { name: 'path', valueString: 'Patient.maritalStatus' },
      { name: 'value', valueString: 'x' },
    ]);
    expect((await ask(`${server.base}/Patient/${id}`, { method: 'PATCH', body: nowhere })).status).toBe(422);
  });

  test('a patch of what is not there is 404, of what was deleted 410; by condition it must find one', async () => {
    const url = `${server.base}/Patient/never-was`;
    expect((await ask(url, { method: 'PATCH', headers: PATCH, body: jsonPatch('male') })).status).toBe(404);
    const { id } = await put(server.base, patient('gone'));
    await ask(`${server.base}/Patient/${id}`, { method: 'DELETE' });
    const gone = await ask(`${server.base}/Patient/${id}`, {
      method: 'PATCH',
      headers: PATCH,
      body: jsonPatch('male'),
    });
    expect(gone.status).toBe(410);
    expect((await on('PATCH', 'cp', jsonPatch('male'), PATCH)).status).toBe(404);
    await put(server.base, patient('cp'));
    expect((await on('PATCH', 'cp', jsonPatch('male'), PATCH)).body.gender).toBe('male');
    await put(server.base, patient('cp'));
    expect((await on('PATCH', 'cp', jsonPatch('male'), PATCH)).status).toBe(412);
  });

  test('64 patches at once of one counter-like list are all there', async () => {
    const { id } = await put(server.base, patient('many', { name: [{ family: 'x' }] }));
    const add = (at: number) => JSON.stringify([{ op: 'add', path: '/name/-', value: { family: `f${at}` } }]);
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        ask(`${server.base}/Patient/${id}`, { method: 'PATCH', headers: PATCH, body: add(at) }),
      ),
    );
    const done = answers.filter(({ status }) => status === 200).length;
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([]);
    const { body } = await ask(`${server.base}/Patient/${id}`);
    expect([body.name.length, body.meta.versionId]).toEqual([done + 1, String(done + 1)]);
  });
});

describeServer(
  'where more is demanded',
  (server) => {
    test('a change without If-Match is 428, with it it is made', async () => {
      const { id } = await put(server.base, patient('demanding'));
      const url = `${server.base}/Patient/${id}`;
      for (const method of ['PUT', 'DELETE'])
        expect((await ask(url, { method, body: method === 'PUT' ? { ...patient('x'), id } : undefined })).status).toBe(
          428,
        );
      const headers = json({ 'If-Match': 'W/"1"' });
      expect((await ask(url, { method: 'PUT', headers, body: { ...patient('x'), id } })).status).toBe(200);
    });

    test('a conditional delete deletes all that match, together', async () => {
      const made = [await put(server.base, patient('all')), await put(server.base, patient('all'))];
      const headers = json({ 'If-Match': '*' });
      const url = `${server.base}/Patient?identifier=${SYSTEM}|all`;
      expect((await ask(url, { method: 'DELETE', headers })).status).toBe(204);
      for (const { id } of made) expect((await ask(`${server.base}/Patient/${id}`)).status).toBe(410);
    });
  },
  {},
  { CONDITIONAL_DELETE: 'multiple', REQUIRE_IF_MATCH: 'true' },
);

const json = (headers: Record<string, string>): Record<string, string> => ({
  'Content-Type': 'application/fhir+json',
  ...headers,
});
