/** The CapabilityStatement is true: every search parameter and interaction that it lists works. */
import { limits } from '../../src/kit/limits.js';
import { ask, describeOnSqlite, put, type Ask } from '../support/server.js';

const basic = { resourceType: 'Basic', code: { text: 'x' } };

/** A value that every parameter of the type understands. */
const sample: Record<string, string> = {
  token: 'x',
  string: 'x',
  date: '2024',
  uri: 'urn:x',
  reference: 'http://x.example/y',
  number: 'gt0.5',
  quantity: 'le5.4|http://unitsofmeasure.org|g',
};

/** A composite's value has one part for each type that the refusal of a wrong one names. */
async function compositeSample(url: string): Promise<string> {
  const { status, body } = await ask(`${url}=x`);
  expect(status).toBe(400);
  const [, form = ''] = /is not ([a-z$]+):/.exec(body.issue[0].diagnostics) ?? [];
  return form
    .split('$')
    .map((type) => sample[type])
    .join('$');
}

describeOnSqlite('metadata', (server) => {
  let statement: any;
  beforeAll(async () => {
    statement = (await ask(`${server.base}/metadata`)).body;
  });

  test('says what this is', () => {
    expect(statement).toMatchObject({
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      kind: 'instance',
      format: ['application/fhir+json', 'application/json'],
      implementation: { url: server.base },
    });
  });

  test('every concrete type but Parameters is served', async () => {
    const types: string[] = statement.rest[0].resource.map((resource: any) => resource.type);
    expect(types).toHaveLength(145);
    expect(types).not.toContain('Parameters');
    const statuses = await Promise.all(
      types.map(async (type) => (await ask(`${server.base}/${type}?_count=1`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('every search parameter that is listed is searched by', async () => {
    const refused: string[] = [];
    let asked = 0;
    for (const { type, searchParam } of statement.rest[0].resource) {
      const query: string[] = [];
      for (const { name, type: kind } of searchParam) {
        const value = kind === 'composite' ? await compositeSample(`${server.base}/${type}?${name}`) : sample[kind];
        query.push(`${name}=${encodeURIComponent(value ?? '')}`);
      }
      // 40 at a time: a query has a bounded number of parameters.
      for (let at = 0; at < query.length; at += 40) {
        const part = query.slice(at, at + 40);
        asked += part.length;
        const { status, body } = await ask(`${server.base}/${type}?${part.join('&')}`);
        if (status !== 200) refused.push(`${type}: ${JSON.stringify(body.issue)}`);
      }
    }
    expect(refused).toEqual([]);
    expect(asked).toBeGreaterThan(1300);
  });

  test('every include that is listed is followed, in both directions', async () => {
    const refused: string[] = [];
    for (const { type, searchInclude = [], searchRevInclude = [] } of statement.rest[0].resource) {
      const query = [
        ...searchInclude.map((include: string) => `_include=${include}`),
        ...searchRevInclude.map((include: string) => `_revinclude=${include}`),
      ];
      for (let at = 0; at < query.length; at += limits.parameters) {
        const part = query.slice(at, at + limits.parameters).join('&');
        const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
        const { status, body } = await ask(`${server.base}/${type}/_search`, { headers, body: part });
        if (status !== 200) refused.push(`${type}: ${JSON.stringify(body.issue)}`);
      }
    }
    expect(refused).toEqual([]);
  });

  test('every interaction that is listed is served, for each type alike, and none besides', async () => {
    const { id } = await put(server.base, basic);
    const one = `Basic/${id}`;
    const patch = [{ op: 'add', path: '/language', value: 'de' }];
    const JSON_PATCH = { 'Content-Type': 'application/json-patch+json' };
    const bundle = (type: string) => ({
      resourceType: 'Bundle',
      type,
      entry: [{ request: { method: 'GET', url: one } }],
    });
    /** In an order in which each of them can be done. */
    const onType: [string, string, number, Ask?][] = [
      ['create', 'Basic', 201, { body: basic }],
      ['read', one, 200],
      ['vread', `${one}/_history/1`, 200],
      ['update', one, 200, { method: 'PUT', body: { ...basic, id } }],
      ['patch', one, 200, { method: 'PATCH', headers: JSON_PATCH, body: patch }],
      ['search-type', 'Basic', 200],
      ['history-instance', `${one}/_history`, 200],
      ['history-type', 'Basic/_history', 200],
      ['delete', one, 204, { method: 'DELETE' }],
    ];
    const onSystem: [string, string, number, Ask?][] = [
      ['search-system', '?_type=Basic,Patient', 200],
      ['history-system', '_history', 200],
      ['transaction', '', 200, { body: bundle('transaction') }],
      ['batch', '', 200, { body: bundle('batch') }],
    ];
    for (const [code, path, status, asked] of [...onType, ...onSystem])
      expect([code, (await ask(`${server.base}/${path}`, asked)).status]).toEqual([code, status]);
    const codes = ({ interaction }: any) => interaction.map(({ code }: any) => code).sort();
    for (const resource of statement.rest[0].resource)
      expect(codes(resource)).toEqual(onType.map(([code]) => code).sort());
    expect(codes(statement.rest[0])).toEqual(onSystem.map(([code]) => code).sort());
  });

  test('every operation that is listed is served, and defined', async () => {
    for (const { type, operation = [] } of statement.rest[0].resource)
      for (const { name, definition } of operation) {
        const asked = await ask(`${server.base}/${type}/nobody/$${name}`, { method: 'POST' });
        // The operator is no person who meets patients.
        const told = name.startsWith('break-glass') ? [403, 'forbidden'] : [404, 'not-found'];
        expect([name, asked.status, asked.body.issue[0].code]).toEqual([name, ...told]);
        expect((await ask(`${server.base}/OperationDefinition?url=${definition}`)).body.total).toBe(1);
      }
  });

  test('every compartment that is listed is searched', async () => {
    const { compartment } = statement.rest[0];
    expect(compartment).toHaveLength(5);
    for (const canonical of compartment) {
      const name = canonical.split('/').at(-1);
      const { type } = statement.rest[0].resource.find((resource: any) => resource.type.toLowerCase() === name);
      expect((await ask(`${server.base}/${type}/nobody/*`)).body).toMatchObject({ type: 'searchset', total: 0 });
    }
  });

  test('our own search parameter is there, and is a resource', async () => {
    const { searchParam } = statement.rest[0].resource.find((resource: any) => resource.type === 'ServiceRequest');
    const own = searchParam.find((parameter: any) => parameter.name === 'supporting-info');
    const found = await ask(`${server.base}/SearchParameter?url=${own.definition}`);
    expect(found.body.entry[0].resource).toMatchObject({ code: 'supporting-info', base: ['ServiceRequest'] });
  });
});

describeOnSqlite('the probes', (server) => {
  test('tell that it lives, that it is ready, and its figures', async () => {
    expect((await ask(`${server.address}/healthz`)).body).toEqual({ status: 'ok' });
    expect((await ask(`${server.address}/readyz`)).body).toEqual({ status: 'ready' });
    await ask(`${server.base}/Patient/never`);
    const { text } = await ask(`${server.address}/metrics`);
    expect(text).toMatch(/afferent_requests_total\{interaction="read",status="404"\} [1-9]/);
    expect(text).toContain('process_resident_memory_bytes');
  });
});
