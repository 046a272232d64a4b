/** search over HTTP (R4 search.html): what the language tests of test/search cannot see. */
import { ask, describeServer, idsOf, pages, put } from '../support/server.js';

const RUN = `run-${process.pid}`;

describeServer('search', (server) => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    const named = async (name: string, resource: object) => {
      ids[name] = (await put(server.base, resource as never)).id;
    };
    await named('org', { resourceType: 'Organization', name: 'Clinic', identifier: [{ system: RUN, value: 'org' }] });
    await named('ann', {
      resourceType: 'Patient',
      identifier: [{ system: RUN, value: 'ann' }],
      name: [{ family: 'Müller', given: ['Ann'] }],
      birthDate: '1980-05-17',
      gender: 'female',
      managingOrganization: { reference: `Organization/${ids.org}` },
    });
    await named('bob', {
      resourceType: 'Patient',
      identifier: [{ system: RUN, value: 'bob' }],
      name: [{ family: 'Mulligan', given: ['Bob'] }],
      birthDate: '1991',
      gender: 'male',
    });
    await named('cleo', { resourceType: 'Patient', identifier: [{ system: RUN, value: 'cleo' }], active: true });
    await named('obs', {
      resourceType: 'Observation',
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '1234-5' }] },
      subject: { reference: `${server.base}/Patient/${ids.ann}` },
      effectiveDateTime: '2026-03-01T10:00:00+02:00',
    });
    await named('later', {
      resourceType: 'Observation',
      status: 'amended',
      code: { coding: [{ system: 'http://loinc.org', code: '1234-5' }] },
      subject: { reference: `Patient/${ids.ann}` },
      effectivePeriod: { start: '2026-04-01', end: '2026-05-01' },
    });
  });

  const names = async (query: string): Promise<string[]> => {
    const { status, body } = await ask(`${server.base}/${query}`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return idsOf(body).map((id) => Object.keys(ids).find((name) => ids[name] === id) ?? id);
  };

  test.each([
    [`Patient?identifier=${RUN}|ann`, ['ann']],
    [`Patient?identifier=ann,bob&identifier=${RUN}|`, ['ann', 'bob']],
    [`Patient?identifier=|ann`, []],
    [`Patient?name=MULL&identifier=${RUN}|`, ['ann', 'bob']],
    [`Patient?family:exact=Müller&identifier=${RUN}|`, ['ann']],
    [`Patient?family:exact=muller&identifier=${RUN}|`, []],
    [`Patient?family:contains=lliga&identifier=${RUN}|`, ['bob']],
    [`Patient?birthdate=1980&identifier=${RUN}|`, ['ann']],
    [`Patient?birthdate=ge1981-01-01&identifier=${RUN}|`, ['bob']],
    [`Patient?birthdate:missing=true&identifier=${RUN}|`, ['cleo']],
    [`Patient?gender:not=male&identifier=${RUN}|`, ['ann', 'cleo']],
    [`Patient?gender=male,female&identifier=${RUN}|`, ['ann', 'bob']],
    [`Patient?active=true&identifier=${RUN}|`, ['cleo']],
  ])('%s finds %j', async (query, expected) => {
    expect((await names(query)).sort()).toEqual(expected);
  });

  test('by reference in every form, also when it was written with this base', async () => {
    for (const value of [ids.ann, `Patient/${ids.ann}`, `${server.base}/Patient/${ids.ann}`]) {
      expect((await names(`Observation?subject=${value}`)).sort()).toEqual(['later', 'obs']);
    }
    expect(await names(`Observation?subject:Patient=${ids.ann}&status=final`)).toEqual(['obs']);
    expect(await names(`Observation?subject:Device=${ids.ann}`)).toEqual([]);
  });

  test('sorts both ways, and pages keep that order', async () => {
    const sorted = (sort: string) => names(`Patient?identifier=${RUN}|&_sort=${sort}`);
    expect(await sorted('birthdate')).toEqual(['cleo', 'ann', 'bob']);
    expect(await sorted('-birthdate')).toEqual(['bob', 'ann', 'cleo']);
    expect(await sorted('family,-_id')).toEqual(['cleo', 'ann', 'bob']);
    const two = await pages(`${server.base}/Patient?identifier=${RUN}|&_sort=-birthdate&_count=2`);
    expect(two.map(idsOf)).toEqual([[ids.bob, ids.ann], [ids.cleo]]);
  });

  test('pages show each resource once while others write', async () => {
    const made = new Set<string>();
    const tag = [{ system: RUN, code: 'paged' }];
    for (let n = 0; n < 25; n += 1)
      made.add((await put(server.base, { resourceType: 'Basic', meta: { tag }, code: { text: 'x' } } as never)).id);
    let url: string | undefined = `${server.base}/Basic?_tag=${RUN}|paged&_count=4`;
    const seen: string[] = [];
    while (url !== undefined) {
      const { body }: any = await ask(url);
      seen.push(...idsOf(body));
      await put(server.base, { resourceType: 'Basic', meta: { tag }, code: { text: 'meanwhile' } } as never);
      url = seen.length > 60 ? undefined : body.link.find((link: any) => link.relation === 'next')?.url;
    }
    expect(seen.filter((id) => made.has(id))).toHaveLength(25);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('includes what is referred to, what refers, and goes on from there', async () => {
    const modes = async (query: string) =>
      ((await ask(`${server.base}/${query}`)).body.entry ?? []).map(
        (entry: any) => `${entry.search.mode} ${Object.keys(ids).find((name) => ids[name] === entry.resource.id)}`,
      );
    const one = `_id=${ids.obs}`;
    expect(await modes(`Observation?${one}&_include=Observation:subject`)).toEqual(['match obs', 'include ann']);
    expect(await modes(`Observation?${one}&_include=Observation:subject:Device`)).toEqual(['match obs']);
    const astray = await ask(`${server.base}/Observation?${one}&_include=Patient:organization`);
    expect([astray.status, astray.body.issue[0].expression]).toEqual([400, ['http._include']]);
    expect(
      await modes(`Observation?${one}&_include=Observation:subject&_include:iterate=Patient:organization`),
    ).toEqual(['match obs', 'include ann', 'include org']);
    expect((await modes(`Patient?_id=${ids.ann}&_revinclude=Observation:subject`)).sort()).toEqual([
      'include later',
      'include obs',
      'match ann',
    ]);
  });

  test('POST _search is the same as GET, and both places count', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const { status, body } = await ask(`${server.base}/Patient/_search?gender=female`, {
      headers: form,
      body: `identifier=${encodeURIComponent(`${RUN}|`)}`,
    });
    expect([status, idsOf(body)]).toEqual([200, [ids.ann]]);
    const wrong = await ask(`${server.base}/Patient/_search`, {
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    });
    expect(wrong.status).toBe(415);
  });

  test('all types at once, with _type', async () => {
    const found = await names(`?_type=Patient,Organization&_id=${ids.ann},${ids.org},${ids.obs}`);
    expect(found.sort()).toEqual(['ann', 'org']);
    expect((await names(`?_id=${ids.ann},${ids.obs}`)).sort()).toEqual(['ann', 'obs']);
  });

  test('totals are given when they are known or asked for', async () => {
    const total = async (query: string) => (await ask(`${server.base}/Patient?identifier=${RUN}|&${query}`)).body.total;
    expect(await total('_count=10')).toBe(3);
    expect(await total('_count=2')).toBeUndefined();
    expect(await total('_count=2&_total=accurate')).toBe(3);
    expect(await total('_count=2&_total=none')).toBeUndefined();
    const counted = await ask(`${server.base}/Patient?identifier=${RUN}|&_count=0`);
    expect([counted.body.total, counted.body.entry]).toEqual([3, undefined]);
  });

  test.each([
    ['nonsense=1', 'http.nonsense'],
    ['name:fuzzy=x', 'http.name:fuzzy'],
    ['name[$ne]=x', 'http.name[$ne]'],
    ['_filter=x', 'http._filter'],
    ['birthdate=yesterday', 'http.birthdate'],
    ['birthdate=2024-02-30', 'http.birthdate'],
    ['name=', 'http.name'],
    ['_count=-1', 'http._count'],
    ['_count=1001', 'http._count'],
    ['_sort=nonsense', 'http._sort'],
    ['_include=Patient', 'http._include'],
    ['_include=Observation:nonsense', 'http._include'],
    ['_cursor=abc.def', 'http._cursor'],
    ['general-practitioner=Organization/a/b', 'http.general-practitioner'],
  ])('%s is 400 and the issue names it', async (query, expression) => {
    const { status, body } = await ask(`${server.base}/Patient?${query}`);
    expect([status, body.resourceType, body.issue[0].expression]).toEqual([400, 'OperationOutcome', [expression]]);
  });

  test('lenient handling leaves out what is unknown, says so, and the self link is truthful', async () => {
    const headers = { Prefer: 'handling=lenient' };
    const { status, body } = await ask(`${server.base}/Patient?identifier=${RUN}|ann&nonsense=1`, { headers });
    expect([status, idsOf(body)]).toEqual([200, [ids.ann]]);
    expect(body.link[0].url).toBe(`${server.base}/Patient?identifier=${RUN}%7Cann`);
    const outcome = body.entry.find((entry: any) => entry.search.mode === 'outcome').resource;
    expect([outcome.issue[0].severity, outcome.issue[0].expression]).toEqual(['warning', ['http.nonsense']]);
  });

  test('a cursor is bound to its query, and nothing of it can be changed', async () => {
    const { body } = await ask(`${server.base}/Patient?identifier=${RUN}|&_count=1`);
    const cursor = new URL(body.link[1].url).searchParams.get('_cursor')!;
    const at = (query: string) => ask(`${server.base}/${query}&_cursor=${encodeURIComponent(cursor)}`);
    expect((await at(`Patient?identifier=${RUN}|&_count=1`)).status).toBe(200);
    expect((await at(`Patient?identifier=other|&_count=1`)).status).toBe(400);
    expect((await at(`Practitioner?identifier=${RUN}|&_count=1`)).status).toBe(400);
    const forged = `${cursor.startsWith('W') ? 'X' : 'W'}${cursor.slice(1)}`;
    expect((await ask(`${server.base}/Patient?identifier=${RUN}|&_count=1&_cursor=${forged}`)).status).toBe(400);
  });
});
