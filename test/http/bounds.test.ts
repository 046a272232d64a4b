/** Every answer and every resource has a bound; beyond it a 4xx names the limit, on both stores alike. */
import { limits } from '../../src/kit/limits.js';
import { lowerLimits } from '../support/limits.js';
import { ask, describeServer, idsOf, pages, put } from '../support/server.js';
import { cpuOf } from '../support/time.js';

describeServer('bounds', (server) => {
  lowerLimits({ bundleBytes: 6 * 1024 * 1024 });

  test('a page ends before it has more bytes than a Bundle may have, and the next one goes on', async () => {
    const family = 'x'.repeat(90_000);
    const tag = [{ system: 'urn:bounds', code: 'large' }];
    const made: string[] = [];
    for (let n = 0; n < 15; n += 1) {
      const name = Array.from({ length: 5 }, (_, part) => ({ text: `${n}-${part}-${family}` }));
      made.push((await put(server.base, { resourceType: 'Person', meta: { tag }, name } as never)).id);
    }
    const found = await pages(`${server.base}/Person?_tag=urn:bounds|large&_count=100`);
    expect(found.length).toBe(2);
    expect(found.flatMap(idsOf).sort()).toEqual(made.toSorted());
    const history = await pages(`${server.base}/Person/_history?_count=100`);
    expect(history.flatMap((page) => page.entry)).toHaveLength(15);
    expect(history.length).toBe(2);
  });

  test('more includes than a page may have are refused, never cut', async () => {
    const { id } = await put(server.base, { resourceType: 'Organization', name: 'o' } as never);
    const author = { reference: `Organization/${id}` };
    const basic = { resourceType: 'Basic', code: { text: 'x' }, author };
    const create = { resource: basic, request: { method: 'POST', url: 'Basic' } };
    const entry = Array.from({ length: limits.includes + 1 }, () => create);
    const made = await ask(server.base, { body: { resourceType: 'Bundle', type: 'transaction', entry } });
    expect(made.status).toBe(200);
    const { status, body } = await ask(`${server.base}/Organization?_id=${id}&_revinclude=Basic:author`);
    expect([status, body.issue[0].code]).toEqual([400, 'too-costly']);
    expect(body.issue[0].diagnostics).toContain('limit includes');
    expect((await ask(`${server.base}/Basic?author=Organization/${id}&_count=1000`)).body.entry).toHaveLength(1000);
  });

  test.each([
    [
      '20,000 names',
      { resourceType: 'Patient', name: [{ given: Array.from({ length: 20_000 }, (_, n) => `n${n}`) }] },
      'searchValues',
    ],
    [
      '300 long names',
      { resourceType: 'Patient', name: Array.from({ length: 300 }, (_, n) => ({ text: `${n}${'x'.repeat(8000)}` })) },
      'searchValueCharacters',
    ],
  ])('V-11 %s in one resource are refused', async (_name, resource, limit) => {
    const took = await cpuOf(async () => {
      const { status, body } = await ask(`${server.base}/Patient`, { body: resource });
      expect(status).toBe(400);
      expect(body.issue[0].diagnostics).toContain(`limit ${limit}`);
    });
    expect(took).toBeLessThan(5000);
  });

  test('more combinations than a composite parameter keeps are refused, never cut', async () => {
    const observation = (codes: number) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'both' },
      component: [
        {
          code: { coding: Array.from({ length: codes }, (_, n) => ({ system: 'http://s', code: `c${n}` })) },
          valueCodeableConcept: {
            coding: Array.from({ length: 10 }, (_, n) => ({ system: 'http://s', code: `v${n}` })),
          },
        },
      ],
    });
    // The first code stands in a combination with and without its system; the last has its system beside it.
    expect((await ask(`${server.base}/Observation`, { body: observation(50) })).status).toBe(201);
    const { status, body } = await ask(`${server.base}/Observation`, { body: observation(51) });
    expect([status, body.resourceType, body.issue[0].code]).toEqual([422, 'OperationOutcome', 'processing']);
    expect(body.issue[0].expression).toEqual(['Observation.component']);
    expect(body.issue[0].diagnostics).toMatch(
      /^One Observation\.component has 1020 combinations .* combo-code-value-concept, and at most 1000 .*limit combinations/,
    );
  });

  test('a part of a resource is not taken for the whole', async () => {
    const tag = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }];
    for (const resource of [
      { resourceType: 'Patient', meta: { tag } },
      { resourceType: 'Binary', contentType: 'a/b', data: 'AAAA', meta: { tag } },
    ]) {
      const { status, body } = await ask(`${server.base}/${resource.resourceType}`, { body: resource });
      expect([status, body.issue[0].diagnostics]).toEqual([400, expect.stringContaining('SUBSETTED')]);
    }
  });

  test('what a Binary was answered with can be written back without loss', async () => {
    const created = await ask(`${server.base}/Binary`, {
      body: { resourceType: 'Binary', contentType: 'image/png', data: 'iVBORw0KGgo=' },
    });
    expect(created.body.data).toBe('iVBORw0KGgo=');
    const { id } = created.body;
    const again = await ask(`${server.base}/Binary/${id}`, { method: 'PUT', body: created.body });
    expect([again.status, again.body.data]).toEqual([200, 'iVBORw0KGgo=']);
    const { data: _data, ...document } = created.body;
    const without = await ask(`${server.base}/Binary/${id}`, { method: 'PUT', body: document });
    expect([without.status, without.body.issue[0].expression]).toEqual([400, ['Binary.data']]);
  });
});
