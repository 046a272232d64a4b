/** history of a resource, a type and the server (R4 http.html#history). */
import { ask, describeServer, pages, put } from '../support/server.js';

const marks = (bundle: any): string[] =>
  (bundle.entry ?? []).map((entry: any) => `${entry.request.method} ${entry.resource?.gender ?? '-'}`);

describeServer('history', (server) => {
  test('of a resource shows every version, newest first, deletions too', async () => {
    const { id } = await put(server.base, { resourceType: 'Patient', gender: 'male' } as never);
    await put(server.base, { resourceType: 'Patient', id, gender: 'other' } as never);
    await ask(`${server.base}/Patient/${id}`, { method: 'DELETE' });
    await put(server.base, { resourceType: 'Patient', id, gender: 'female' } as never);
    const { status, body } = await ask(`${server.base}/Patient/${id}/_history`);
    expect([status, body.type, body.total]).toEqual([200, 'history', 4]);
    expect(marks(body)).toEqual(['PUT female', 'DELETE -', 'PUT other', 'POST male']);
    expect(body.entry.map((entry: any) => entry.response.etag)).toEqual(['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']);
    expect(body.entry[1]).toEqual({
      fullUrl: `${server.base}/Patient/${id}`,
      request: { method: 'DELETE', url: `Patient/${id}` },
      response: { status: '204 No Content', etag: 'W/"3"', lastModified: expect.any(String) },
    });
    expect(body.entry[3].request).toEqual({ method: 'POST', url: 'Patient' });
    expect(body.entry[3].response.status).toBe('201 Created');
  });

  test('of a type and of the server is paged, and stays where it was while others write', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1)
      made.push((await put(server.base, { resourceType: 'Location', name: `l${n}` } as never)).id);
    for (const path of ['Location/_history', '_history']) {
      const first = await ask(`${server.base}/${path}?_count=3`);
      await put(server.base, { resourceType: 'Location', name: 'later' } as never);
      const next = first.body.link.find((link: any) => link.relation === 'next').url;
      const rest = await pages(next);
      const seen = [first.body, ...rest]
        .flatMap((page) => page.entry ?? [])
        .map((entry: any) => `${entry.fullUrl} ${entry.response.etag}`);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((one) => made.some((id) => one.includes(`/${id} `)))).toEqual(
        made.toReversed().map((id) => `${server.base}/Location/${id} W/"1"`),
      );
    }
  });

  test('_since and _at narrow it', async () => {
    const { id, meta: first } = await put(server.base, {
      resourceType: 'Group',
      type: 'person',
      actual: true,
      name: 'a',
    } as never);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { meta: second } = await put(server.base, {
      resourceType: 'Group',
      id,
      type: 'person',
      actual: true,
      name: 'b',
    } as never);
    const names = async (query: string) =>
      ((await ask(`${server.base}/Group/${id}/_history?${query}`)).body.entry ?? []).map(
        (entry: any) => entry.resource.name,
      );
    expect(await names(`_since=${second.lastUpdated}`)).toEqual(['b']);
    expect(await names(`_since=${first.lastUpdated}`)).toEqual(['b', 'a']);
    expect(await names(`_at=${first.lastUpdated}`)).toEqual(['a']);
    expect(await names(`_at=${second.lastUpdated}`)).toEqual(['b']);
    expect(await names(`_at=${second.lastUpdated.slice(0, 4)}`)).toEqual(['b', 'a']);
    expect(await names('_at=1999')).toEqual([]);
  });

  test('of a resource that never was is 404', async () => {
    expect((await ask(`${server.base}/Patient/never/_history`)).status).toBe(404);
  });

  test.each([
    ['_count=0', '_count'],
    ['_count=1001', '_count'],
    ['_count=x', '_count'],
    ['_since=yesterday', '_since'],
    ['_since=2024-02-30', '_since'],
    ['_since=2024&_since=2025', '_since'],
    ['_at=2024-13', '_at'],
    ['_sort=name', '_sort'],
    ['name=x', 'name'],
    ['_cursor=forged', '_cursor'],
  ])('%s is 400 and names the parameter', async (query, name) => {
    const { status, body } = await ask(`${server.base}/Patient/_history?${query}`);
    expect([status, body.issue[0].expression]).toEqual([400, [`http.${name}`]]);
  });

  test('a cursor belongs to the history that it was made for', async () => {
    for (let n = 0; n < 3; n += 1)
      await put(server.base, {
        resourceType: 'Flag',
        status: 'active',
        code: { text: 'x' },
        subject: { display: 'x' },
      } as never);
    const { body } = await ask(`${server.base}/Flag/_history?_count=1`);
    const cursor = new URL(body.link[1].url).searchParams.get('_cursor')!;
    expect((await ask(`${server.base}/Flag/_history?_count=1&_cursor=${cursor}`)).status).toBe(200);
    for (const other of ['Patient/_history?_count=1', '_history?_count=1', 'Flag/_history?_count=2', 'Flag?_count=1']) {
      expect((await ask(`${server.base}/${other}&_cursor=${cursor}`)).status).toBe(400);
    }
  });
});
