/**
 * Nobody is shown what is another patient's or another organization's: by no interaction, no search feature, no write.
 * Each line is asked as a patient's app, as a person with an app, and as a backend service. What is out of reach is
 * compared with what never was: the answers must be the same.
 */
import { ask, describeServer, type Answer, type Ask, type TestServer } from '../support/server.js';
import { authenticate, caller } from './callers.js';

type Headers = Record<string, string>;
type Name =
  | 'patient'
  | 'encounter'
  | 'observation'
  | 'report'
  | 'binary'
  | 'media'
  | 'practitioner'
  | 'task'
  | 'moved'
  | 'deleted';
type Ids = Record<Name, string>;

const ids = {} as { own: Ids; neighbour: Ids; foreign: Ids };
const NOWHERE = 'never-was-0000';

const writers = {
  north: caller('north-writer', { role: 'system', owner: 'Organization/north', scopes: 'system/*.cruds' }),
  south: caller('south-writer', { role: 'system', owner: 'Organization/south', scopes: 'system/*.cruds' }),
};

/** Who looks, and from whom what is hidden. */
const viewers: [string, 'neighbour' | 'foreign', () => Headers][] = [
  ['a patient of another', 'neighbour', () => asPatient()],
  ['a patient of another organization', 'foreign', () => asPatient()],
  ['a person of another organization', 'foreign', () => asPerson()],
  ['a service of another organization', 'foreign', () => writers.north],
];

const asPatient = () =>
  caller('app', {
    role: 'patient',
    owner: 'Organization/north',
    scopes: 'patient/*.cruds',
    user: 'own',
    patient: ids.own.patient,
    fhirUser: `Patient/${ids.own.patient}`,
  });
const asPerson = () =>
  caller('person', { role: 'specialist', owner: 'Organization/north', scopes: 'user/*.cruds', user: 'person' });

const is = (patient: string) => ({ reference: `Patient/${patient}` });

/** Looks at one resource by its id: [name, path, request]. */
const looks: [string, (hidden: Ids) => string, ((hidden: Ids) => Ask)?][] = [
  ['L-01 read', (h) => `/Observation/${h.observation}`],
  ['L-01 read of the Patient', (h) => `/Patient/${h.patient}`],
  ['L-01 HEAD', (h) => `/Observation/${h.observation}`, () => ({ method: 'HEAD' })],
  ['L-01 _summary', (h) => `/Observation/${h.observation}?_summary=true`],
  ['L-01 _elements', (h) => `/Observation/${h.observation}?_elements=status`],
  ['L-01 If-None-Match', (h) => `/Observation/${h.observation}`, () => ({ headers: { 'If-None-Match': 'W/"1"' } })],
  [
    'L-01 If-Modified-Since',
    (h) => `/Observation/${h.observation}`,
    () => ({ headers: { 'If-Modified-Since': 'Wed, 01 Jan 2098 00:00:00 GMT' } }),
  ],
  ['L-01 vread', (h) => `/Observation/${h.observation}/_history/1`],
  ['L-01 read of what was deleted', (h) => `/Observation/${h.deleted}`],
  ['L-02 history', (h) => `/Observation/${h.observation}/_history`],
  ['L-02 history of what was deleted', (h) => `/Observation/${h.deleted}/_history`],
  ['L-02 a version of what was deleted', (h) => `/Observation/${h.deleted}/_history/1`],
  ['L-02 history that goes on', (h) => `/Observation/${h.observation}/_history?_count=1`],
  ['L-10 bytes', (h) => `/Binary/${h.binary}`, () => ({ headers: { Accept: 'image/png' } })],
  ['L-10 bytes as JSON', (h) => `/Binary/${h.binary}`],
  ['L-10 a range', (h) => `/Binary/${h.binary}`, () => ({ headers: { Accept: '*/*', Range: 'bytes=0-3' } })],
  [
    'L-13 an update',
    (h) => `/Observation/${h.observation}`,
    (h) => put('Observation', h.observation, observed(ids.own)),
  ],
  [
    'L-13 an update of a version',
    (h) => `/Observation/${h.observation}`,
    (h) => ({ ...put('Observation', h.observation, observed(ids.own)), headers: { 'If-Match': 'W/"1"' } }),
  ],
  [
    'L-09 a JSON Patch',
    (h) => `/Observation/${h.observation}`,
    () => ({
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: JSON.stringify([{ op: 'replace', path: '/subject', value: is(ids.own.patient) }]),
    }),
  ],
  ['L-13 a delete', (h) => `/Observation/${h.observation}`, () => ({ method: 'DELETE' })],
  [
    'L-09 a reference to it',
    () => '/Observation',
    (h) => ({ method: 'POST', body: { ...observed(ids.own), encounter: { reference: `Encounter/${h.encounter}` } } }),
  ],
  ['L-10 an Attachment of its bytes', () => '/Media', (h) => ({ method: 'POST', body: pictured(ids.own, h.binary) })],
  ['L-08 a GET in a batch', () => '', (h) => bundle('batch', { method: 'GET', url: `Observation/${h.observation}` })],
  [
    'L-08 an update in a transaction',
    () => '',
    (h) =>
      bundle(
        'transaction',
        { method: 'PUT', url: `Observation/${h.observation}` },
        { ...observed(ids.own), id: h.observation },
      ),
  ],
  [
    'L-08 a delete in a transaction',
    () => '',
    (h) => bundle('transaction', { method: 'DELETE', url: `Observation/${h.observation}` }),
  ],
  ['L-08 a conditional delete', (h) => `/Observation?_id=${h.observation}`, () => ({ method: 'DELETE' })],
  [
    'L-08 a conditional patch',
    (h) => `/Observation?_id=${h.observation}`,
    () => ({
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: JSON.stringify([{ op: 'replace', path: '/status', value: 'amended' }]),
    }),
  ],
  [
    'L-08 a reference by search',
    () => '',
    (h) =>
      bundle(
        'transaction',
        { method: 'POST', url: 'Observation' },
        {
          ...observed(ids.own),
          encounter: { reference: `Encounter?_id=${h.encounter}` },
        },
      ),
  ],
];

/** Searches and histories: what may be in them is seen, and nothing else. [name, path, statuses] */
const searches: [string, (hidden: Ids, own: Ids) => string, number[]?][] = [
  ['L-03 a type', () => '/Observation?_count=100'],
  ['L-03 an id', (h) => `/Observation?_id=${h.observation}`],
  ['L-03 ids', (h, o) => `/Observation?_id=${h.observation},${o.observation}`],
  ['L-03 a patient', (h) => `/Observation?subject=Patient/${h.patient}`],
  ['L-03 patients', (h, o) => `/Observation?subject=Patient/${h.patient},Patient/${o.patient}`],
  ['L-03 :not', () => '/Observation?code:not=own-code'],
  ['L-03 :missing', () => '/Observation?value-quantity:missing=true'],
  ['L-03 names', () => '/Patient?name=Nextname,Farname'],
  ['L-03 all types', (h) => `/?_id=${h.observation}`],
  ['L-03 all of everything', () => '/?_count=200'],
  ['L-04 a total', () => '/Observation?_total=accurate&_count=100'],
  ['L-04 a count', () => '/Observation?code=hidden-code&_summary=count'],
  [
    'L-05 _include',
    (_h, o) => `/Observation?_id=${o.observation}&_include=Observation:has-member&_include=Observation:focus`,
  ],
  [
    'L-05 _include of what is included',
    (_h, o) => `/Observation?_id=${o.observation}&_include=Observation:has-member&_include:iterate=Observation:subject`,
  ],
  ['L-05 _revinclude', (_h, o) => `/Patient?_id=${o.patient}&_revinclude=Observation:focus&_revinclude=Patient:link`],
  ['L-06 a chain', () => '/Observation?subject:Patient.name=Nextname'],
  ['L-06 a chain to another organization', () => '/Observation?subject:Patient.name=Farname'],
  ['L-06 a chain to what it refers to', () => '/Observation?has-member:Observation.code=hidden-code'],
  ['L-06 _has', () => '/Patient?_has:Observation:focus:code=hidden-code'],
  ['L-06 _has in a chain', () => '/Encounter?subject:Patient._has:Observation:focus:code=hidden-code'],
  ['L-06 sorted', () => '/Observation?_sort=-date&_count=100'],
  ['L-03 a compartment', (h) => `/Patient/${h.patient}/Observation`],
  ['L-03 all of a compartment', (h) => `/Patient/${h.patient}/*`],
  ['L-03 an Encounter’s compartment', (h) => `/Encounter/${h.encounter}/Observation`],
  ['L-02 history of a type', () => '/Observation/_history?_count=100'],
  ['L-02 history since', () => '/Observation/_history?_since=2001-01-01T00:00:00Z'],
  ['L-02 history at', () => '/Observation/_history?_at=2001'],
  ['L-02 history of all', () => '/_history?_count=200'],
  ['L-10 Binaries', () => '/Binary'],
  ['L-17 links', (h) => `/Patient?link=Patient/${h.patient}`],
];

const put = (type: string, id: string, resource: object): Ask => ({
  method: 'PUT',
  body: { ...resource, resourceType: type, id },
});

const bundle = (type: string, request: object, resource?: object): Ask => ({
  method: 'POST',
  body: { resourceType: 'Bundle', type, entry: [{ request, ...(resource && { resource }) }] },
});

/** Status, headers and body of an answer, with ids as one word and without what differs from answer to answer. */
function shape({ status, headers, text }: Answer, names: Ids) {
  const plain = (value: string) => Object.values(names).reduce((one, id) => one.replaceAll(id, 'ID'), value);
  const said = [...headers]
    .filter(([name]) => !['date', 'x-request-id', 'last-modified', 'location', 'content-length'].includes(name))
    .map(([name, value]) => [name, plain(value)]);
  // What such a request may create has an id and a time of its own.
  const own = /"id":"[^"]+"|"lastUpdated":"[^"]+"|Observation\/[0-9a-z-]{20,}[^"]*|"lastModified":"[^"]+"/g;
  return { status, said, text: plain(text).replace(own, '') };
}

const observed = ({ patient }: Pick<Ids, 'patient'>, code = 'own-code', more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://codes.example', code }] },
  subject: is(patient),
  effectiveDateTime: '2026-01-01',
  ...more,
});

const pictured = ({ patient }: Pick<Ids, 'patient'>, binary: string) => ({
  resourceType: 'Media',
  status: 'completed',
  subject: is(patient),
  content: { contentType: 'image/png', url: `Binary/${binary}` },
});

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

describeServer(
  'what is out of reach',
  (server) => {
    beforeAll(async () => {
      ids.own = await populate(server, writers.north, 'Ownname', 'own-code');
      ids.neighbour = await populate(server, writers.north, 'Nextname', 'hidden-code');
      ids.foreign = await populate(server, writers.south, 'Farname', 'hidden-code');
      await entangle(server);
    }, 60_000);

    describe.each(viewers)('%s', (_viewer, whose, headersOf) => {
      const hidden = () => ids[whose];
      const as = (request: Ask = {}): Ask => ({ ...request, headers: { ...headersOf(), ...request.headers } });

      test.each(looks)('%s is as if it were not there', async (...[, path, requestOf]: (typeof looks)[number]) => {
        const there = await ask(`${server.base}${path(hidden())}`, as(requestOf?.(hidden())));
        const nowhere = { ...hidden() };
        for (const name of Object.keys(nowhere) as Name[]) nowhere[name] = NOWHERE;
        const not = await ask(`${server.base}${path(nowhere)}`, as(requestOf?.(nowhere)));
        expect(shape(there, hidden())).toEqual(shape(not, nowhere));
        expect(there.status).toBeLessThan(500);
      });

      test.each(searches)(
        '%s finds nothing of it, and counts nothing',
        async (...[name, pathOf, allowed = [200]]: (typeof searches)[number]) => {
          const { status, body, text } = await ask(`${server.base}${pathOf(hidden(), ids.own)}`, as());
          expect(allowed.includes(status) ? 'as allowed' : text).toBe('as allowed');
          // What is hidden may stand in a reference of what is seen, and in the query; never as a resource.
          const shown = (body.entry ?? []).map((entry: any) => entry.resource?.id ?? entry.fullUrl);
          // The directory is for everybody.
          const mustNot = Object.entries(hidden()).flatMap(([name, id]) => (name === 'practitioner' ? [] : [id]));
          expect(shown.filter((id: string) => mustNot.includes(id))).toEqual([]);
          expect(text).not.toContain(whose === 'neighbour' ? '"Nextname"' : '"Farname"');
          // Nor does what is seen answer for what it is linked to: not even by being found.
          if (whose === 'neighbour' && /^L-06 (a chain|_has)/.test(name)) expect(body.total).toBe(0);
          if (body.total !== undefined && !pathOf(hidden(), ids.own).includes('_summary=count'))
            expect(body.total).toBe((body.entry ?? []).filter((entry: any) => entry.search?.mode !== 'include').length);
        },
      );
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce', CONDITIONAL_DELETE: 'multiple' },
  authenticate,
);

async function populate({ base }: TestServer, as: Headers, family: string, code: string): Promise<Ids> {
  const post = async (resource: { resourceType: string }): Promise<string> => {
    const { status, body, text } = await ask(`${base}/${resource.resourceType}`, {
      method: 'POST',
      headers: as,
      body: resource,
    });
    if (status !== 201) throw new Error(text);
    return body.id;
  };
  const patient = await post({ resourceType: 'Patient', name: [{ family }] } as never);
  const encounter = await post({
    resourceType: 'Encounter',
    status: 'finished',
    class: { code: 'AMB' },
    subject: is(patient),
  } as never);
  const member = await post(observed({ patient }, code));
  const binary = await ask(`${base}/Binary`, {
    method: 'POST',
    headers: { ...as, 'Content-Type': 'image/png' },
    body: PNG,
  });
  const id = binary.body.id as string;
  const deleted = await post(observed({ patient }, code));
  await ask(`${base}/Observation/${deleted}`, { method: 'DELETE', headers: as });
  return {
    patient,
    encounter,
    observation: member,
    moved: await post(observed({ patient }, code)),
    deleted,
    binary: id,
    media: await post(pictured({ patient }, id)),
    practitioner: await post({ resourceType: 'Practitioner', name: [{ family: `${family}-doctor` }] } as never),
    report: await post({
      resourceType: 'DiagnosticReport',
      status: 'final',
      code: { text: 'report' },
      subject: is(patient),
      result: [{ reference: `Observation/${member}` }],
    } as never),
    task: await post({ resourceType: 'Task', status: 'requested', intent: 'order', for: is(patient) } as never),
  };
}

/** The organization's own staff refer from one patient's record to another's, as happens. */
async function entangle({ base }: TestServer): Promise<void> {
  const { own, neighbour } = ids;
  const send = async (path: string, request: Ask) => {
    const { status, text } = await ask(`${base}${path}`, { ...request, headers: writers.north });
    if (status > 201) throw new Error(text);
  };
  const member = { hasMember: [{ reference: `Observation/${neighbour.observation}` }] };
  const focus = { focus: [is(own.patient)] };
  await send(`/Observation/${own.observation}`, put('Observation', own.observation, observed(own, 'own-code', member)));
  await send(
    `/Observation/${neighbour.observation}`,
    put('Observation', neighbour.observation, observed(neighbour, 'hidden-code', focus)),
  );
  await send(
    `/Patient/${neighbour.patient}`,
    put('Patient', neighbour.patient, {
      name: [{ family: 'Nextname' }],
      link: [{ other: is(own.patient), type: 'seealso' }],
    }),
  );
}
