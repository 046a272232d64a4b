/** Binary: raw bytes in and out, and the JSON form of the same (R4 binary.html). */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { lowerLimits } from '../support/limits.js';
import { ask, describeServer, put } from '../support/server.js';

const JPEG = { 'Content-Type': 'image/jpeg' };
const PNG = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');

/** Bytes that begin as a JPEG does: one random beginning in two thousand is that of some other type, and is refused. */
const photo = (size: number): Buffer => Buffer.from(randomBytes(size).fill('\xff\xd8\xff', 0, 3, 'latin1'));

describeServer('Binary', (server) => {
  const upload = async (bytes: Uint8Array, headers: Record<string, string> = JPEG) =>
    created(await ask(`${server.base}/Binary`, { headers, body: bytes }));
  const created = ({ status, body }: Awaited<ReturnType<typeof ask>>) => {
    expect([status, body.issue]).toEqual([201, undefined]);
    return body;
  };
  const bytesOf = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  test('raw bytes come back as they went, and can do no harm in a browser', async () => {
    const bytes = photo(3_000_000);
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
    const bytes = photo(1000);
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
    const { id } = await upload(photo(400_000));
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
    const [first, second] = [photo(500), Buffer.concat([PNG, randomBytes(700)])];
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

  test('no bytes at all are refused: whoever meant to send a photo must hear of it', async () => {
    const { status, body } = await ask(`${server.base}/Binary`, { headers: JPEG, body: new Uint8Array(0) });
    expect([status, body.resourceType]).toEqual([400, 'OperationOutcome']);
  });

  test('what is asked for in another type is 406', async () => {
    const { id } = await upload(photo(10));
    expect((await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'image/png' } })).status).toBe(406);
    expect((await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'image/*' } })).status).toBe(200);
  });

  test('HEAD tells size and type', async () => {
    const { id } = await upload(photo(1234));
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
    const { id } = await upload(photo(5), { ...JPEG, 'X-Security-Context': 'Patient/1' });
    const { body } = await ask(`${server.base}/Binary/${id}`, { headers: { Accept: 'application/fhir+json' } });
    expect(body.securityContext).toEqual({ reference: 'Patient/1' });
  });

  test.each([
    ['a Euro sign', 'image/jpeg; name="€"'],
    ['a line end', 'image/jpeg;\nX-Evil: 1'],
    ['300 characters', `image/jpeg; name=${'x'.repeat(300)}`],
  ])('a media type with %s never becomes a header', async (_name, contentType) => {
    const resource = { resourceType: 'Binary', contentType, data: 'aGVsbG8=' };
    const { status, body } = await ask(`${server.base}/Binary`, { body: resource });
    expect([status, body.resourceType]).toEqual([400, 'OperationOutcome']);
    expect(body.issue[0].expression).toEqual(['Binary.contentType']);
  });

  test.each(['Patient/1 Patient/2', 'M\u00fcller', '#inside', '../Patient/1', `Patient/${'1'.repeat(2000)}`])(
    'X-Security-Context must name one resource, which "%s" does not',
    async (context) => {
      const headers = { 'Content-Type': 'application/octet-stream', 'X-Security-Context': context };
      const { status, body } = await ask(`${server.base}/Binary`, { headers, body: randomBytes(5) });
      expect([status, body.issue[0].expression]).toEqual([400, ['http.X-Security-Context']]);
    },
  );

  test('bytes that are something else than they are said to be are refused, in both forms', async () => {
    const png = Buffer.concat([PNG, Buffer.alloc(500)]);
    const data = png.toString('base64');
    for (const answer of [
      await ask(`${server.base}/Binary`, { headers: JPEG, body: png }),
      await ask(`${server.base}/Binary`, { body: { resourceType: 'Binary', contentType: 'image/jpeg', data } }),
    ]) {
      expect([answer.status, answer.body.issue[0].expression]).toEqual([422, ['Binary.contentType']]);
      expect(answer.body.issue[0].diagnostics).toMatch(/says image\/jpeg, but the bytes are image\/png/);
    }
    const large = Buffer.concat([png, randomBytes(20_000_000)]);
    expect((await ask(`${server.base}/Binary`, { headers: JPEG, body: large })).status).toBe(422);
    expect((await ask(`${server.base}/Binary`, { headers: { 'Content-Type': 'image/png' }, body: png })).status).toBe(
      201,
    );
  });

  test('the JSON form of a large one is streamed, has its length, and can be indented', async () => {
    const bytes = randomBytes(3_000_001);
    const { id } = await upload(bytes, { 'Content-Type': 'application/octet-stream' });
    for (const query of ['?_format=json', '?_format=json&_pretty=true']) {
      const { headers, text, body } = await ask(`${server.base}/Binary/${id}${query}`);
      expect(headers.get('content-length')).toBe(String(text.length));
      expect(Buffer.from(body.data, 'base64').equals(bytes)).toBe(true);
      expect(text.includes('\n  "data": "')).toBe(query.endsWith('true'));
    }
    const head = await ask(`${server.base}/Binary/${id}?_format=json`, { method: 'HEAD' });
    expect([head.status, Number(head.headers.get('content-length')) > 4_000_000, head.text]).toEqual([200, true, '']);
  });

  test('white space in base64 is nothing', async () => {
    const spaced = { resourceType: 'Binary', contentType: 'text/plain', data: ' aGVs\n bG8= ' };
    const { body } = await ask(`${server.base}/Binary`, { body: spaced });
    expect((await bytesOf(`${server.base}/Binary/${body.id}`)).bytes.toString()).toBe('hello');
  });
});

describeServer('a Binary that is more than JSON may carry', (server) => {
  lowerLimits({ binaryInJsonBytes: 1024 * 1024 });

  test('is 413 both ways', async () => {
    const bytes = Buffer.alloc(1024 * 1024 + 1, 'x');
    const data = bytes.toString('base64');
    const json = { resourceType: 'Binary', contentType: 'text/plain', data };
    expect((await ask(`${server.base}/Binary`, { body: json })).status).toBe(413);
    const { body } = await ask(`${server.base}/Binary`, { headers: { 'Content-Type': 'text/plain' }, body: bytes });
    expect((await ask(`${server.base}/Binary/${body.id}?_format=json`)).status).toBe(413);
  });
});
