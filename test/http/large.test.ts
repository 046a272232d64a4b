/** A large body comes back as it was sent, and nobody else waits while it is read, checked and written. */
import { request } from 'node:http';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { parseJson, stringify } from '../../src/kit/json.js';
import { limits } from '../../src/kit/limits.js';
import { createValidator } from '../../src/validate/validator.js';
import { ask, describeOnSqlite, describeServer } from '../support/server.js';

/** Just below the search values that one resource may have. */
const ITEMS = 9_000;
const item = Array.from({ length: ITEMS }, (_, at) => ({
  linkId: `q${at}`,
  text: `Question ${at} of a long form: été, 発疹, and more words`,
  answer: [{ valueDecimal: 'DECIMAL' }],
}));
/** All but what the server writes itself. */
const members = `"status":"completed","item":${JSON.stringify(item).replaceAll('"DECIMAL"', '1.50')}}`;
const form = `{"resourceType":"QuestionnaireResponse",${members}`;

/** Sends bytes as they are and counts on nobody else to read the answer. */
const send = (url: string, body: Buffer) =>
  new Promise<string>((resolve, reject) => {
    const headers = { 'Content-Type': 'application/fhir+json', 'Content-Length': body.length };
    const asking = request(url, { method: 'POST', headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          resolve(Buffer.concat(chunks).toString());
        });
    });
    asking.on('error', reject).end(body);
  });

/** The longest time without a turn for others while it is done. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await work();
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}

describeServer('a large resource', (server) => {
  test('is stored digit by digit, and is read and patched again', async () => {
    const text = await send(`${server.base}/QuestionnaireResponse`, Buffer.from(form));
    const [, id, rest] =
      /^\{"resourceType":"QuestionnaireResponse","id":"([^"]+)","meta":\{[^}]+\},(.*)$/s.exec(text) ?? [];
    expect(rest === members).toBe(true);
    const url = `${server.base}/QuestionnaireResponse/${id ?? ''}`;
    expect((await ask(url)).text === text).toBe(true);
    const patch = [{ op: 'replace', path: '/status', value: 'amended' }];
    const headers = { 'Content-Type': 'application/json-patch+json' };
    const patched = await ask(url, { method: 'PATCH', headers, body: JSON.stringify(patch) });
    expect(patched.status).toBe(200);
    expect(patched.text.endsWith(members.replace('completed', 'amended'))).toBe(true);
  });

  test('is found, updated and refused as a small one is', async () => {
    const url = `${server.base}/QuestionnaireResponse/large-${server.address.length}`;
    const large = (more: object) => ({
      resourceType: 'QuestionnaireResponse',
      item: [{ linkId: '1', text: 'x'.repeat(300_000) }],
      ...more,
    });
    const id = url.slice(url.lastIndexOf('/') + 1);
    const identifier = { system: 'http://example.org/large', value: id };
    expect((await ask(url, { method: 'PUT', body: large({ id, status: 'completed', identifier }) })).status).toBe(201);
    expect(
      (await ask(url, { method: 'PUT', body: large({ id, status: 'amended', identifier }) })).body.meta.versionId,
    ).toBe('2');
    const found = await ask(`${server.base}/QuestionnaireResponse?identifier=http://example.org/large|${id}`);
    expect(found.body.entry.map((entry: any) => entry.resource.id)).toEqual([id]);
    expect(
      (await ask(url, { method: 'PUT', body: large({ id: 'other', status: 'amended' }) })).body.issue[0].expression,
    ).toEqual(['QuestionnaireResponse.id']);
    expect((await ask(url, { method: 'PUT', body: large({ id }) })).body.issue[0].diagnostics).toContain('status');
    const stale = { method: 'PUT', headers: { 'If-Match': 'W/"1"', 'Content-Type': 'application/fhir+json' } };
    // Conditions are judged before faults.
    expect((await ask(url, { ...stale, body: large({ id }) })).status).toBe(412);
    expect((await ask(`${server.base}/Patient`, { body: large({ status: 'completed' }) })).status).toBe(400);
  });

  test.each(['', 'x'])('comes back whole, wherever it is cut on the way (%j)', async (first) => {
    const text = first + '\u{1f600}'.repeat(200_000);
    const resource = {
      resourceType: 'Basic',
      code: { text: 'x' },
      text: { status: 'generated', div: `<div>${text}</div>` },
    };
    const { status, body } = await ask(`${server.base}/Basic`, { body: resource });
    expect([status, body.text.div === resource.text.div]).toEqual([201, true]);
  });

  test('is a Binary as well', async () => {
    const bytes = Buffer.alloc(1_000_000, 'A photograph, say. ');
    const body = { resourceType: 'Binary', contentType: 'application/octet-stream', data: bytes.toString('base64') };
    const { status, headers } = await ask(`${server.base}/Binary`, { body });
    expect(status).toBe(201);
    const answer = await fetch((headers.get('location') ?? '').replace(/\/_history\/.*/, ''));
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });
});

describeServer('a large entry', (server) => {
  const large = (more: object) => ({
    resourceType: 'QuestionnaireResponse',
    status: 'completed',
    item: [{ linkId: '1', text: 'x'.repeat(300_000) }],
    ...more,
  });
  const entry = (resource: object, more: object = {}) => ({
    request: { method: 'POST', url: (resource as Resource).resourceType },
    resource,
    ...more,
  });
  const send = (type: string, entries: object[]) =>
    ask(server.base, { body: { resourceType: 'Bundle', type, entry: entries } });

  test.each(['batch', 'transaction'])('of a %s is stored as it came, and refused as a small one is', async (type) => {
    const patient = 'urn:uuid:4f3a3c1e-6f0c-4a6e-9a94-7f3f0e0b8a11';
    const identifier = { system: 'http://example.org/large-entry', value: `${type}${server.address.length}` };
    const good = [entry(large({ identifier }))];
    if (type === 'transaction') {
      good.push(entry({ resourceType: 'Patient' }, { fullUrl: patient }));
      good.push(entry(large({ subject: { reference: patient } })));
    }
    const { status, body } = await send(type, good);
    expect([status, body.entry.map(({ response }: any) => response.status)]).toEqual([
      200,
      good.map(() => '201 Created'),
    ]);
    const [url] = body.entry[0].response.location.split('/_history/');
    expect((await ask(url)).body.item).toEqual(large({}).item);
    const search = `${server.base}/QuestionnaireResponse?identifier=${identifier.system}|${identifier.value}`;
    expect((await ask(search)).body.total ?? (await ask(search)).body.entry.length).toBe(1);
    if (type === 'transaction') {
      const [other] = body.entry[2].response.location.split('/_history/');
      expect((await ask(other)).body.subject.reference).toMatch(/^Patient\//);
    }
    const bad = await send(type, [entry(large({ status: 'no such' }))]);
    const outcome = type === 'batch' ? bad.body.entry[0].response.outcome : bad.body;
    expect(outcome.issue[0].expression).toEqual(['Bundle.entry[0].resource.status']);
  });

  test('a small response that replaces a large one may follow it only as any other', async () => {
    const [made] = (await send('batch', [entry(large({}))])).body.entry;
    const url = String(made.response.location.split('/_history/')[0]);
    const id = url.slice(url.lastIndexOf('/') + 1);
    const small = (status: string) => ({
      method: 'PUT',
      body: { resourceType: 'QuestionnaireResponse', id, status, item: [{ linkId: '1' }] },
    });
    const refused = await ask(url, small('completed'));
    expect([refused.status, refused.body.issue[0].details.coding[0].code]).toEqual([422, 'status']);
    expect((await ask(url, small('amended'))).status).toBe(200);
  });
});

describeOnSqlite('a large resource on its way', (server) => {
  test('holds nobody up for as long as the work on it takes', async () => {
    const { validate } = createValidator(loadDefinitions());
    const bytes = Buffer.from(form.replaceAll('1.50', '1.5'));
    const here = async () => {
      const resource = parseJson(bytes, limits.depth) as Resource;
      expect(validate(resource)).toEqual([]);
      return Promise.resolve(stringify(resource));
    };
    const there = () => send(`${server.base}/QuestionnaireResponse`, bytes);
    await here();
    await there();
    const alone = await longestPause(here);
    const pauses = [await longestPause(there), await longestPause(there)];
    expect(Math.min(...pauses)).toBeLessThan(alone);
  });
});
