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
