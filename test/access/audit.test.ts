/** AU-01 to AU-05: every request leaves a record before its answer, and records read and search as AuditEvents. */
import { ask, describeServer, pages, type Answer, type Ask } from '../support/server.js';
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
    const send = (who: Caller | Record<string, string>, path: string, request: Ask = {}): Promise<Answer> =>
      ask(`${server.base}${path}`, {
        ...request,
        headers: { ...(typeof who === 'string' ? as[who] : who), ...request.headers },
      });
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
        const found = (await events('_sort=-date', who)).filter((event) => requestOf(event) === id);
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
      'AU-02 AU-03 %s has its record by the time of its answer',
      async (_name, request, expected, about) => {
        const answer = await request();
        const found = await eventsOf(answer);
        expect(found.map(codes).sort()).toEqual(expected);
        const named = found.some(({ entity }) =>
          entity?.some(({ what }: any) => what?.reference === `Patient/${patient}`),
        );
        expect(named).toBe(about);
        for (const event of found)
          expect(
            event.agent.some(
              ({ who }: any) => who.reference === 'Practitioner/ana' || who.identifier.value.startsWith('client of'),
            ),
          ).toBe(true);
      },
    );

    test.each(REQUESTS)(
      'AU-01 what tells of %s is valid R4 and keeps to the profiles it names',
      async (_name, request) => {
        const found = await eventsOf(await request());
        expect(found.length).toBeGreaterThan(0);
        for (const event of found) {
          const { body } = await send('admin', '/AuditEvent/$validate', { method: 'POST', body: event });
          expect(body.issue.filter(({ severity }: any) => severity === 'error' || severity === 'fatal')).toEqual([]);
          expect(brokenShapes(event)).toEqual([]);
        }
      },
    );

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
