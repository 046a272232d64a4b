/** `Idempotency-Key`: what is sent again is answered again, and made once. */
import { createHash, randomUUID } from 'node:crypto';
import { ask, describeServer, put, type Ask, type Answer } from '../support/server.js';

const patient = (family: string, more: object = {}) => ({ resourceType: 'Patient', name: [{ family }], ...more });

const told = ({ status, headers, text }: Answer) => ({
  status,
  text,
  location: headers.get('location'),
  etag: headers.get('etag'),
});

describeServer('a request with an Idempotency-Key', (server) => {
  const send = (path: string, key: string, { headers, ...rest }: Ask) =>
    ask(`${server.base}${path}`, { ...rest, headers: { 'Idempotency-Key': key, ...headers } });
  const isReplayed = ({ headers }: Answer) => headers.get('idempotent-replayed');
  const count = async (query: string) => (await ask(`${server.base}/${query}&_summary=count`)).body.total;
  const json = { 'Content-Type': 'application/fhir+json' };

  test('a create that is sent again is answered as the first time, also after the resource went on', async () => {
    const key = randomUUID();
    const first = await send('/Patient', key, { body: patient('Once') });
    expect([first.status, isReplayed(first)]).toEqual([201, null]);
    await put(server.base, { ...patient('Later'), id: first.body.id });
    const again = await send('/Patient', key, { body: patient('Once') });
    expect(told(again)).toEqual(told(first));
    expect(isReplayed(again)).toBe('true');
    expect(await count('Patient?name=once')).toBe(0);
    await ask(`${server.base}/Patient/${first.body.id}`, { method: 'DELETE' });
    expect(told(await send('/Patient', key, { body: patient('Once') }))).toEqual(told(first));
  });

  test('sixteen at once make one resource and hear the same', async () => {
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => send('/Patient', key, { body: patient('Sixteen') })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(told(answer)))).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect(answers.filter((answer) => isReplayed(answer) === null)).toHaveLength(1);
    expect(await count('Patient?name=sixteen')).toBe(1);
  });

  test('another body, path, type or condition under the same key is 422 and writes nothing', async () => {
    const key = randomUUID();
    await send('/Patient', key, { body: patient('Mine') });
    const others = [
      send('/Patient', key, { body: patient('Other') }),
      send('/Patient?_pretty=true', key, { body: patient('Mine') }),
      send('/Patient', key, { body: patient('Mine'), headers: { ...json, 'If-None-Exist': 'name=nobody' } }),
      send('/Basic', key, { body: { resourceType: 'Basic', code: { text: 'x' } } }),
      send('/Patient/of-another-kind', key, { method: 'PUT', body: patient('Mine', { id: 'of-another-kind' }) }),
      send('', key, { body: bundle('batch', 'Mine', basic) }),
      send('', key, { body: bundle('transaction', 'Mine', basic) }),
    ];
    for (const answer of await Promise.all(others)) {
      expect(answer.status).toBe(422);
      expect(answer.body.issue[0].expression).toEqual(['http.Idempotency-Key']);
    }
    expect((await ask(`${server.base}/Patient/of-another-kind`)).status).toBe(404);
    expect(await count('Patient?name=other')).toBe(0);
  });

  test('what failed may be tried again, mended', async () => {
    const key = randomUUID();
    expect((await send('/Patient', key, { body: patient('Bad', { gender: 'x' }) })).status).toBe(400);
    expect((await send('/Patient', key, { body: patient('Mended') })).status).toBe(201);
  });

  test.each(['', 'é', 'a\tb', 'x'.repeat(256)])('%p is no key', async (key) => {
    const sent = Buffer.from(key).toString('latin1');
    const answer = await send('/Patient', sent, { body: patient('Nokey') });
    expect(answer.status).toBe(400);
    expect(answer.body.issue[0].expression).toEqual(['http.Idempotency-Key']);
  });

  test('a key of 255 characters is one; reads take no notice of any', async () => {
    expect((await send('/Patient', '~ '.repeat(127) + '~', { body: patient('Long') })).status).toBe(201);
    expect((await send('/Patient?name=long', 'x'.repeat(300), {})).status).toBe(200);
  });

  test('update, patch and delete: the second one is no conflict', async () => {
    const { id } = await put(server.base, patient('Changing'));
    const requests: [string, Ask][] = [
      ['u', { method: 'PUT', body: patient('Changed', { id }), headers: { ...json, 'If-Match': 'W/"1"' } }],
      [
        'p',
        {
          method: 'PATCH',
          body: [{ op: 'add', path: '/active', value: true }],
          headers: { 'Content-Type': 'application/json-patch+json', 'If-Match': 'W/"2"' },
        },
      ],
      ['d', { method: 'DELETE', headers: { 'If-Match': 'W/"3"' } }],
    ];
    for (const [name, request] of requests) {
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => send(`/Patient/${id}`, `${id} ${name}`, request)),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(told(answer)))).size).toBe(1);
      expect(answers[0]?.status).toBe(name === 'd' ? 204 : 200);
    }
    const { body } = await ask(`${server.base}/Patient/${id}/_history`);
    expect(body.total).toBe(4);
  });

  test('a conditional create that found its resource goes on having found it', async () => {
    const [key, identifier] = [randomUUID(), [{ system: 'urn:x', value: randomUUID() }]];
    const made = await put(server.base, patient('There', { identifier }));
    const request = {
      body: patient('There', { identifier }),
      headers: { ...json, 'If-None-Exist': `identifier=urn:x|${identifier[0]?.value}` },
    };
    const first = await send('/Patient', key, request);
    expect([first.status, first.body.id]).toEqual([200, made.id]);
    await ask(`${server.base}/Patient/${made.id}`, { method: 'DELETE' });
    const again = await send('/Patient', key, request);
    expect(told(again)).toEqual(told(first));
    expect(isReplayed(again)).toBe('true');
  });

  test('nothing to delete is an answer too', async () => {
    const key = randomUUID();
    const remove = () => send('/Patient/comes-later', key, { method: 'DELETE' });
    expect((await remove()).status).toBe(204);
    await put(server.base, patient('Later', { id: 'comes-later' }));
    expect([(await remove()).status, isReplayed(await remove())]).toEqual([204, 'true']);
    expect((await ask(`${server.base}/Patient/comes-later`)).status).toBe(200);
  });

  const bundle = (type: string, name: string, second: object) => ({
    resourceType: 'Bundle',
    type,
    entry: [
      { fullUrl: 'urn:uuid:0b9f8b9a-8f5e-4d2c-9a50-1d3f0f0a7b11', resource: patient(name), request: post('Patient') },
      { resource: second, request: post('Basic') },
      { request: { method: 'GET', url: `Patient?name=${name}&_summary=count` } },
    ],
  });
  const post = (url: string) => ({ method: 'POST', url });
  const basic = {
    resourceType: 'Basic',
    code: { text: 'x' },
    subject: { reference: 'urn:uuid:0b9f8b9a-8f5e-4d2c-9a50-1d3f0f0a7b11' },
  };
  const locations = ({ body }: Answer) => body.entry.map((entry: any) => entry.response.location);

  test('a transaction is made once', async () => {
    const key = randomUUID();
    const body = bundle('transaction', 'Trans', basic);
    const answers = await Promise.all(Array.from({ length: 8 }, () => send('', key, { body })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(new Set(answers.map((answer) => JSON.stringify(locations(answer)))).size).toBe(1);
    expect(answers.filter((answer) => isReplayed(answer) === null)).toHaveLength(1);
    expect(await count('Patient?name=trans')).toBe(1);
    expect((await send('', key, { body: bundle('transaction', 'Else', basic) })).status).toBe(422);
  });

  test('of a batch what failed is tried again, and what was made is not made again', async () => {
    const key = randomUUID();
    const body = bundle('batch', 'Batch', { resourceType: 'Basic', subject: { reference: 'Patient/not-yet' } });
    const first = await send('', key, { body });
    expect(first.body.entry.map((entry: any) => entry.response.status)).toEqual([
      '201 Created',
      '400 Bad Request',
      '200 OK',
    ]);
    const again = await send('', key, { body });
    expect(locations(again)).toEqual(locations(first));
    expect([again.body.entry[0].response.status, isReplayed(again)]).toEqual(['201 Created', 'true']);
    expect(await count('Patient?name=batch')).toBe(1);
    expect((await send('', key, { body: bundle('batch', 'Batch', basic) })).status).toBe(422);
  });

  test('raw bytes are stored once; other bytes under the key are 422', async () => {
    const [key, bytes] = [randomUUID(), Buffer.from(`not an image ${randomUUID()}`)];
    const upload = (body: Buffer, under = key) =>
      send('/Binary', under, { body, headers: { 'Content-Type': 'application/octet-stream' } });
    const answers = await Promise.all(Array.from({ length: 4 }, () => upload(bytes)));
    expect(new Set(answers.map((answer) => JSON.stringify(told(answer)))).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect((await upload(Buffer.from('others'))).status).toBe(422);
    const read = await fetch(answers[0]?.headers.get('location') ?? '', { headers: { Accept: '*/*' } });
    const hash = (of: Buffer) => createHash('sha256').update(of).digest('hex');
    expect(hash(Buffer.from(await read.arrayBuffer()))).toBe(hash(bytes));
  });
});
