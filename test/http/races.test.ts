/** Many at once, and much at once: races of conditional interactions and patches, and the largest transaction. */
import { ask, describeServer, put } from '../support/server.js';

const SYSTEM = 'http://clinic.example/mrn';
const patient = (value: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: SYSTEM, value }],
  ...more,
});

describeServer('many at once', (server) => {
  const search = (value: string) => `identifier=${SYSTEM}|${value}`;
  const create = (value: string) =>
    ask(`${server.base}/Patient`, { headers: json({ 'If-None-Exist': search(value) }), body: patient(value) });
  const update = (value: string) =>
    ask(`${server.base}/Patient?${search(value)}`, { method: 'PUT', body: patient(value), headers: json({}) });

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

  test('of 16 identical conditional updates at once one creates and all are applied', async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => update('cu-race')));
    expect(answers.filter(({ status }) => status === 201).length).toBe(1);
    const { body } = await ask(`${server.base}/Patient?${search('cu-race')}`);
    expect([body.total, body.entry[0].resource.meta.versionId]).toEqual([1, '16']);
  });

  test('24 patches at once of one counter-like list are all there', async () => {
    const { id } = await put(server.base, patient('many', { name: [{ family: 'x' }] }));
    const add = (at: number) => JSON.stringify([{ op: 'add', path: '/name/-', value: { family: `f${at}` } }]);
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        ask(`${server.base}/Patient/${id}`, {
          method: 'PATCH',
          headers: { 'Content-Type': 'application/json-patch+json' },
          body: add(at),
        }),
      ),
    );
    const done = answers.filter(({ status }) => status === 200).length;
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([]);
    const { body } = await ask(`${server.base}/Patient/${id}`);
    expect([body.name.length, body.meta.versionId]).toEqual([done + 1, String(done + 1)]);
  });

  test('5,000 entries are one transaction', async () => {
    const transact = (length: number) => {
      const create = { resource: patient('much'), request: { method: 'POST', url: 'Patient' } };
      const bundle = { resourceType: 'Bundle', type: 'transaction', entry: Array.from({ length }, () => create) };
      return ask(server.base, { body: bundle, headers: json({ Prefer: 'return=minimal' }) });
    };
    const { status, body } = await transact(5000);
    expect([status, body.entry.length]).toEqual([200, 5000]);
    expect((await ask(`${server.base}/Patient?${search('much')}&_summary=count`)).body.total).toBe(5000);
    expect((await transact(5001)).status).toBe(413);
  }, 60_000);
});

const json = (headers: Record<string, string>): Record<string, string> => ({
  'Content-Type': 'application/fhir+json',
  ...headers,
});
