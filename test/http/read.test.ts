/** read, vread and their conditions and formats (R4 http.html#read, #vread, #cread, #mime-type). */
import { ask, describeOnSqlite, describeServer, put } from '../support/server.js';

describeServer('read', (server) => {
  test('gives the current version with its ETag and time', async () => {
    const created = await put(server.base, { resourceType: 'Patient', gender: 'female' } as never);
    const { status, headers, body } = await ask(`${server.base}/Patient/${created.id}`);
    expect(status).toBe(200);
    expect(body).toEqual(created);
    expect(headers.get('etag')).toBe('W/"1"');
    expect(headers.get('last-modified')).toBe(new Date(created.meta.lastUpdated).toUTCString());
    expect(headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('keeps decimals, unicode and the order of elements', async () => {
    const text =
      '{"resourceType":"Observation","status":"final","code":{"text":"größe 身長 😀"},"valueQuantity":{"value":1.10,"unit":"m"},' +
      '"component":[{"code":{"text":"a"},"valueQuantity":{"value":1e-3}},{"code":{"text":"b"},"valueQuantity":{"value":100.000}}]}';
    const created = await ask(`${server.base}/Observation`, { body: text });
    const read = await ask(`${server.base}/Observation/${created.body.id}`);
    const elements = text.slice(text.indexOf('"status"'));
    expect(read.text.endsWith(`},${elements}`)).toBe(true);
    const found = await ask(`${server.base}/Observation?_id=${created.body.id}`);
    expect(found.text).toContain(elements.slice(0, -1));
  });

  test('of what never was is 404, of what was deleted 410', async () => {
    const { id } = await put(server.base, { resourceType: 'Patient' });
    await ask(`${server.base}/Patient/${id}`, { method: 'DELETE' });
    const gone = await ask(`${server.base}/Patient/${id}`);
    expect([gone.status, gone.body.issue[0].code]).toEqual([410, 'deleted']);
    expect(gone.body.issue[0].diagnostics).toContain(`Patient/${id} was deleted in version 2`);
    const never = await ask(`${server.base}/Patient/never`);
    expect([never.status, never.body.issue[0].code]).toEqual([404, 'not-found']);
  });

  test('vread gives each version, 410 for the deletion, 404 for others', async () => {
    const { id } = await put(server.base, { resourceType: 'Patient', gender: 'male' } as never);
    await put(server.base, { resourceType: 'Patient', id, gender: 'other' } as never);
    await ask(`${server.base}/Patient/${id}`, { method: 'DELETE' });
    const version = (n: string) => ask(`${server.base}/Patient/${id}/_history/${n}`);
    expect((await version('1')).body.gender).toBe('male');
    expect((await version('2')).body.meta.versionId).toBe('2');
    const statuses = await Promise.all(['3', '4', '0', '01', 'x', '99999999999999999999'].map(version));
    expect(statuses.map(({ status }) => status)).toEqual([410, 404, 404, 404, 404, 404]);
  });

  test('is 304 when the client has it already', async () => {
    const { id, meta } = await put(server.base, { resourceType: 'Patient' });
    const read = (headers: Record<string, string>) => ask(`${server.base}/Patient/${id}`, { headers });
    const later = new Date(Date.parse(meta.lastUpdated) + 2000).toUTCString();
    const before = new Date(Date.parse(meta.lastUpdated) - 2000).toUTCString();
    expect((await read({ 'If-None-Match': 'W/"1"' })).status).toBe(304);
    expect((await read({ 'If-None-Match': 'W/"7", W/"1"' })).status).toBe(304);
    expect((await read({ 'If-None-Match': 'W/"2"' })).status).toBe(200);
    expect((await read({ 'If-Modified-Since': later })).status).toBe(304);
    expect((await read({ 'If-Modified-Since': before })).status).toBe(200);
    expect((await read({ 'If-Modified-Since': later, 'If-None-Match': 'W/"2"' })).status).toBe(200);
    const notModified = await read({ 'If-None-Match': 'W/"1"' });
    expect([notModified.text, notModified.headers.get('etag')]).toEqual(['', 'W/"1"']);
  });

  test('HEAD is GET without the body', async () => {
    const { id } = await put(server.base, { resourceType: 'Patient' });
    for (const path of [`Patient/${id}`, `Patient?_id=${id}`, `Patient/${id}/_history`, 'metadata', 'Patient/never']) {
      const [get, head] = [
        await ask(`${server.base}/${path}`),
        await ask(`${server.base}/${path}`, { method: 'HEAD' }),
      ];
      expect([head.status, head.text]).toEqual([get.status, '']);
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
      expect(head.headers.get('etag')).toBe(get.headers.get('etag'));
    }
  });
});

describeOnSqlite('formats', (server) => {
  test.each([
    ['application/fhir+json', 'application/fhir+json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/fhir+json; charset=utf-8'],
    ['application/xml;q=0.9, application/json;q=0.5', 'application/json; charset=utf-8'],
    ['application/fhir+json;fhirVersion=4.0', 'application/fhir+json; charset=utf-8'],
    ['application/*', 'application/fhir+json; charset=utf-8'],
  ])('Accept: %s is answered in %s', async (accept, type) => {
    const { status, headers } = await ask(`${server.base}/Patient`, { headers: { Accept: accept } });
    expect([status, headers.get('content-type')]).toEqual([200, type]);
  });

  test.each([
    ['application/fhir+xml'],
    ['text/turtle'],
    ['application/fhir+json;q=0'],
    ['application/fhir+json;fhirVersion=5.0'],
  ])('Accept: %s is 406', async (accept) => {
    const { status, body } = await ask(`${server.base}/Patient`, { headers: { Accept: accept } });
    expect([status, body.resourceType]).toEqual([406, 'OperationOutcome']);
  });

  test.each([
    ['json', 200],
    ['application/fhir%2Bjson', 200],
    ['application/fhir+json', 200],
    ['application/json', 200],
    ['xml', 406],
    ['application/fhir+xml', 406],
    ['nonsense', 406],
  ])('_format=%s wins over Accept: %s', async (format, status) => {
    const headers = { Accept: status === 200 ? 'application/fhir+xml' : 'application/json' };
    expect((await ask(`${server.base}/Patient?_format=${format}`, { headers })).status).toBe(status);
  });

  test('_pretty indents resources, Bundles and errors alike, and changes nothing else', async () => {
    const { id } = await put(server.base, { resourceType: 'Patient', name: [{ family: 'a,b:{"' }] } as never);
    for (const path of [`Patient/${id}?`, `Patient?_id=${id}&`, 'Patient/never?']) {
      const [plain, pretty] = [await ask(`${server.base}/${path}`), await ask(`${server.base}/${path}_pretty=true`)];
      expect(pretty.text).toMatch(/^\{\n {2}"resourceType": "/);
      expect({ ...pretty.body, link: undefined }).toEqual({ ...plain.body, link: undefined });
    }
    expect((await ask(`${server.base}/Patient?_pretty=perhaps`)).status).toBe(400);
  });
});
