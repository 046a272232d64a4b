/** AU-01 to AU-05: every request leaves a record before its answer, and records read and search as AuditEvents. */
import { ask, describeServer, idsOf, pages, type Answer, type Ask } from '../support/server.js';
import { authenticate, caller } from './callers.js';
import { brokenShapes } from './balp.js';

const [NORTH, SOUTH] = ['audit-north', 'audit-south'];

const as = {
  writer: caller('audit-writer', { role: 'system', owner: NORTH, scopes: 'system/*.cruds' }),
  ana: caller('audit-ana', {
    role: 'specialist',
    owner: NORTH,
    scopes: 'user/*.cruds',
    user: 'user-ana',
    fhirUser: 'Practitioner/ana',
  }),
  south: caller('audit-south-writer', { role: 'system', owner: SOUTH, scopes: 'system/*.cruds' }),
  auditor: caller('audit-auditor', { role: 'auditor', owner: NORTH, scopes: 'user/*.rs', user: 'user-audit' }),
  southAuditor: caller('audit-south-auditor', { role: 'auditor', owner: SOUTH, scopes: 'user/*.rs', user: 'user-sa' }),
  home: caller('audit-home', { role: 'auditor', owner: 'home', scopes: 'user/*.rs', user: 'user-home' }),
  admin: caller('audit-admin', { role: 'administrator', owner: NORTH, scopes: 'user/*.cruds', user: 'user-admin' }),
};
type Caller = keyof typeof as;

describeServer(
  'the audit trail',
  (server) => {
    /** When each answer was asked for. */
    const asked = new WeakMap<Answer, string>();
    const send = async (who: Caller | Record<string, string>, path: string, request: Ask = {}): Promise<Answer> => {
      const at = new Date().toISOString();
      const headers = { ...(typeof who === 'string' ? as[who] : who), ...request.headers };
      const answer = await ask(`${server.base}${path}`, { ...request, headers });
      asked.set(answer, at);
      return answer;
    };
    const post = async (who: Caller, resource: { resourceType: string }): Promise<string> => {
      const { body, status, text } = await send(who, `/${resource.resourceType}`, { method: 'POST', body: resource });
      if (status !== 201) throw new Error(text);
      return body.id;
    };
    const events = async (query: string, who: Caller | Record<string, string> = 'auditor'): Promise<any[]> => {
      const { status, body, text } = await send(who, `/AuditEvent?_count=1000&${query}`);
      if (status !== 200) throw new Error(text);
      return (body.entry ?? []).map(({ resource }: any) => resource);
    };
    const requestOf = ({ entity = [] }: any): string | undefined =>
      entity.find(({ type }: any) => type.code === 'XrequestId')?.what.identifier.value;
    /** The events of one request; those of a write may come a moment after it. */
    const eventsOf = async (answer: Answer, who: Caller = 'auditor'): Promise<any[]> => {
      const id = answer.headers.get('x-request-id');
      for (let tries = 0; ; tries += 1) {
        const found = (await events(`date=ge${asked.get(answer)}`, who)).filter((event) => requestOf(event) === id);
        if (found.length > 0 || tries === 20) return found;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    };
    const codes = (event: any) => [event.type.code, event.subtype[0].code, event.action, event.outcome];

    let [patient, observation, southern] = ['', '', ''];
    beforeAll(async () => {
      patient = await post('writer', { resourceType: 'Patient' });
      southern = await post('south', { resourceType: 'Patient' });
      observation = await post('writer', observationOf(patient));
    });
    const observationOf = (subject: string): any => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'one' },
      subject: { reference: `Patient/${subject}` },
    });
    const patchOf = (): Ask => ({
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: JSON.stringify([{ op: 'replace', path: '/status', value: 'amended' }]),
    });
    const bundleOf = (type: string, ...entry: object[]): Ask => ({
      method: 'POST',
      body: { resourceType: 'Bundle', type, entry },
    });

    /** Name, the request, and what its events say: type, subtype, action, outcome; and whether they name the patient. */
    const REQUESTS: [string, () => Promise<Answer>, string[][], boolean][] = [
      ['read', () => send('ana', `/Observation/${observation}`), [['rest', 'read', 'R', '0']], true],
      ['vread', () => send('ana', `/Observation/${observation}/_history/1`), [['rest', 'vread', 'R', '0']], true],
      ['read of a Patient', () => send('ana', `/Patient/${patient}`), [['rest', 'read', 'R', '0']], true],
      ['HEAD', () => send('ana', `/Patient/${patient}`, { method: 'HEAD' }), [['rest', 'read', 'R', '0']], true],
      [
        'history',
        () => send('ana', `/Observation/${observation}/_history`),
        [['rest', 'history-instance', 'R', '0']],
        true,
      ],
      [
        'history of a type',
        () => send('ana', '/Observation/_history?_count=1'),
        [['rest', 'history-type', 'R', '0']],
        true,
      ],
      [
        'search',
        () => send('ana', `/Observation?subject=Patient/${patient}`),
        [['rest', 'search-type', 'E', '0']],
        true,
      ],
      [
        'search that finds nothing',
        () => send('ana', '/Observation?code=x'),
        [['rest', 'search-type', 'E', '0']],
        false,
      ],
      [
        'search of all',
        () => send('ana', `/?_type=Patient&_id=${patient}`),
        [['rest', 'search-system', 'E', '0']],
        true,
      ],
      [
        'create',
        () => send('ana', '/Observation', { method: 'POST', body: observationOf(patient) }),
        [['rest', 'create', 'C', '0']],
        true,
      ],
      [
        'update',
        () =>
          send('ana', `/Observation/${observation}`, {
            method: 'PUT',
            body: { ...observationOf(patient), id: observation },
          }),
        [['rest', 'update', 'U', '0']],
        true,
      ],
      ['patch', () => send('ana', `/Observation/${observation}`, patchOf()), [['rest', 'patch', 'U', '0']], true],
      [
        'delete',
        async () => send('ana', `/Observation/${await post('writer', observationOf(patient))}`, { method: 'DELETE' }),
        [['rest', 'delete', 'D', '0']],
        true,
      ],
      [
        'delete of nothing',
        () => send('ana', '/Observation/none', { method: 'DELETE' }),
        [['rest', 'delete', 'D', '0']],
        false,
      ],
      [
        'create by condition that is there',
        () =>
          send('ana', '/Observation', {
            method: 'POST',
            headers: { 'If-None-Exist': `_id=${observation}` },
            body: observationOf(patient),
          }),
        [['rest', 'create', 'C', '0']],
        true,
      ],
      [
        'transaction',
        () =>
          send(
            'ana',
            '/',
            bundleOf(
              'transaction',
              { resource: observationOf(patient), request: { method: 'POST', url: 'Observation' } },
              { request: { method: 'GET', url: `Patient/${patient}` } },
            ),
          ),
        [
          ['rest', 'create', 'C', '0'],
          ['rest', 'read', 'R', '0'],
          ['rest', 'transaction', 'E', '0'],
        ],
        true,
      ],
      [
        'batch',
        () =>
          send(
            'ana',
            '/',
            bundleOf(
              'batch',
              { resource: observationOf(patient), request: { method: 'POST', url: 'Observation' } },
              { request: { method: 'GET', url: 'Patient/none' } },
            ),
          ),
        [
          ['rest', 'batch', 'E', '0'],
          ['rest', 'create', 'C', '0'],
          ['rest', 'read', 'R', '4'],
        ],
        true,
      ],
      [
        '$validate',
        () => send('ana', '/Patient/$validate', { method: 'POST', body: { resourceType: 'Patient' } }),
        [['rest', 'operation', 'E', '0']],
        false,
      ],
      ['404', () => send('ana', '/Patient/none'), [['rest', 'read', 'R', '4']], false],
      ['of another organization: 404', () => send('ana', `/Patient/${southern}`), [['rest', 'read', 'R', '4']], false],
      ['403', () => send('auditor', '/Patient'), [['rest', 'search-type', 'E', '4']], false],
      ['405', () => send('ana', '/Patient/$nothing'), [['rest', 'request', 'E', '4']], false],
      [
        '422',
        () => send('ana', '/Patient', { method: 'POST', body: { resourceType: 'Patient', gender: 'x' } }),
        [['rest', 'create', 'C', '4']],
        false,
      ],
      ['400', () => send('ana', '/Patient?nothing=x'), [['rest', 'search-type', 'E', '4']], false],
    ];

    test.each(REQUESTS)(
      'AU-01 AU-02 AU-03 %s has its record by the time of its answer, in a shape of BALP',
      async (_name, request, expected, about) => {
        const answer = await request();
        const found = await eventsOf(answer);
        expect(found.map(codes).sort()).toEqual(expected);
        const named = found.some(({ entity }) =>
          entity?.some(({ what }: any) => what?.reference === `Patient/${patient}`),
        );
        expect(named).toBe(about);
        for (const event of found) {
          expect(JSON.stringify(event.agent)).toMatch(/Practitioner\/ana|client of/);
          const { body } = await send('admin', '/AuditEvent/$validate', { method: 'POST', body: event });
          expect(body.issue.filter(({ severity }: any) => severity === 'error' || severity === 'fatal')).toEqual([]);
          expect(brokenShapes(event)).toEqual([]);
        }
      },
    );

    const idsIn = (found: any[]): string[] => found.map(({ id }) => id);

    /** Every search parameter that R4 has for AuditEvents, with a value that the read of an Observation by Ana has. */
    test.each([
      ['action', 'R'],
      ['address', '127.0.0.1', '::ffff:127.0.0.1', '::1'],
      ['agent', 'Practitioner/ana'],
      ['agent:identifier', 'client of audit-ana'],
      ['agent-name', 'audit-ana'],
      ['agent-role', 'specialist'],
      ['altid', 'user-ana'],
      ['date', 'ge2020'],
      ['entity', 'Observation/{observation}'],
      ['entity', 'Patient/{patient}'],
      ['entity-role', '4'],
      ['entity-type', 'http://terminology.hl7.org/CodeSystem/audit-entity-type|1'],
      ['outcome', '0'],
      ['patient', '{patient}'],
      ['patient', 'Patient/{patient}'],
      ['patient', 'nobody,{patient}'],
      ['policy', 'urn:ietf:params:oauth:jti:grant%20of%20audit-ana'],
      ['site', '{base}'],
      ['source:identifier', '{base}'],
      ['subtype', 'read'],
      ['type', 'rest'],
      ['_id', '{id}'],
      ['_lastUpdated', 'ge2020'],
      ['_profile', 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead'],
    ])('AU-01 is found by %s=%s, and by another value not', async (param, ...values) => {
      const [event] = await eventsOf(await send('ana', `/Observation/${observation}`));
      const places: Record<string, string> = { patient, observation, base: server.base, id: event.id };
      const said = values.map((value) =>
        encodeURIComponent(value.replace(/\{(\w+)\}/g, (_, name: string) => places[name]!)),
      );
      expect(idsIn(await events(`${param}=${said.join(',')}`))).toContain(event.id);
      const none = param.startsWith('_last') || param === 'date' ? 'lt2020' : param === 'outcome' ? '12' : 'no-such';
      expect(idsIn(await events(`${param}=${none}`))).not.toContain(event.id);
    });

    test('AU-01 by several parameters at once, page by page, the newest first or in another order', async () => {
      for (let n = 0; n < 7; n += 1) await send('ana', `/Observation/${observation}`);
      const query = `agent=Practitioner/ana&subtype=read&patient=${patient}`;
      const all = idsIn(await events(query));
      expect(all.length).toBeGreaterThanOrEqual(7);
      for (const [sort, wanted] of [
        ['', all],
        ['&_sort=-date', all],
        ['&_sort=-_lastUpdated', all],
        ['&_sort=date,_id', undefined],
      ] as const) {
        const shown = (await pages(`${server.base}/AuditEvent?_count=3&${query}${sort}`, as.auditor)).flatMap(idsOf);
        if (wanted !== undefined) expect(shown).toEqual(wanted);
        else expect([...shown].sort()).toEqual([...all].sort());
      }
      const times = (await events(`${query}&_sort=date`)).map(({ recorded }) => recorded);
      expect(times).toEqual([...times].sort());
      const { body } = await send('auditor', `/AuditEvent?${query}&_summary=count`);
      expect(body.total).toBe(all.length);
      const accurate = await send('auditor', `/AuditEvent?${query}&_count=2&_total=accurate&_elements=outcome`);
      expect(accurate.body.total).toBe(all.length);
      expect(accurate.body.entry[0].resource).toMatchObject({ outcome: '0', meta: { tag: [{ code: 'SUBSETTED' }] } });
    });

    test('AU-04 the text of an event says the same by each way to it: read, vread, history, search', async () => {
      const [event] = await eventsOf(await send('ana', `/Observation/${observation}`));
      const read = await send('auditor', `/AuditEvent/${event.id}`);
      expect([read.status, read.headers.get('etag'), read.body]).toEqual([200, 'W/"1"', event]);
      expect((await send('auditor', `/AuditEvent/${event.id}/_history/1`)).body).toEqual(event);
      expect((await send('auditor', `/AuditEvent/${event.id}/_history/2`)).status).toBe(404);
      const { body } = await send('auditor', `/AuditEvent/${event.id}/_history`);
      expect(body.entry.map(({ resource }: any) => resource)).toEqual([event]);
      expect((await send('auditor', `/AuditEvent/${event.id}.7`)).status).toBe(404);
    });

    test.each<[string, Ask]>([
      ['', { method: 'POST', body: { resourceType: 'AuditEvent' } }],
      ['/{id}', { method: 'PUT', body: { resourceType: 'AuditEvent', id: '{id}' } }],
      ['/{id}', { ...patchOf() }],
      ['/{id}', { method: 'DELETE' }],
      ['?date=gt2020', { method: 'PUT', body: { resourceType: 'AuditEvent' } }],
      ['?date=gt2020', { method: 'DELETE' }],
      ['?date=gt2020', { ...patchOf() }],
    ])('AU-04 nobody writes one: AuditEvent%s %s is 405, with what is allowed', async (path, request) => {
      const [event] = await eventsOf(await send('ana', `/Observation/${observation}`));
      const body = JSON.parse(JSON.stringify(request).replaceAll('{id}', event.id)) as Ask;
      for (const who of ['auditor', 'admin', 'ana', { Authorization: 'Bearer operator' }] as const) {
        const { status, headers } = await send(who, `/AuditEvent${path.replace('{id}', event.id)}`, body);
        expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      }
      const entry = { request: { method: body.method, url: `AuditEvent${path.replace('{id}', event.id)}` } };
      if (body.method === 'PATCH') return;
      const resource = body.body === undefined ? {} : { resource: body.body };
      const batch = await send('admin', '/', bundleOf('batch', { ...resource, ...entry }));
      expect(batch.body.entry[0].response.status).toMatch(/^405/);
      expect((await send('admin', '/', bundleOf('transaction', { ...resource, ...entry }))).status).toBe(405);
      expect((await send('auditor', `/AuditEvent/${event.id}`)).body).toEqual(event);
    });

    test('AU-04 auditors see what concerns their organization, and of no other patient', async () => {
      const [own] = await eventsOf(await send('ana', `/Observation/${observation}`));
      const [theirs] = await eventsOf(await send('south', `/Patient/${southern}`), 'southAuditor');
      expect((await send('southAuditor', `/AuditEvent/${own.id}`)).status).toBe(404);
      expect((await send('auditor', `/AuditEvent/${theirs.id}`)).status).toBe(404);
      for (const who of ['auditor', 'southAuditor', 'home'] as const) {
        const text = JSON.stringify(await events('date=gt2020', who));
        expect(text.includes(observation)).toBe(who === 'auditor');
      }
      for (const who of ['ana', 'admin', 'writer'] as const)
        expect([who, (await send(who, `/AuditEvent/${own.id}`)).status]).toEqual([who, 403]);
    });

    test('AU-04 a patient reads who looked at their record, and nothing of others', async () => {
      const another = await post('writer', { resourceType: 'Patient' });
      const app = (id: string) =>
        caller(`audit-app-${id}`, {
          role: 'patient',
          owner: NORTH,
          scopes: 'patient/AuditEvent.rs patient/*.rs',
          user: `user-${id}`,
          fhirUser: `Patient/${id}`,
          patient: id,
        });
      const both = await send('ana', `/Patient?_id=${patient},${another}`);
      expect(idsOf(both.body)).toHaveLength(2);
      const told = await eventsOf(both);
      expect(told).toHaveLength(2);
      for (const id of [patient, another]) {
        const own = (await events('subtype=search-type&agent=Practitioner/ana', app(id))).filter(
          (event) => requestOf(event) === both.headers.get('x-request-id'),
        );
        expect(own).toHaveLength(1);
        const entities = own[0].entity.flatMap(({ what }: any) => what?.reference ?? []);
        expect(entities).toEqual([`Patient/${id}`]);
        for (const event of told) {
          const mine = JSON.stringify(event).includes(`Patient/${id}"`);
          expect((await send(app(id), `/AuditEvent/${event.id}`)).status).toBe(mine ? 200 : 404);
        }
        expect((await send(app(id), `/Patient/${id}/AuditEvent?subtype=search-type`)).status).toBe(200);
      }
      expect((await events(`patient=${another}`, app(patient))).length).toBe(0);
    });

    test('AU-01 what is told of the bytes of a Binary names the patient whose record shows them', async () => {
      const { body } = await send('writer', '/Binary', {
        method: 'POST',
        headers: { 'Content-Type': 'image/png' },
        body: 'x',
      });
      const content = { contentType: 'image/png', url: `Binary/${body.id}` };
      const media = {
        resourceType: 'Media',
        status: 'completed',
        subject: { reference: `Patient/${patient}` },
        content,
      };
      await post('writer', media);
      const read = await send('ana', `/Binary/${body.id}`, { headers: { Accept: 'image/png' } });
      expect(read.text).toBe('x');
      const [event] = await eventsOf(read);
      expect(event.entity.map(({ what }: any) => what.reference)).toContain(`Patient/${patient}`);
    });

    test('AU-05 a search is kept as it was asked, base64, also where its parameters came in a form', async () => {
      const [event] = await eventsOf(await send('ana', `/Observation?subject=Patient/${patient}&_count=5`));
      const queryOf = ({ entity }: any) =>
        Buffer.from(entity.find(({ query }: any) => query).query, 'base64').toString();
      expect(queryOf(event)).toBe(`${server.base}/Observation?subject=Patient/${patient}&_count=5`);
      expect(event.outcomeDesc).toMatch(/^count: [1-5]$/);
      const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const body = `subject=Patient/${patient}`;
      const [posted] = await eventsOf(
        await send('ana', '/Observation/_search?_count=5', { method: 'POST', headers: form, body }),
      );
      expect(queryOf(posted)).toBe(`${server.base}/Observation/_search?_count=5&subject=Patient/${patient}`);
    });

    test.each([
      ['/Patient?_revinclude=AuditEvent:patient', 'admin'],
      ['/?_type=AuditEvent,Patient', 'admin'],
      ['/Patient?_has:AuditEvent:patient:action=R', 'admin'],
    ] as const)('AU-04 %s is refused, as the trail is searched by itself', async (path, who) => {
      const { status, body } = await send(who, path);
      expect([status, body.issue[0].diagnostics]).toEqual([400, expect.stringContaining('by itself')]);
    });

    test('AU-02 who shows no token is told of ten times a minute, to the auditors of the server itself', async () => {
      const unknown = { Authorization: 'Bearer nobody' };
      for (let n = 0; n < 14; n += 1) expect((await send(unknown, '/Patient/x')).status).toBe(403);
      const told = await events('outcome=4', 'home');
      expect(told.length).toBeGreaterThanOrEqual(10);
      expect(told.length).toBeLessThanOrEqual(20);
      expect(told[0].agent[0]).toMatchObject({ who: { identifier: { value: 'unknown' } }, network: { type: '2' } });
    });

    test('AU-02 count(requests) = count(audit) over a mixed session, by the ids that the answers carry', async () => {
      const asked = await Promise.all(Array.from({ length: 60 }, (_, n) => REQUESTS[n % REQUESTS.length]![1]()));
      const ids = new Set(asked.map(({ headers }) => headers.get('x-request-id')));
      expect(ids.size).toBe(60);
      let told = new Set<string | undefined>();
      for (let tries = 0; tries < 40 && [...ids].some((id) => !told.has(id ?? '')); tries += 1) {
        told = new Set();
        for (const bundle of await pages(`${server.base}/AuditEvent?_count=500`, as.auditor))
          for (const { resource } of bundle.entry ?? []) told.add(requestOf(resource));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect([...ids].filter((id) => !told.has(id ?? ''))).toEqual([]);
    });
  },
  {},
  { AUDIT: 'on' },
  authenticate,
);
