/** Binary: raw bytes in and out, and the JSON form of the same (R4 binary.html). */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { ask, describeServer, put } from '../support/server.js';

const JPEG = { 'Content-Type': 'image/jpeg' };

describeServer('Binary', (server) => {
  const upload = async (bytes: Uint8Array, headers: Record<string, string> = JPEG) =>
    (await ask(`${server.base}/Binary`, { headers, body: bytes })).body;
  const bytesOf = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  test('raw bytes come back as they went, and can do no harm in a browser', async () => {
    const bytes = randomBytes(3_000_000);
    const { id } = await upload(bytes);
    const { response, bytes: read } = await bytesOf(`${server.base}/Binary/${id}`);
    expect(Buffer.compare(read, bytes)).toBe(0);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-disposition')).toBe('attachment');
    expect(response.headers.get('content-security-policy')).toBe('sandbox');
  });

  test('the JSON form carries the same bytes as base64, by Accept or _format', async () => {
    const bytes = randomBytes(1000);
    const { id } = await upload(bytes);
    for (const [query, accept] of [
      ['', 'application/fhir+json'],
      ['', 'application/json'],
      ['?_format=json', 'image/jpeg'],
    ] as const) {
      const { body } = await ask(`${server.base}/Binary/${id}${query}`, { headers: { Accept: accept } });
      expect(body).toMatchObject({
        resourceType: 'Binary',
        id,
        contentType: 'image/jpeg',
        data: bytes.toString('base64'),
      });
    }
  });

  test('a resource with data is stored as bytes and read in both forms', async () => {
    const data = Buffer.from('hello, consult').toString('base64');
    const { id } = await put(server.base, { resourceType: 'Binary', contentType: 'text/plain', data } as never);
    const { response, bytes } = await bytesOf(`${server.base}/Binary/${id}`);
    expect([response.headers.get('content-type'), bytes.toString()]).toEqual(['text/plain', 'hello, consult']);
    const search = await ask(`${server.base}/Binary?_id=${id}`);
    expect(search.body.entry[0].resource.data).toBe(data);
    const history = await ask(`${server.base}/Binary/${id}/_history`);
    expect(history.body.entry[0].resource.data).toBe(data);
  });

  test('a large one stands in a Bundle as a marked subset, never as if it were whole', async () => {
    const { id } = await upload(randomBytes(400_000));
    const { body } = await ask(`${server.base}/Binary?_id=${id}`);
    const { resource } = body.entry[0];
    expect(resource.data).toBeUndefined();
    expect(resource.meta.tag).toEqual([
      { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' },
    ]);
    expect(
      (await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'application/fhir+json' } })).body.meta.tag,
    ).toBeUndefined();
  });

  test('PUT replaces it, versions keep their own bytes', async () => {
    const [first, second] = [randomBytes(500), randomBytes(700)];
    const { id } = await upload(first);
    const replaced = await ask(`${server.base}/Binary/${id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'image/png' },
      body: second,
    });
    expect([replaced.status, replaced.headers.get('etag')]).toEqual([200, 'W/"2"']);
    expect((await bytesOf(`${server.base}/Binary/${id}`)).bytes.equals(second)).toBe(true);
    const old = await bytesOf(`${server.base}/Binary/${id}/_history/1`);
    expect([old.response.headers.get('content-type'), old.bytes.equals(first)]).toEqual(['image/jpeg', true]);
  });

  test('no bytes at all are bytes too', async () => {
    const { id } = await upload(new Uint8Array(0));
    const { response, bytes } = await bytesOf(`${server.base}/Binary/${id}`);
    expect([response.status, bytes.length]).toEqual([200, 0]);
  });

  test('what is asked for in another type is 406', async () => {
    const { id } = await upload(randomBytes(10));
    expect((await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'image/png' } })).status).toBe(406);
    expect((await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'image/*' } })).status).toBe(200);
  });

  test('HEAD tells size and type', async () => {
    const { id } = await upload(randomBytes(1234));
    const { status, headers, text } = await ask(`${server.base}/Binary/${id}`, { method: 'HEAD' });
    expect([status, headers.get('content-length'), headers.get('content-type'), text]).toEqual([
      200,
      '1234',
      'image/jpeg',
      '',
    ]);
  });

  test.each([
    ['no media type', {}, 415],
    ['nonsense for a media type', { 'Content-Type': 'nonsense' }, 400],
    ['a compressed body', { 'Content-Type': 'image/jpeg', 'Content-Encoding': 'gzip' }, 415],
  ])('%s is refused', async (_name, headers, status) => {
    const response = await fetch(`${server.base}/Binary`, { method: 'POST', headers, body: new Uint8Array([1, 2, 3]) });
    const body: any = await response.json();
    expect([response.status, body.resourceType]).toEqual([status, 'OperationOutcome']);
  });

  test('an upload that stops half way writes nothing', async () => {
    const before = (await ask(`${server.base}/Binary?_count=0`)).body.total;
    const { port } = new URL(server.base);
    const head = 'POST /fhir/Binary HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n';
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`${head}Content-Length: 1000\r\n\r\nhalf`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await ask(`${server.base}/Binary?_count=0`)).body.total).toBe(before);
  });

  test('what a resource says of its context stays with it', async () => {
    const { id } = await upload(randomBytes(5), { ...JPEG, 'X-Security-Context': 'Patient/1' });
    const { body } = await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'application/fhir+json' } });
    expect(body.securityContext).toEqual({ reference: 'Patient/1' });
  });
});
