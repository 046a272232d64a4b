/** batch and transaction over HTTP (R4 http.html#transaction). */
import { ask, describeServer, put } from '../support/server.js';

const patient = (family: string, more: object = {}) => ({ resourceType: 'Patient', name: [{ family }], ...more });
const identified = (value: string) => [{ system: 'http://clinic.example/mrn', value }];

describeServer('transaction', (server) => {
  const send = (type: string, entry: object[], headers: Record<string, string> = {}) =>
    ask(`${server.base}/`, { headers, body: { resourceType: 'Bundle', type, entry } });
  const transact = (entry: object[], headers: Record<string, string> = {}) => send('transaction', entry, headers);
  const request = (method: string, url: string, more: object = {}) => ({ request: { method, url, ...more } });
  const count = async (query: string) => (await ask(`${server.base}/${query}&_summary=count`)).body.total;
  const statuses = (body: any) => body.entry.map((entry: any) => entry.response.status.slice(0, 3));

  test('what its entries refer to each other by becomes what they are stored as, forward and backward', async () => {
    const [pat, obs] = [
      'urn:uuid:11111111-1111-4111-8111-111111111111',
      'urn:uuid:22222222-2222-4222-8222-222222222222',
    ];
    const { status, body } = await transact([
      {
        fullUrl: obs,
        resource: {
          resourceType: 'Observation',
          status: 'final',
          code: { text: 'x' },
          subject: { reference: pat },
          valueQuantity: { value: 5.4, unit: 'g' },
          text: {
            status: 'generated',
            div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${pat}">patient</a></div>`,
          },
        },
        ...request('POST', 'Observation'),
      },
      {
        fullUrl: pat,
        resource: patient('Ada', { link: [{ other: { reference: pat }, type: 'seealso' }] }),
        ...request('POST', 'Patient'),
      },
    ]);
    expect([status, body.type, statuses(body)]).toEqual([200, 'transaction-response', ['201', '201']]);
    const [first, second] = body.entry;
    expect(first.response.location).toMatch(/\/Observation\/[^/]+\/_history\/1$/);
    expect(first.response.etag).toBe('W/"1"');
    const name = `Patient/${second.resource.id}`;
    expect(first.resource.subject.reference).toBe(name);
    expect(second.resource.link[0].other.reference).toBe(name);
    const read = (await ask(`${server.base}/Observation/${first.resource.id}`)).body;
    expect(read.text.div).toContain(`href="${name}"`);
    expect((await ask(`${server.base}/Observation?subject=${name}`)).body.total).toBe(1);
  });

  test.each([
    ['first', 0],
    ['in the middle', 2],
    ['last', 4],
  ])('one entry that cannot be done (%s) leaves nothing of the others', async (_name, at) => {
    const marker = `half-${at}-${server.base}`;
    const entries: object[] = Array.from({ length: 4 }, () => ({
      resource: patient('Half', { identifier: identified(marker) }),
      ...request('POST', 'Patient'),
    }));
    entries.splice(at, 0, { resource: { resourceType: 'Patient', gender: 'unheard' }, ...request('POST', 'Patient') });
    const { status, body } = await transact(entries);
    expect([status, body.resourceType]).toEqual([400, 'OperationOutcome']);
    expect(body.issue[0].expression[0]).toBe(`Bundle.entry[${at}].resource.gender`);
    expect(await count(`Patient?identifier=${encodeURIComponent(`http://clinic.example/mrn|${marker}`)}`)).toBe(0);
  });

  test('a stale If-Match, an unknown urn and two changes of one resource are refused by name', async () => {
    const { id } = await put(server.base, patient('Once'));
    const stale = await transact([
      { resource: patient('New'), ...request('POST', 'Patient') },
      { resource: { ...patient('Twice'), id }, ...request('PUT', `Patient/${id}`, { ifMatch: 'W/"7"' }) },
    ]);
    expect([stale.status, stale.body.issue[0].diagnostics]).toEqual([412, expect.stringContaining(`Patient/${id}`)]);
    expect(stale.body.issue[0].expression).toEqual(['Bundle.entry[1]']);
    const lost = await transact([
      {
        resource: patient('Lost', {
          managingOrganization: { reference: 'urn:uuid:33333333-3333-4333-8333-333333333333' },
        }),
        ...request('POST', 'Patient'),
      },
    ]);
    expect([lost.status, lost.body.issue[0].expression]).toEqual([
      400,
      ['Bundle.entry[0].resource.managingOrganization.reference'],
    ]);
    const twice = await transact([
      { resource: { ...patient('A'), id }, ...request('PUT', `Patient/${id}`) },
      request('DELETE', `Patient/${id}`),
    ]);
    expect(twice.status).toBe(400);
    expect((await ask(`${server.base}/Patient/${id}`)).body.meta.versionId).toBe('1');
  });

  test('deletes, creates, updates, patches and reads are done in that order and answered in their own', async () => {
    const [kept, gone] = [await put(server.base, patient('Kept')), await put(server.base, patient('Gone'))];
    const { status, body } = await transact([
      request('GET', `Patient/${kept.id}`),
      { resource: { ...patient('Changed'), id: kept.id }, ...request('PUT', `Patient/${kept.id}`) },
      request('GET', `Patient/${gone.id}`),
      request('DELETE', `Patient/${gone.id}`),
      { resource: patient('Fresh'), ...request('POST', 'Patient') },
      request('HEAD', `Patient/${kept.id}`),
      request('GET', `Patient?_id=${kept.id}`),
    ]);
    expect([status, statuses(body)]).toEqual([200, ['200', '200', '410', '204', '201', '200', '200']]);
    expect(body.entry[0].resource.name[0].family).toBe('Changed');
    expect(body.entry[2].response.outcome.resourceType).toBe('OperationOutcome');
    expect(body.entry[5].resource).toBeUndefined();
    expect(body.entry[6].resource.total).toBe(1);
  });

  test('references by search find what is there, and what the transaction itself writes', async () => {
    const there = await put(server.base, patient('There', { identifier: identified('there-1') }));
    const observation = (reference: string) => ({
      resource: { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference } },
      ...request('POST', 'Observation'),
    });
    const { status, body } = await transact([
      observation('Patient?identifier=http://clinic.example/mrn|there-1'),
      observation('Patient?identifier=http://clinic.example/mrn|new-1'),
      { resource: patient('New', { identifier: identified('new-1') }), ...request('POST', 'Patient') },
    ]);
    expect([status, body.issue]).toEqual([200, undefined]);
    expect(body.entry[0].resource.subject.reference).toBe(`Patient/${there.id}`);
    expect(body.entry[1].resource.subject.reference).toBe(`Patient/${body.entry[2].resource.id}`);
    const none = await transact([observation('Patient?identifier=http://clinic.example/mrn|nobody')]);
    expect([none.status, none.body.issue[0].diagnostics]).toEqual([412, expect.stringContaining('finds nothing')]);
  });

  test('conditional creates and updates inside stand for what they find', async () => {
    const there = await put(server.base, patient('There', { identifier: identified('there-2') }));
    const urn = 'urn:uuid:44444444-4444-4444-8444-444444444444';
    const { status, body } = await transact([
      {
        fullUrl: urn,
        resource: patient('Other', { identifier: identified('there-2') }),
        ...request('POST', 'Patient', { ifNoneExist: 'identifier=http://clinic.example/mrn|there-2' }),
      },
      {
        resource: { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: urn } },
        ...request('PUT', 'Observation?identifier=none|none'),
      },
    ]);
    expect([status, body.issue]).toEqual([200, undefined]);
    expect(statuses(body)).toEqual(['200', '201']);
    expect(body.entry[0].resource.id).toBe(there.id);
    expect(body.entry[1].resource.subject.reference).toBe(`Patient/${there.id}`);
  });

  test('a batch does each by itself', async () => {
    const { status, body } = await send('batch', [
      { resource: patient('Good'), ...request('POST', 'Patient') },
      { resource: { resourceType: 'Patient', gender: 'unheard' }, ...request('POST', 'Patient') },
      request('GET', 'Patient/nobody'),
      { resource: patient('Odd'), ...request('GRAB', 'Patient') },
      request('GET', 'metadata'),
    ]);
    expect([status, body.type, statuses(body)]).toEqual([200, 'batch-response', ['201', '400', '404', '400', '200']]);
    expect(body.entry[1].response.outcome.issue[0].expression).toEqual(['Bundle.entry[1].resource.gender']);
  });

  test('a Binary travels as base64, and is not there when its transaction is not', async () => {
    const data = Buffer.from('a small photo').toString('base64');
    const binary = {
      resource: { resourceType: 'Binary', contentType: 'text/plain', data },
      ...request('POST', 'Binary'),
    };
    const { body } = await transact([binary]);
    const { id } = body.entry[0].resource;
    expect(await (await fetch(`${server.base}/Binary/${id}`)).text()).toBe('a small photo');
    const refused = await transact([
      binary,
      { resource: { resourceType: 'Patient', gender: 7 }, ...request('POST', 'Patient') },
    ]);
    expect(refused.status).toBe(400);
  });

  test('patches inside, as Binary and as Parameters', async () => {
    const { id } = await put(server.base, patient('Before'));
    const patch = [{ op: 'replace', path: '/name/0/family', value: 'After' }];
    const data = Buffer.from(JSON.stringify(patch)).toString('base64');
    const { status, body } = await transact([
      {
        resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data },
        ...request('PATCH', `Patient/${id}`),
      },
    ]);
    expect([status, body.entry[0].resource.name[0].family, body.entry[0].response.etag]).toEqual([
      200,
      'After',
      'W/"2"',
    ]);
  });

  test('Prefer: return=minimal leaves the resources out', async () => {
    const { body } = await transact([{ resource: patient('Minimal'), ...request('POST', 'Patient') }], {
      Prefer: 'return=minimal',
    });
    expect([body.entry[0].resource, body.entry[0].response.status]).toEqual([undefined, '201 Created']);
  });

  test('5,000 entries are one transaction', async () => {
    const entries = Array.from({ length: 5000 }, (_, at) => ({
      resource: patient(`Many-${at}`, { identifier: identified('many') }),
      ...request('POST', 'Patient'),
    }));
    const { status, body } = await transact(entries, { Prefer: 'return=minimal' });
    expect([status, body.entry.length]).toEqual([200, 5000]);
    expect(await count('Patient?identifier=http://clinic.example/mrn|many')).toBe(5000);
    const more = await transact([...entries, entries[0]!]);
    expect(more.status).toBe(413);
  }, 60_000);
});
