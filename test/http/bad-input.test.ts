/** Bad input: a clear 4xx that names the place; never a 5xx, never a hang, and nothing written. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { ask, describeOnSqlite, describeServer, type Answer } from '../support/server.js';

const JSON_TYPE = { 'Content-Type': 'application/fhir+json' };

/** A refusal as it must be: the status, an OperationOutcome, and where and why. */
function expectRefusal(answer: Answer, status: number, says: RegExp): void {
  expect([answer.status, answer.body?.resourceType]).toEqual([status, 'OperationOutcome']);
  const { severity, diagnostics, expression } = answer.body.issue[0];
  expect(severity).toBe('error');
  expect(`${diagnostics} @ ${expression?.join() ?? ''}`).toMatch(says);
}

describeServer('a body that is refused', (server) => {
  const count = async () => (await ask(`${server.base}/Patient?_count=0`)).body.total;

  test.each<[string, string | Uint8Array, number, RegExp]>([
    ['malformed JSON', '{"resourceType":"Patient",', 400, /too early|expected.*line 1/],
    ['no JSON at all', 'name=Ann', 400, /JSON value was expected/],
    ['nothing', '', 400, /empty/],
    ['an array', '[]', 400, /an array/],
    ['a string', '"Patient"', 400, /a string/],
    ['no resourceType', '{}', 400, /no resourceType/],
    ['another type', '{"resourceType":"Observation"}', 400, /Observation, but the URL says Patient\..* @ resourceType/],
    ['a resourceType that is no text', '{"resourceType":{"$ne":"x"}}', 400, /no resourceType/],
    ['a duplicate key', '{"resourceType":"Patient","gender":"male","gender":"female"}', 400, /"gender" occurs twice/],
    ['a null', '{"resourceType":"Patient","gender":null}', 400, /null is not a value.*gender/],
    ['a NUL', '{"resourceType":"Patient","language":"\\u0000"}', 400, /U\+0000.*language/],
    ['half a surrogate pair', '{"resourceType":"Patient","language":"\\ud800"}', 400, /surrogate.*language/],
    ['bytes that are not UTF-8', Buffer.from([123, 34, 255, 34, 125]), 400, /UTF-8/],
    ['a number too large', '{"resourceType":"Patient","multipleBirthInteger":1e400}', 400, /too large/],
    ['20,000 levels', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`, 400, /64 levels/],
    ['20,000 brackets', '['.repeat(20_000), 400, /64 levels/],
    ['__proto__', '{"resourceType":"Patient","__proto__":{"gender":"male"}}', 400, /__proto__/],
    ['constructor', '{"resourceType":"Patient","constructor":{"prototype":{}}}', 400, /constructor/],
    ['a key with $', '{"resourceType":"Patient","$where":"1"}', 400, /\$where/],
    ['a key with a dot', '{"resourceType":"Patient","name.family":"x"}', 400, /name\.family/],
    ['an unknown element', '{"resourceType":"Patient","nam":[]}', 400, /nam/],
    ['an object for a text', '{"resourceType":"Patient","gender":{"$ne":"male"}}', 400, /Patient\.gender/],
    [
      'an impossible date',
      '{"resourceType":"Patient","birthDate":"2024-02-30"}',
      400,
      /2024-02-30.*Patient\.birthDate/,
    ],
    ['a wrong code', '{"resourceType":"Patient","gender":"weiblich"}', 400, /weiblich.*Patient\.gender/],
    ['two values', '{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2024"}', 400, /deceased/],
    ['an empty array', '{"resourceType":"Patient","name":[]}', 400, /Patient\.name/],
    ['an empty object', '{"resourceType":"Patient","name":[{}]}', 400, /Patient\.name\[0\]/],
  ])('%s is %s', async (_name, body, status, says) => {
    const before = await count();
    expectRefusal(await ask(`${server.base}/Patient`, { headers: JSON_TYPE, body }), status, says);
    const bytes = typeof body === 'string' ? body : body;
    const put = await ask(`${server.base}/Patient/bad`, { method: 'PUT', headers: JSON_TYPE, body: bytes });
    expect(put.status).toBe(status);
    expect(await count()).toBe(before);
    expect((await ask(`${server.base}/Patient/bad`)).status).toBe(404);
  });

  test('more bytes than a resource may have is 413, with the name of the limit', async () => {
    const body = `{"resourceType":"Patient","text":"${'x'.repeat(6_000_000)}"}`;
    expectRefusal(await ask(`${server.base}/Patient`, { headers: JSON_TYPE, body }), 413, /limit resourceBytes/);
    expect((await ask(`${server.base}/Patient?_count=0`)).status).toBe(200);
  });

  test('a resource that is just within the limit is stored, searched and read', async () => {
    const family = 'x'.repeat(900_000);
    const name = Array.from({ length: 5 }, (_, n) => ({ text: `${n}${family}` }));
    const { status, body } = await ask(`${server.base}/Patient`, { body: { resourceType: 'Patient', name } });
    expect(status).toBe(201);
    expect((await ask(`${server.base}/Patient/${body.id}`)).body.name).toEqual(name);
    expect((await ask(`${server.base}/Patient/${body.id}`, { method: 'DELETE' })).status).toBe(204);
  });
});

describeOnSqlite('a request that is refused', (server) => {
  test.each<[string, string, string, number, RegExp]>([
    ['GET', '/Nonsense', '', 404, /"Nonsense" is not a resource type/],
    ['GET', '/patient', '', 404, /Did you mean Patient\?/],
    ['GET', '/Parameters', '', 404, /not a resource type/],
    ['GET', '/Resource/1', '', 404, /not a resource type/],
    ['GET', '/__proto__', '', 404, /not a resource type/],
    ['GET', '/Patient/a_b', '', 400, /neither an id/],
    ['GET', `/Patient/${'x'.repeat(65)}`, '', 400, /neither an id/],
    ['GET', '/Patient/%00', '', 400, /neither an id/],
    ['GET', '/Patient/a%2Fb', '', 400, /neither an id/],
    ['GET', '/Patient/%ff', '', 400, /neither an id|percent/],
    ['GET', '/Patient/$everything', '', 404, /\$everything/],
    ['GET', '/Patient/1/2/3/4/5', '', 404, /Nothing is served/],
    ['DELETE', '/Patient', '', 412, /names what is looked for/],
    ['DELETE', '/Patient?', '', 412, /names what is looked for/],
    ['DELETE', '/Patient?_count=5', '', 412, /names what is looked for/],
    ['DELETE', '/Patient?nonsense=1', '', 400, /nonsense/],
    ['DELETE', '/Patient?name=x&_sort=name', '', 400, /only says what is looked for/],
    ['PUT', '/Patient', '{"resourceType":"Patient"}', 412, /names what is looked for/],
    ['PATCH', '/Patient/1', '[]', 400, /FHIRPath Patch is a Parameters/],
    ['PATCH', '/metadata', '[]', 405, /PATCH is not served/],
    ['POST', '/Patient/1', '{}', 405, /POST is not served/],
    ['POST', '/metadata', '{}', 405, /GET, HEAD is/],
    ['PROPFIND', '/Patient', '', 405, /PROPFIND/],
    ['GET', '/Patient?name=%', '', 400, /percent/],
    ['GET', '/Patient?name=%00', '', 400, /U\+0000/],
    ['GET', `/Patient?name=${'x'.repeat(9000)}`, '', 400, /valueCharacters/],
    ['GET', `/Patient?${'name=x&'.repeat(250)}`, '', 400, /parameters/],
    ['GET', `/Patient?name=${'x,'.repeat(1500)}x`, '', 400, /orValues/],
    ['GET', `/Patient?name=${'x'.repeat(17_000)}`, '', 414, /urlBytes/],
    ['GET', '/Patient/1?x=1', '', 400, /"x" means nothing here/],
  ])('%s %s is %s%s', async (method, path, body, status, says) => {
    const answer = await ask(`${server.base}${path}`, { method, ...(body === '' ? {} : { body }) });
    expectRefusal(answer, status, says);
    if (status === 405) expect(answer.headers.get('allow')).toMatch(/GET, HEAD/);
  });

  test.each([
    ['no content type', {}, 415],
    ['text/plain', { 'Content-Type': 'text/plain' }, 415],
    ['FHIR XML', { 'Content-Type': 'application/fhir+xml' }, 415],
    ['another charset', { 'Content-Type': 'application/fhir+json; charset=latin1' }, 415],
    ['another version of FHIR', { 'Content-Type': 'application/fhir+json; fhirVersion=5.0' }, 415],
    ['a compressed body', { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, 415],
    ['an If-Match that is no ETag', { ...JSON_TYPE, 'If-Match': 'x' }, 400],
  ])('%s is %s', async (_name, headers, status) => {
    const body = new TextEncoder().encode('{"resourceType":"Patient","id":"x"}');
    const response = await fetch(`${server.base}/Patient/x`, { method: 'PUT', headers: headers as never, body });
    expect([response.status, ((await response.json()) as any).resourceType]).toEqual([status, 'OperationOutcome']);
  });

  test('a page of another site is not answered, under whatever name it comes', async () => {
    expect(await raw(server.address, 'GET /fhir/Patient HTTP/1.1\r\nHost: evil.example\r\n\r\n')).toMatch(
      /^HTTP\/1.1 403 /,
    );
    const headers = { Origin: 'https://evil.example' };
    expectRefusal(await ask(`${server.base}/Patient`, { headers }), 403, /another site/);
    expect((await ask(`${server.base}/Patient`, { headers: { Origin: 'http://localhost:8080' } })).status).toBe(200);
  });

  test('V-14 1 GB that is announced is refused before it is sent', async () => {
    for (const path of ['Patient', 'Binary']) {
      const type = path === 'Binary' ? 'image/jpeg' : 'application/fhir+json';
      const length = 1024 ** 3 + 1;
      const head = `POST /fhir/${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
      expect(await raw(server.address, head)).toMatch(/^HTTP\/1.1 413 /);
    }
  });

  test('1 GB that is not announced is cut off at the limit', async () => {
    const head =
      'POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const megabyte = `100000\r\n${' '.repeat(0x100000)}\r\n`;
    expect(await raw(server.address, head, megabyte, 1024)).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a body that stops half way writes nothing', async () => {
    const text = '{"resourceType":"Patient","id":"half"}';
    const head = `PUT /fhir/Patient/half HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${text.length + 10}\r\n\r\n`;
    const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
    socket.write(head + text);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await ask(`${server.base}/Patient/half`)).status).toBe(404);
  });

  test.each([
    ['nonsense', 'NONSENSE\r\n\r\n'],
    [
      'two lengths',
      'POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
    ],
    [
      'length and chunks',
      'POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['headers beyond the limit', `GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`],
  ])('HTTP with %s is refused', async (_name, text) => {
    expect(await raw(server.address, text)).toMatch(/^HTTP\/1.1 4/);
    expect((await ask(`${server.address}/healthz`)).status).toBe(200);
  });

  const POST = 'POST /fhir/Basic HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  const BASIC = '{"resourceType":"Basic","code":{"text":"x"}}';
  test.each<[string, string, boolean, number, RegExp]>([
    ['a body that stops half way', `${POST}Content-Length: 99\r\n\r\n${BASIC}`, true, 400, /HTTP\/1.1|complete/],
    [
      'a chunk that stops half way',
      `${POST}Transfer-Encoding: chunked\r\n\r\nff\r\n{`,
      true,
      400,
      /HTTP\/1.1|complete/,
    ],
    ['a Content-Length that is too small', `${POST}Content-Length: 20\r\n\r\n${BASIC}`, false, 400, /early|line 1/],
    ['a Content-Length that is no number', `${POST}Content-Length: 9x\r\n\r\n${BASIC}`, false, 400, /HTTP\/1.1/],
    ['a negative Content-Length', `${POST}Content-Length: -1\r\n\r\n${BASIC}`, false, 400, /HTTP\/1.1/],
    ['a chunk size that is no number', `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, false, 400, /HTTP\/1.1/],
    [
      '10,000 bytes of headers',
      `GET /fhir/Basic HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`,
      false,
      431,
      /headerBytes/,
    ],
    [
      '40,000 bytes of headers',
      `GET /fhir/Basic HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      false,
      431,
      /headerBytes/,
    ],
    [
      '900 headers',
      `GET /fhir/Basic HTTP/1.1\r\nHost: localhost\r\n${'X-Header: x\r\n'.repeat(900)}\r\n`,
      false,
      431,
      /headerBytes/,
    ],
    [
      'a URL of more than 16 KB',
      `GET /fhir/Basic?_id=${'x'.repeat(16_384)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      false,
      414,
      /urlBytes/,
    ],
    [
      'a URL of 64 KB',
      `GET /fhir/Basic?_id=${'x'.repeat(65_536)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      false,
      431,
      /urlBytes/,
    ],
    ['no Host', 'GET /fhir/Basic HTTP/1.1\r\n\r\n', false, 400, /Host/],
    [
      'a control character in a header',
      'GET /fhir/Basic HTTP/1.1\r\nHost: localhost\r\nX: \u0001\r\n\r\n',
      false,
      400,
      /HTTP\/1.1/,
    ],
    [
      'a line that is folded',
      'GET /fhir/Basic HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n',
      false,
      400,
      /HTTP\/1.1/,
    ],
    ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n', false, 405, /CONNECT/],
  ])('%s is answered at once and changes nothing', async (_name, text, ends, status, says) => {
    const count = async () => (await ask(`${server.base}/Basic?_count=0&_total=accurate`)).body.total;
    const before = await count();
    let best = Infinity;
    for (let round = 0; round < 5 && best >= 50; round += 1) {
      const { answer, milliseconds } = await quick(server.address, text, ends);
      best = Math.min(best, milliseconds);
      expect(Number(answer.slice(9, 12))).toBe(status);
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1]);
      const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4).slice(0, length));
      expect(body.resourceType).toBe('OperationOutcome');
      expect(JSON.stringify(body)).toMatch(says);
    }
    expect(best).toBeLessThan(50);
    expect(await count()).toBe(before);
  });

  test('V-17 what is wrong after a whole request does not take its answer, and is told afterwards', async () => {
    const text = `${POST}Content-Length: ${BASIC.length}\r\n\r\n${BASIC}NONSENSE\r\n\r\n`;
    const answers = await everything(server.address, text);
    const id = /Location: .*\/Basic\/([^/]+)\//.exec(answers)?.[1];
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 201', 'HTTP/1.1 400']);
    expect((await ask(`${server.base}/Basic/${id}`)).status).toBe(200);
  });

  test('trailers after a chunked body are no headers', async () => {
    const size = BASIC.length.toString(16);
    const trailers = 'If-None-Exist: identifier=x\r\nContent-Type: text/plain\r\nX-Security-Context: x\r\n';
    const text = `${POST}Transfer-Encoding: chunked\r\n\r\n${size}\r\n${BASIC}\r\n0\r\n${trailers}\r\n`;
    expect((await quick(server.address, text, false)).answer).toMatch(/^HTTP\/1.1 201 /);
    const many = text.replace(trailers, `X: ${'x'.repeat(60_000)}\r\n`);
    expect((await quick(server.address, many, false)).answer).toMatch(/^HTTP\/1.1 4/);
  });

  test('what is outside of the base is told so', async () => {
    expectRefusal(await ask(`${server.address}/Patient`), 404, /FHIR is served at \/fhir/);
  });
});

/** Sends text as it is, at most all of it, and half closes the line when it ends; the first piece of what came back. */
async function quick(address: string, text: string, ends: boolean): Promise<{ answer: string; milliseconds: number }> {
  const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const started = performance.now();
  if (ends) socket.end(text);
  else socket.write(text);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  const milliseconds = performance.now() - started;
  socket.destroy();
  return { answer: chunk.toString(), milliseconds };
}

/** Sends text as it is, and waits for the server to end the line; all of what came back. */
async function everything(address: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.on('error', () => undefined);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

/** Sends text as it is, then `more` up to `times` or until the server has had enough; returns what came back. */
async function raw(address: string, text: string, more = '', times = 0): Promise<string> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.on('error', () => undefined);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(text);
  for (let sent = 0; sent < times && answer === '' && !socket.destroyed; sent += 1) {
    if (!socket.write(more))
      await Promise.race([once(socket, 'drain').catch(() => undefined), new Promise((r) => setTimeout(r, 1000))]);
  }
  for (let waited = 0; waited < 50 && answer === ''; waited += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  return answer;
}
