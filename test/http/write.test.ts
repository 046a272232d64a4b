/** create, update and delete (R4 http.html#create, #update, #upsert, #delete, #concurrency, #ops). */
import { ask, describeServer, idsOf, put } from '../support/server.js';

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more });

describeServer('create', (server) => {
  test('assigns id, version and time, whatever the client sent there, and says where', async () => {
    const meta = { versionId: '77', lastUpdated: '1999-01-01T00:00:00Z', tag: [{ system: 'urn:t', code: 'kept' }] };
    const { status, headers, body } = await ask(`${server.base}/Patient`, {
      body: patient({ id: 'mine', meta, active: true }),
    });
    expect(status).toBe(201);
    expect(body.id).not.toBe('mine');
    expect(body.meta).toEqual({ versionId: '1', lastUpdated: expect.stringMatching(/^20.*Z$/), tag: meta.tag });
    expect(Date.now() - Date.parse(body.meta.lastUpdated)).toBeLessThan(10_000);
    expect(headers.get('location')).toBe(`${server.base}/Patient/${body.id}/_history/1`);
    expect(headers.get('etag')).toBe('W/"1"');
  });

  test.each([
    ['minimal', '', undefined],
    ['representation', 'Patient', undefined],
    ['OperationOutcome', 'OperationOutcome', 'information'],
  ])('Prefer: return=%s', async (preference, resourceType, severity) => {
    const { status, body, text, headers } = await ask(`${server.base}/Patient`, {
      headers: { Prefer: `return=${preference}` },
      body: patient(),
    });
    expect(status).toBe(201);
    expect(headers.get('location')).toMatch(/Patient/);
    expect(text === '' ? '' : body.resourceType).toBe(resourceType);
    if (severity !== undefined) expect(body.issue[0].severity).toBe(severity);
  });
});

describeServer('update', (server) => {
  test('replaces the whole resource and counts versions', async () => {
    const { id } = await put(server.base, patient({ gender: 'male', active: true }));
    const { status, headers, body } = await ask(`${server.base}/Patient/${id}`, {
      method: 'PUT',
      body: patient({ id, gender: 'other' }),
    });
    expect([status, headers.get('etag'), headers.get('location')]).toEqual([200, 'W/"2"', null]);
    expect(body).toEqual(patient({ id, meta: { versionId: '2', lastUpdated: expect.any(String) }, gender: 'other' }));
  });

  test('stores under an id that the client chose', async () => {
    const { status, headers } = await ask(`${server.base}/Patient/my-id.1`, {
      method: 'PUT',
      body: patient({ id: 'my-id.1' }),
    });
    expect([status, headers.get('location')]).toEqual([201, `${server.base}/Patient/my-id.1/_history/1`]);
  });

  test.each([
    ['no id', patient(), /has no id/],
    ['another id', patient({ id: 'other' }), /has the id other; the URL says Patient\/one/],
  ])('with %s in the body is 400', async (_name, body, says) => {
    const answer = await ask(`${server.base}/Patient/one`, { method: 'PUT', body });
    expect([answer.status, answer.body.issue[0].expression]).toEqual([400, ['Patient.id']]);
    expect(answer.body.issue[0].diagnostics).toMatch(says);
  });

  test('with If-Match writes over that version only', async () => {
    const { id } = await put(server.base, patient());
    const update = (ifMatch: string) =>
      ask(`${server.base}/Patient/${id}`, { method: 'PUT', headers: { 'If-Match': ifMatch }, body: patient({ id }) });
    expect((await update('W/"1"')).status).toBe(200);
    const stale = await update('W/"1"');
    expect([stale.status, stale.body.issue[0].code]).toEqual([412, 'conflict']);
    expect(stale.body.issue[0].diagnostics).toContain('W/"2", not W/"1"');
    expect((await update('"2"')).status).toBe(200);
    expect((await update('W/"abc"')).status).toBe(412);
    expect((await update('3')).status).toBe(400);
    expect((await update('*')).status).toBe(200);
    const absent = { method: 'PUT', headers: { 'If-Match': 'W/"1"' }, body: patient({ id: 'absent' }) };
    expect((await ask(`${server.base}/Patient/absent`, absent)).status).toBe(412);
    expect((await ask(`${server.base}/Patient/absent`)).status).toBe(404);
  });

  test('of 16 writers with the same If-Match exactly one wins', async () => {
    const { id } = await put(server.base, patient());
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        ask(`${server.base}/Patient/${id}`, {
          method: 'PUT',
          headers: { 'If-Match': 'W/"1"' },
          body: patient({ id, name: [{ family: `w${n}` }] }),
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(15).fill(412)]);
    expect((await ask(`${server.base}/Patient/${id}`)).body.meta.versionId).toBe('2');
  });

  test('16 writers without If-Match all write, one version each', async () => {
    const { id } = await put(server.base, patient());
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => ask(`${server.base}/Patient/${id}`, { method: 'PUT', body: patient({ id }) })),
    );
    const written = answers.filter(({ status }) => status === 200);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect(new Set(written.map(({ body }) => body.meta.versionId)).size).toBe(written.length);
    const { body } = await ask(`${server.base}/Patient/${id}`);
    expect(body.meta.versionId).toBe(String(written.length + 1));
  });
});

describeServer('delete', (server) => {
  test('takes the resource out of reads and searches, and versions go on after it', async () => {
    const { id } = await put(server.base, patient({ identifier: [{ value: 'del-1' }] }));
    const deleted = await ask(`${server.base}/Patient/${id}`, { method: 'DELETE' });
    expect([deleted.status, deleted.text, deleted.headers.get('etag')]).toEqual([204, '', 'W/"2"']);
    expect(idsOf((await ask(`${server.base}/Patient?identifier=del-1`)).body)).toEqual([]);
    const again = await ask(`${server.base}/Patient/${id}`, { method: 'PUT', body: patient({ id }) });
    expect([again.status, again.headers.get('etag')]).toEqual([201, 'W/"3"']);
  });

  test('of nothing is 204, twice is 204 and no version', async () => {
    expect((await ask(`${server.base}/Patient/nobody`, { method: 'DELETE' })).status).toBe(204);
    const { id } = await put(server.base, patient());
    for (let round = 0; round < 2; round += 1) {
      expect((await ask(`${server.base}/Patient/${id}`, { method: 'DELETE' })).status).toBe(204);
    }
    expect((await ask(`${server.base}/Patient/${id}/_history`)).body.entry).toHaveLength(2);
  });

  test('heeds If-Match', async () => {
    const { id } = await put(server.base, patient());
    const remove = (ifMatch: string) =>
      ask(`${server.base}/Patient/${id}`, { method: 'DELETE', headers: { 'If-Match': ifMatch } });
    expect((await remove('W/"2"')).status).toBe(412);
    expect((await remove('W/"1"')).status).toBe(204);
    expect((await remove('W/"1"')).status).toBe(412);
  });
});
