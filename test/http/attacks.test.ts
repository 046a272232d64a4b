/** Attacks that other servers fell to, by the numbers of the list of known vulnerabilities that they are tests of. */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ask, describeServer, put } from '../support/server.js';

const ROOT = join(import.meta.dirname, '..', '..');

const textsOf = (folder: string, ending: RegExp): [file: string, text: string][] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file))
    .map((file) => [`${folder}/${file}`, readFileSync(join(ROOT, folder, file), 'utf8')]);

test.each(['src', 'conformance', 'questionnaires', 'profiles', 'docs'])('V-03 no secret is shipped in %s', (folder) => {
  const secret =
    /-----BEGIN [A-Z ]*PRIVATE KEY|"client_secret"\s*:\s*"[^"]+"|"d"\s*:\s*"[\w-]{20,}"|mongodb(\+srv)?:\/\/[^/\s:@]+:[^/\s@]+@/;
  expect(textsOf(folder, /\.(ts|json|md)$/).flatMap(([file, text]) => (secret.test(text) ? [file] : []))).toEqual([]);
});

test('V-10 nothing that runs code in the database is ever sent to it', () => {
  const runs = /\$where|\$function|\$accumulator|mapReduce|\$expr.*\$js/;
  expect(textsOf('src/store/mongo', /\.ts$/).flatMap(([file, text]) => (runs.test(text) ? [file] : []))).toEqual([]);
});

describeServer('attacks', (server) => {
  const url = (path: string) => `${server.base}/${path}`;

  beforeAll(() => put(server.base, { resourceType: 'Patient', id: 'victim', name: [{ family: 'Secret' }] } as any));

  test.each(['Patient?name[$ne]=x', 'Patient?name%5B%24ne%5D=x', 'Patient?$where=1', 'Patient?_id[$gt]='])(
    'V-10 %s is a parameter that nobody knows',
    async (query) => {
      const { status, body } = await ask(url(query));
      expect([status, body.resourceType]).toEqual([400, 'OperationOutcome']);
    },
  );

  test.each(['{"$ne":"x"}', '{"$gt":""}', '$where', '.*', 'x|{"$ne":1}', '/^/'])(
    'V-10 the value %s is text',
    async (value) => {
      for (const param of ['identifier', 'family', '_id']) {
        const { status, body } = await ask(url(`Patient?${param}=${encodeURIComponent(value)}&_total=accurate`));
        // An id has letters that are allowed; what has others is refused, and nothing is found either way.
        expect(status === 400 || body.total === 0).toBe(true);
        expect(status).toBeLessThan(500);
      }
    },
  );

  test('V-10 V-14 names that mean something to a language or a database are none that R4 has', async () => {
    for (const name of ['$set', '$where', 'a.b', '__proto__', 'constructor', 'toString', '\u0000']) {
      const body = `{"resourceType":"Patient",${JSON.stringify(name)}:{"$ne":1}}`;
      const { status, body: outcome } = await ask(url('Patient'), { body });
      expect([name, [400, 422].includes(status), outcome.resourceType]).toEqual([name, true, 'OperationOutcome']);
    }
    expect(({} as any).$ne).toBeUndefined();
  });

  test.each([
    'Patient/%2e%2e%2fPatient',
    'Patient/..%2fPatient%2fvictim',
    'Patient/victim%00',
    'Patient/victim%2f_history',
    'Patient/%c0%ae%c0%ae/victim',
    'Patient/victim;jsessionid=1',
    'Patient//victim',
    'Patient/victim%20',
    'Binary/..%2f..%2f..%2fetc%2fpasswd',
  ])('V-15 %s leads nowhere', async (path) => {
    const { status, body } = await ask(url(path));
    expect([[400, 404].includes(status), body.resourceType]).toEqual([true, 'OperationOutcome']);
  });

  test('V-16 a script in a narrative is refused, and what is answered is data for every browser', async () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>';
    const refused = await ask(url('Patient'), {
      body: { resourceType: 'Patient', text: { status: 'generated', div } },
    });
    expect(refused.status).toBe(400);
    const { headers } = await ask(url('Patient/victim'));
    expect(headers.get('content-type')).toMatch(/^application\/fhir\+json/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const html = await ask(url('Binary'), {
      headers: { 'Content-Type': 'text/html' },
      body: '<script>alert(1)</script>',
    });
    const shown = await ask(url(`Binary/${html.body.id}`), { headers: { Accept: 'text/html' } });
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
    expect(shown.headers.get('content-disposition')).toMatch(/^attachment/);
  });

  test('V-17 TRACE is not served, and no header makes another method or host of a request', async () => {
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.write(`TRACE /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nX-Secret: told\r\nConnection: close\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1\.1 405 /);
    expect(text).not.toContain('told');
    const overridden = await ask(url('Patient/victim'), { headers: { 'X-HTTP-Method-Override': 'DELETE' } });
    expect(overridden.status).toBe(200);
  });

  test('B-14 V-17 forwarded headers of whoever sends them change no link', async () => {
    const spoofed = {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-For': '8.8.8.8',
      Forwarded: 'host=evil.example;proto=https',
    };
    const { body, status } = await ask(url('Patient?_count=1'), { headers: spoofed });
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toContain('evil');
    expect(body.link[0].url.startsWith(server.base)).toBe(true);
  });
});
