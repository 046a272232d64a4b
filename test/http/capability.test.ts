/** The CapabilityStatement is true: every search parameter and interaction that it lists works. */
import { ask, describeOnSqlite } from '../support/server.js';

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

  test('every include that is listed is followed', async () => {
    const refused: string[] = [];
    for (const { type, searchInclude = [] } of statement.rest[0].resource) {
      for (let at = 0; at < searchInclude.length; at += 40) {
        const query = searchInclude.slice(at, at + 40).map((include: string) => `_include=${include}`);
        const { status, body } = await ask(`${server.base}/${type}?${query.join('&')}`);
        if (status !== 200) refused.push(`${type}: ${JSON.stringify(body.issue)}`);
      }
    }
    expect(refused).toEqual([]);
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
