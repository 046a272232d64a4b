/** What entries of a batch or transaction ask for, and what is said to those that ask wrongly. */
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { FhirError } from '../../src/fhir/outcome.js';
import { readBundle } from '../../src/fhir/transaction/index.js';
import { inOrder } from '../../src/fhir/transaction/order.js';
import type { Operation } from '../../src/fhir/transaction/operation.js';
import { JsonError } from '../../src/kit/json.js';
import { limits } from '../../src/kit/limits.js';

const context = { definitions: loadDefinitions(), base: 'http://localhost:3000/fhir' };
const read = (entry: unknown[], more: object = { type: 'transaction' }) =>
  readBundle(Buffer.from(JSON.stringify({ resourceType: 'Bundle', ...more, entry })), context);

async function one(entry: object): Promise<Operation> {
  const { operations } = await read([entry]);
  return operations[0] as Operation;
}

async function refused(promise: Promise<unknown>): Promise<{ kind: string; issues: [string, string][] }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FhirError);
  const { kind, issues } = error as FhirError;
  return { kind, issues: issues.map(({ diagnostics, expression }) => [expression?.[0] ?? '', diagnostics]) };
}

const patient = { resourceType: 'Patient' };
const request = (method: string, url: string, more: object = {}) => ({ request: { method, url, ...more } });

test.each([
  ['GET', 'Patient/1', { interaction: 'read', type: 'Patient', id: '1' }],
  ['HEAD', 'Patient/1?_summary=true', { interaction: 'read', type: 'Patient', id: '1', query: '_summary=true' }],
  ['GET', '/Patient/1?', { interaction: 'read', type: 'Patient', id: '1' }],
  ['GET', 'Patient/1/_history/2', { interaction: 'vread', type: 'Patient', id: '1', versionId: '2' }],
  ['GET', 'Patient/1/_history', { interaction: 'history-instance', type: 'Patient', id: '1' }],
  ['GET', 'Patient/_history?_count=2', { interaction: 'history-type', type: 'Patient', query: '_count=2' }],
  ['GET', '_history', { interaction: 'history-system' }],
  ['GET', 'metadata', { interaction: 'capabilities' }],
  ['GET', 'Patient', { interaction: 'search-type', type: 'Patient' }],
  ['GET', 'Patient?name=a/b', { interaction: 'search-type', type: 'Patient', query: 'name=a/b' }],
  ['GET', '?_type=Patient', { interaction: 'search-system', query: '_type=Patient' }],
  [
    'GET',
    'Patient/1/*?_count=1',
    { interaction: 'search-type', type: 'Patient', id: '1', member: '*', query: '_count=1' },
  ],
  ['GET', 'Patient/1/Task', { interaction: 'search-type', type: 'Patient', id: '1', member: 'Task' }],
  ['DELETE', 'Patient/1', { interaction: 'delete', type: 'Patient', id: '1' }],
  ['DELETE', 'Patient?identifier=1', { interaction: 'delete', type: 'Patient', query: 'identifier=1' }],
  ['GET', 'http://localhost:3000/fhir/Patient/1', { interaction: 'read', type: 'Patient', id: '1' }],
  [
    'GET',
    'http://127.0.0.1:3000/fhir/Patient?name=x',
    { interaction: 'search-type', type: 'Patient', query: 'name=x' },
  ],
])('%s %s is read', async (method, url, expected) => {
  expect(await one(request(method, url))).toEqual({ index: 0, method, query: '', conditions: {}, ...expected });
});

test.each([
  ['POST', 'Patient', patient, { interaction: 'create', type: 'Patient' }],
  ['POST', 'Patient', { ...patient, id: 'mine' }, { interaction: 'create', type: 'Patient' }],
  ['PUT', 'Patient/1', { ...patient, id: '1' }, { interaction: 'update', type: 'Patient', id: '1' }],
  ['PUT', 'Patient?identifier=1', patient, { interaction: 'update', type: 'Patient', query: 'identifier=1' }],
])('%s %s brings its resource', async (method, url, resource, expected) => {
  const operation = await one({ ...request(method, url), resource });
  expect(operation).toEqual({ index: 0, method, query: '', conditions: {}, resource, ...expected });
});

test('patches are the JSON in a Binary, or Parameters', async () => {
  const data = Buffer.from('[]').toString('base64');
  const binary = { resourceType: 'Binary', contentType: 'application/json-patch+json; charset=utf-8', data };
  const parameters = { resourceType: 'Parameters', parameter: [{ name: 'operation' }] };
  const json = await one({ ...request('PATCH', 'Patient/1'), resource: binary });
  expect(json.patch).toEqual({ kind: 'json', document: [] });
  const fhirpath = await one({ ...request('PATCH', 'Patient?identifier=1'), resource: parameters });
  expect(fhirpath).toMatchObject({
    interaction: 'patch',
    patch: { kind: 'fhirpath', parameters },
    query: 'identifier=1',
  });
  expect(fhirpath.resource).toBeUndefined();
});

test.each([
  ['PUT', 'Patient/1', { ifMatch: 'W/"2"' }, { conditions: { ifMatch: ['2'] } }],
  ['PUT', 'Patient/1', { ifNoneMatch: '*' }, { conditions: { ifNoneMatch: '*' } }],
  [
    'PUT',
    'Patient/1',
    { ifMatch: '"2", "3"', ifNoneMatch: '*' },
    { conditions: { ifMatch: ['2', '3'], ifNoneMatch: '*' } },
  ],
  ['POST', 'Patient', { ifNoneExist: 'identifier=a|b' }, { ifNoneExist: 'identifier=a|b' }],
  ['POST', 'Patient', { ifNoneExist: '?identifier=1' }, { ifNoneExist: 'identifier=1' }],
])('%s %s with %j', async (method, url, conditions, expected) => {
  const resource = { ...patient, ...(method === 'PUT' ? { id: '1' } : {}) };
  expect(await one({ ...request(method, url, conditions), resource })).toMatchObject(expected);
});

test('a read may be conditional', async () => {
  const conditions = { ifNoneMatch: 'W/"4"', ifModifiedSince: '2020-01-01T00:00:00Z' };
  const expected = { conditions: { ifNoneMatch: ['4'] }, ifModifiedSince: Date.UTC(2020, 0) };
  expect(await one(request('GET', 'Patient/1', conditions))).toMatchObject(expected);
});

const create = (more: object, resource: object = patient) => ({ ...request('POST', 'Patient'), resource, ...more });

test.each<[string, object, string, RegExp]>([
  ['no request', { resource: patient }, 'request', /no request; say there/],
  ['a request in a list', { request: [] }, 'request', /no object/],
  ['an unknown method', request('post', 'Patient'), 'request.method', /one of GET, HEAD, DELETE, POST/],
  ['a method with a name of its own', request('toString', 'Patient'), 'request.method', /one of GET/],
  ['no url', { request: { method: 'GET' } }, 'request.url', /has a url/],
  ['an id that no id can be', request('GET', 'Patient/a_b'), 'request.url', /write Type\?|metadata or/],
  ['an unknown type', request('GET', 'Patent/1'), 'request.url', /'Patent'.* no R4 type/],
  ['Parameters, which have no endpoint', request('GET', 'Parameters/1'), 'request.url', /no R4 type/],
  ['an unknown member', request('GET', 'Patient/1/Tsk'), 'request.url', /'Tsk'.* no R4 type/],
  [
    'another server',
    request('GET', 'http://example.org/fhir/Patient/1'),
    'request.url',
    /not below http:\/\/localhost/,
  ],
  ['a urn', request('GET', 'urn:uuid:1'), 'request.url', /not below/],
  ['a fragment', request('GET', 'Patient/1#x'), 'request.url', /fragment/],
  ['an operation', request('GET', 'Patient/1/$everything'), 'request.url', /\$everything is not served in a Bundle/],
  ['a search by POST', create(request('POST', 'Patient/_search')), 'request.url', /POST cannot ask.*write Type\./],
  ['a create with an id', create(request('POST', 'Patient/1')), 'request.url', /write Type\./],
  [
    'an update of a type',
    { ...request('PUT', 'Patient'), resource: patient },
    'request.url',
    /Type\/id or Type\?name=value/,
  ],
  ['an update with a query', { ...request('PUT', 'Patient/1?x=y'), resource: patient }, 'request.url', /Type\/id or/],
  [
    'a delete of a type',
    request('DELETE', 'Patient'),
    'request.url',
    /DELETE cannot ask.*Type\/id or Type\?name=value/,
  ],
  ['a delete of a type with an empty query', request('DELETE', 'Patient?'), 'request.url', /DELETE cannot ask/],
  ['many segments', request('GET', 'a/'.repeat(9)), 'request.url', /cannot ask/],
  [
    'ifMatch of a create',
    create(request('POST', 'Patient', { ifMatch: 'W/"1"' })),
    'request.ifMatch',
    /means nothing to POST, only to PUT/,
  ],
  ['ifNoneExist of a read', request('GET', 'Patient/1', { ifNoneExist: 'a=b' }), 'request.ifNoneExist', /only to POST/],
  ['a bare version', request('DELETE', 'Patient/1', { ifMatch: '2' }), 'request.ifMatch', /ETag such as/],
  [
    'an empty ifNoneExist',
    create(request('POST', 'Patient', { ifNoneExist: '?' })),
    'request.ifNoneExist',
    /identifier=/,
  ],
  [
    'a date for an instant',
    request('GET', 'Patient/1', { ifModifiedSince: '2020' }),
    'request.ifModifiedSince',
    /an instant/,
  ],
  ['no resource', request('POST', 'Patient'), 'resource', /no resource; bring the Patient/],
  ['a resource without a type', create({}, { id: '1' }), 'resource.resourceType', /no resourceType/],
  [
    'a resource of another type',
    create({}, { resourceType: 'Task' }),
    'request.url',
    /is a Task, the url says Patient/,
  ],
  ['an update without an id', { ...request('PUT', 'Patient/1'), resource: patient }, 'resource.id', /has no id/],
  [
    'an id that is no text',
    { ...request('PUT', 'Patient/1'), resource: { ...patient, id: 1 } },
    'resource.id',
    /the id number/,
  ],
  [
    'a resource to delete',
    { ...request('DELETE', 'Patient/1'), resource: patient },
    'resource',
    /DELETE takes no resource/,
  ],
  [
    'a Patient as patch',
    { ...request('PATCH', 'Patient/1'), resource: patient },
    'resource.resourceType',
    /is a Binary/,
  ],
  [
    'a patch of another kind',
    {
      ...request('PATCH', 'Patient/1'),
      resource: { resourceType: 'Binary', contentType: 'application/xml', data: 'AAAA' },
    },
    'resource.contentType',
    /json-patch/,
  ],
  [
    'a patch without data',
    {
      ...request('PATCH', 'Patient/1'),
      resource: { resourceType: 'Binary', contentType: 'application/json-patch+json' },
    },
    'resource.data',
    /base64/,
  ],
  [
    'a patch that is no JSON',
    {
      ...request('PATCH', 'Patient/1'),
      resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: 'W10s' },
    },
    'resource.data',
    /after the end of the JSON value/,
  ],
  [
    'broken base64',
    {
      ...request('PATCH', 'Patient/1'),
      resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: 'AA' },
    },
    'resource.data',
    /base64/,
  ],
  ['a relative fullUrl', create({ fullUrl: 'Patient/1' }), 'fullUrl', /absolute URL; or leave it out/],
  ['a fullUrl that is no text', create({ fullUrl: 1 }), 'fullUrl', /absolute/],
  ['a fullUrl with a version', create({ fullUrl: 'http://a/Patient/1/_history/2' }), 'fullUrl', /no version/],
  ['a fullUrl of another type', create({ fullUrl: 'http://a/Task/1' }), 'fullUrl', /Task\/1, the resource is Patient/],
  [
    'a fullUrl of another id',
    create({ fullUrl: 'http://a/Patient/1' }, { ...patient, id: '2' }),
    'fullUrl',
    /Patient\/1, the resource is Patient\/2/,
  ],
  ['a response', create({ response: { status: '200' } }), 'response', /bdl-4/],
  ['a search', create({ search: { mode: 'match' } }), 'search', /bdl-2/],
  ['a modifier extension', create({ modifierExtension: [] }), 'modifierExtension', /modifier extension/],
])('%s is refused by its element', async (_name, entry, element, reason) => {
  const { issues } = await refused(read([create({}), entry]));
  expect(issues).toEqual([[`Bundle.entry[1].${element}`, expect.stringMatching(reason)]]);
});

test.each<[object, string, RegExp]>([
  [{ type: 'collection' }, 'Bundle.type', /batch or transaction/],
  [{}, 'Bundle.type', /batch or transaction/],
  [{ type: 'batch', resourceType: 'Patient' }, 'resourceType', /is a Bundle/],
  [{ type: 'batch', total: 1 }, 'Bundle.total', /bdl-1/],
  [{ type: 'batch', entries: [] }, 'Bundle', /no Bundle\.entries/],
])('a Bundle with %j is refused', async (more, element, reason) => {
  expect((await refused(read([create({})], more))).issues).toEqual([[element, expect.stringMatching(reason)]]);
});

test('an unknown name in an entry or its request is refused', async () => {
  const { issues } = await refused(read([create({ resorce: patient }), request('GET', 'Patient', { headers: {} })]));
  expect(issues).toEqual([
    ['Bundle.entry[0]', expect.stringMatching(/no Bundle\.entry\.resorce/)],
    ['Bundle.entry[1].request', expect.stringMatching(/no Bundle\.entry\.request\.headers/)],
  ]);
});

test('ids and extensions are no reason to refuse', async () => {
  const { operations, properties } = await read(
    [
      create({
        id: 'a',
        extension: [{ url: 'http://x', valueCode: 'y' }],
        link: [{ relation: 'self', url: 'http://x' }],
      }),
    ],
    { type: 'batch', id: 'b', meta: {}, timestamp: '2026-11-22T10:00:00Z' },
  );
  expect(operations).toHaveLength(1);
  expect(properties).toEqual({
    resourceType: 'Bundle',
    type: 'batch',
    id: 'b',
    meta: {},
    timestamp: '2026-11-22T10:00:00Z',
  });
});

test('a Bundle without entries is one with nothing to do', async () => {
  expect(await readBundle(Buffer.from('{"resourceType":"Bundle","type":"transaction"}'), context)).toEqual({
    type: 'transaction',
    properties: { resourceType: 'Bundle', type: 'transaction' },
    operations: [],
  });
});

test('a batch keeps what is good; each of the others has its own reason', async () => {
  const { operations } = await read(
    [create({}), request('DELETE', 'Patient'), create({ fullUrl: 'urn:uuid:1' }), create({ fullUrl: 'urn:uuid:1' })],
    { type: 'batch' },
  );
  expect(operations.map((found) => found instanceof FhirError)).toEqual([false, true, false, true]);
  expect((operations[3] as unknown as FhirError).issues[0]?.expression).toEqual(['Bundle.entry[3].fullUrl']);
});

const put = (id: string) => ({ ...request('PUT', `Patient/${id}`), resource: { ...patient, id } });

test.each([
  ['two updates', [put('1'), put('2'), put('1')], 2],
  ['an update and a delete', [put('1'), request('DELETE', 'Patient/1')], 1],
  [
    'a delete and a patch',
    [request('DELETE', 'Patient/1'), { ...request('PATCH', 'Patient/1'), resource: { resourceType: 'Parameters' } }],
    1,
  ],
  ['one absolute, one relative', [put('1'), request('DELETE', 'http://localhost:3000/fhir/Patient/1')], 1],
])('%s of one resource are refused in a transaction', async (_name, entries, index) => {
  expect(await refused(read(entries))).toEqual({
    kind: 'invalid',
    issues: [
      [`Bundle.entry[${index}].request.url`, expect.stringMatching(/Patient\/1 is changed by Bundle\.entry\[0\]/)],
    ],
  });
});

test('one id in two types is two resources, and to read what is written is no second write', async () => {
  const entries = [put('1'), request('GET', 'Patient/1'), request('DELETE', 'Task/1'), request('HEAD', 'Patient/1')];
  expect((await read(entries)).operations).toHaveLength(4);
});

test('a transaction tells every issue, up to a bound', async () => {
  const { issues } = await refused(read(Array.from({ length: 150 }, () => request('DELETE', 'Patient'))));
  expect(issues).toHaveLength(limits.issues);
  expect(issues[99]?.[0]).toBe('Bundle.entry[99].request.url');
});

test('only a Binary may be larger than a resource', async () => {
  const data = 'A'.repeat(limits.entryBytes + 4);
  const binary = { ...request('POST', 'Binary'), resource: { resourceType: 'Binary', contentType: 'image/png', data } };
  expect((await one(binary)).resource?.data).toHaveLength(data.length);
  const media = { ...request('POST', 'Media'), resource: { resourceType: 'Media', content: { data } } };
  expect(await refused(read([media]))).toMatchObject({
    kind: 'too-large',
    issues: [['Bundle.entry[0].resource', /./]],
  });
});

test('a transaction is done in R4 order, whatever the order of its entries', async () => {
  const { operations } = await read([
    request('GET', 'Patient/9'),
    put('1'),
    create({}),
    request('HEAD', 'Patient/9'),
    { ...request('PATCH', 'Patient/2'), resource: { resourceType: 'Parameters' } },
    request('DELETE', 'Patient/3'),
    create({}),
  ]);
  const order = inOrder(operations as Operation[]).map(({ method, index }) => `${method} ${index}`);
  expect(order).toEqual(['DELETE 5', 'POST 2', 'POST 6', 'PUT 1', 'PATCH 4', 'GET 0', 'HEAD 3']);
});

test('whatever an entry holds, it is read or refused, and nothing breaks', async () => {
  const names =
    'fullUrl request method url resource resourceType id ifMatch ifNoneExist ifModifiedSince data contentType';
  const texts = [
    '',
    '1',
    'PUT',
    'PATCH',
    'POST',
    'Patient',
    'Patient/1',
    'Binary',
    'urn:uuid:1',
    'http://a/Patient/1',
    '*',
  ];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom(...texts),
      fc.constantFrom(0, true, 1.5),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...names.split(' ')), tie('value'), { maxKeys: 5 }),
    ),
  }));
  const word = fc.constantFrom(...texts);
  const asked = fc.constantFrom(
    ['POST', 'Patient'],
    ['PUT', 'Patient/1'],
    ['DELETE', 'Patient/1'],
    ['PATCH', 'Patient/1'],
  );
  const request = fc.oneof(
    value,
    fc.record({ method: word, url: word, ifMatch: value }, { requiredKeys: ['method', 'url'] }),
    asked.map(([method, url]) => ({ method, url })),
  );
  const resource = fc.oneof(
    value,
    fc.record({ resourceType: word, id: value, data: value, contentType: value }, { requiredKeys: ['resourceType'] }),
    fc.constant(patient),
  );
  const part = fc.record({ fullUrl: value, request, resource }, { requiredKeys: ['request'] });
  let good = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 3 }), async (entries) => {
      try {
        good += (await read(entries)).operations.length;
      } catch (error) {
        expect(error instanceof FhirError || error instanceof JsonError).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
  expect(good).toBeGreaterThan(0);
});
