/** The CapabilityStatement is true: every search parameter and interaction that it lists works. */
import { ask, describeOnSqlite } from '../support/server.js';

/** A value that every parameter of the type understands. */
const sample: Record<string, string> = {
  token: 'x',
  string: 'x',
  date: '2024',
  uri: 'urn:x',
  reference: 'http://x.example/y',
};

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
      const query: string[] = searchParam.map(
        ({ name, type: kind }: any) => `${name}=${encodeURIComponent(sample[kind] ?? '')}`,
      );
      // 40 at a time: a query has a bounded number of parameters.
      for (let at = 0; at < query.length; at += 40) {
        const part = query.slice(at, at + 40);
        asked += part.length;
        const { status, body } = await ask(`${server.base}/${type}?${part.join('&')}`);
        if (status !== 200) refused.push(`${type}: ${JSON.stringify(body.issue)}`);
      }
    }
    expect(refused).toEqual([]);
    expect(asked).toBeGreaterThan(1200);
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
