/**
 * The main job on real input: one dermatology consult between two organizations, as it is in life: the EHR of a clinic
 * refers, a specialist and a colleague of a hospital answer, the clinic's patient reads, each with an app and a token of
 * their own, over HTTP; a specialist of a third organization is refused at every step, the hospital before it is asked. Every step is printed, and the first surprise ends it with an error.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client } from 'fhir-kit-client';
import sharp from 'sharp';
import type { Actor, Cast } from './cast.js';

type Json = any;

const QUESTIONNAIRE = 'http://afferent.health/fhir/Questionnaire/skin-lesion';
const TASK_CODES = 'http://hl7.org/fhir/CodeSystem/task-code';

export interface Consult {
  patient: Json;
  photo: { url: string; bytes: Buffer };
  media: Json;
  response: Json;
  request: Json;
  task: Json;
  report: Json;
}

export async function playConsult(cast: Cast, say: (line: string) => void): Promise<Consult> {
  const [referrer, specialist, rival] = [cast.ehr.client, cast.specialist.client, cast.colleague.client];
  const step = stepper(say);
  const stranger = outsiderOf(cast.outsider, say);
  const notYet = outsiderOf(cast.specialist, say);

  say(`${cast.ehr.name}, a backend service`);
  const questionnaires = await step('finds the questionnaire by its canonical', () =>
    referrer.search({ resourceType: 'Questionnaire', searchParams: { url: QUESTIONNAIRE, status: 'active' } }),
  );
  const questionnaire = only(questionnaires);
  const patient = await step('finds the patient', () => referrer.read({ resourceType: 'Patient', id: cast.patientId }));
  await stranger.cannotRead(`Patient/${patient.id}`);
  await stranger.findsNothing('Patient?family=M%C3%BCller');
  const bytes = await photograph();
  const binary = await step(`uploads a photo of ${bytes.length} bytes`, () => upload(cast.ehr, bytes));
  await stranger.cannotRead(`Binary/${binary.id}`);
  const subject = { reference: `Patient/${patient.id}` };
  const attachment = {
    contentType: 'image/jpeg',
    url: `Binary/${binary.id}`,
    size: bytes.length,
    hash: createHash('sha1').update(bytes).digest('base64'),
    title: 'The lesion, from a hand away',
  };
  const media = await step('describes the photo', () =>
    referrer.create({ resourceType: 'Media', body: mediaOf(subject, attachment) }),
  );
  const response = await step("stores the patient's answers", async () =>
    referrer.create({
      resourceType: 'QuestionnaireResponse',
      body: responseOf(questionnaire, subject, await testData('skin-lesion-response.json'), attachment),
    }),
  );
  await stranger.cannotRead(`QuestionnaireResponse/${response.id}`);
  const request = await step('places the request for a consult, with answers and photo', () =>
    referrer.create({ resourceType: 'ServiceRequest', body: serviceRequest(subject, [response, media]) }),
  );
  const basedOn = [{ reference: `ServiceRequest/${request.id}` }];
  await notYet.cannotRead(`ServiceRequest/${request.id}`);
  await notYet.findsNothing(`Patient?_id=${patient.id}`);
  const addressee = await step('finds the specialist in the network’s directory', () =>
    referrer.search({ resourceType: 'Practitioner', searchParams: { _id: cast.specialistId, name: 'Dr. Sam' } }),
  );
  const owner = { reference: `Practitioner/${only(addressee).id}` };
  const submitted = await step('submits the case as a task that names the specialist', () =>
    referrer.create({ resourceType: 'Task', body: taskOf(subject, request.id, owner) }),
  );

  await stranger.findsNothing('Task?status=requested&_include=Task:focus');

  say(`${cast.specialist.name} of the hospital, in an app with PKCE`);
  const worklist = await step('finds the open task, its request, its answers and its photo in one search', () =>
    specialist.request('Task?status=requested&_include=Task:focus&_include:iterate=ServiceRequest:supporting-info'),
  );
  const seen = (worklist.entry as Json[]).map((entry) => `${entry.resource.resourceType}/${entry.resource.id}`);
  for (const needed of [submitted, request, response, media]) {
    assert.ok(
      seen.includes(`${needed.resourceType}/${needed.id}`),
      `${needed.resourceType} is missing on the worklist`,
    );
  }
  const current = entryOf(worklist, submitted);
  const ifMatch = { 'If-Match': `W/"${current.meta.versionId}"` };
  const claim = (who: string) => ({
    ...current,
    status: 'accepted',
    lastModified: now(),
    owner: { ...owner, display: who },
  });
  const claimed = await step('claims the task', () =>
    specialist.update({
      resourceType: 'Task',
      id: current.id,
      body: claim('Dr. Ada Weiss'),
      options: { headers: ifMatch },
    }),
  );
  await stranger.cannotChange({ ...claim('Dr. Otto Outsider'), id: current.id }, ifMatch);
  await step('wins: a colleague, who saw the same version, gets 412', () =>
    refused(412, () =>
      rival.update({
        resourceType: 'Task',
        id: current.id,
        body: claim('Dr. Ben Roth'),
        options: { headers: ifMatch },
      }),
    ),
  );
  const answers = await step('reads the answers', () =>
    specialist.read({ resourceType: 'QuestionnaireResponse', id: response.id }),
  );
  assert.deepEqual(answers.item, response.item, 'the answers are not those that were sent');
  const photo = await step('downloads the photo', () => download(cast.specialist, attachment.url));
  assert.equal(Buffer.compare(photo, bytes), 0, 'the photo is not the one that was uploaded');
  say(`    ${photo.length} bytes, identical`);
  const report = await step('posts diagnosis and plan', () =>
    specialist.create({ resourceType: 'DiagnosticReport', body: reportOf(subject, basedOn, media.id) }),
  );
  await stranger.cannotRead(`DiagnosticReport/${report.id}`);
  const begun = await step('begins', () =>
    specialist.update({
      resourceType: 'Task',
      id: claimed.id,
      body: { ...claimed, status: 'in-progress', lastModified: now() },
      options: { headers: { 'If-Match': `W/"${claimed.meta.versionId}"` } },
    }),
  );
  await step('may say how far it is, not change what was asked: 403', () =>
    refused(403, () =>
      specialist.update({ resourceType: 'Task', id: begun.id, body: { ...begun, description: 'Something else' } }),
    ),
  );
  const completed = await step('completes the task', () =>
    specialist.update({
      resourceType: 'Task',
      id: begun.id,
      body: {
        ...begun,
        status: 'completed',
        lastModified: now(),
        output: [{ type: { text: 'Consult report' }, valueReference: { reference: `DiagnosticReport/${report.id}` } }],
      },
      options: { headers: { 'If-Match': `W/"${begun.meta.versionId}"` } },
    }),
  );

  say(cast.ehr.name);
  const found = await step('finds the report by its request', () =>
    referrer.search({
      resourceType: 'DiagnosticReport',
      searchParams: { 'based-on': `ServiceRequest/${request.id}` },
    }),
  );
  assert.equal(only(found).id, report.id);
  say(`    "${only(found).conclusion}"`);
  const history = await step('reads how the task went', () =>
    referrer.resourceHistory({ resourceType: 'Task', id: submitted.id }),
  );
  const states = (history.entry as Json[]).map((entry) => entry.resource.status).reverse();
  assert.deepEqual(states, ['requested', 'accepted', 'in-progress', 'completed']);
  say(`    ${states.join(' → ')}`);

  say(`${cast.patient.name}, in an app launched standalone`);
  const own = await step('reads her report', () =>
    cast.patient.client.read({ resourceType: 'DiagnosticReport', id: report.id }),
  );
  assert.equal(own.conclusion, report.conclusion);
  const hers = await step('sees the photo', () => download(cast.patient, attachment.url));
  assert.equal(Buffer.compare(hers, bytes), 0);
  await stranger.findsNothing(`DiagnosticReport?subject=Patient/${patient.id}`);

  say(`${cast.auditor.name}, auditor of the clinic`);
  await tellTrail(cast, patient.id, say);
  return { patient, photo: { url: attachment.url, bytes }, media, response, request, task: completed, report };
}

/** The audit trail of the case, oldest first, as the clinic's auditor reads it: who did what, and how it ended. */
async function tellTrail({ auditor }: Cast, patientId: string, say: (line: string) => void): Promise<void> {
  const events: Json[] = [];
  let next: string | undefined = `AuditEvent?patient=Patient/${patientId}&_count=100`;
  while (next !== undefined) {
    const response = await auditor.fetch(next);
    const bundle: Json = await response.json();
    assert.equal(response.status, 200, JSON.stringify(bundle));
    events.push(...(bundle.entry ?? []).map((entry: Json) => entry.resource));
    next = bundle.link.find((link: Json) => link.relation === 'next')?.url.split('/fhir/')[1];
  }
  const whose = new Set(events.map((event) => nameIn(event)));
  assert.ok(whose.size >= 3, `the trail names ${[...whose].join(', ')} only`);
  for (const event of events.reverse()) {
    const what = (event.entity ?? []).map((entity: Json) => entity.what?.reference).filter(Boolean);
    const done = `${event.subtype?.[0]?.code ?? event.type.code} ${event.outcome === '0' ? '' : `(outcome ${event.outcome}) `}`;
    say(`    ${event.recorded} ${nameIn(event).padEnd(28)} ${done}${[...new Set(what)].join(' ')}`);
  }
  say(`  ${events.length} events about the patient, by ${whose.size} callers`);
}

const nameIn = ({ agent }: Json): string => {
  const [asking] = agent.filter((one: Json) => one.requestor).concat(agent);
  return asking?.who?.display ?? asking?.name ?? asking?.who?.reference ?? asking?.who?.identifier?.value ?? '';
};

/** Runs a step and prints it with the status and URL of its answer. */
function stepper(say: (line: string) => void) {
  return async <T>(what: string, run: () => Promise<T>): Promise<Json> => {
    const result = await run().catch((error: unknown) => {
      const { response } = error as { response?: { status: number; data: unknown } };
      const detail = response === undefined ? '' : `: ${response.status} ${JSON.stringify(response.data)}`;
      throw new Error(`It failed when it ${what}${detail}`, { cause: error });
    });
    const http = Client.httpFor(result as Json);
    const [status, url] = http.response
      ? [http.response.status, decodeURIComponent(http.request?.url ?? '')]
      : ((result as { told?: [number, string] }).told ?? ['', '']);
    say(`  ${what}\n    ${status} ${url}`);
    return result;
  };
}

/** A phone's photo: 3000 × 2000 with the grain of skin, held upright (EXIF orientation 6), with where it was taken. */
async function photograph(): Promise<Buffer> {
  const lesion = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="2000"><rect width="3000" height="2000" fill="#d9a98c"/>' +
      '<ellipse cx="1500" cy="1000" rx="240" ry="190" fill="#5a3020"/><circle cx="1620" cy="930" r="90" fill="#23120c"/></svg>',
  );
  const grain = await sharp({
    create: {
      width: 3000,
      height: 2000,
      channels: 3,
      background: 'grey',
      noise: { type: 'gaussian', mean: 128, sigma: 18 },
    },
  })
    .png()
    .toBuffer();
  const photo = await sharp(lesion)
    .composite([{ input: grain, blend: 'soft-light' }])
    .jpeg({ quality: 85 })
    .withExif({
      IFD0: { Make: 'Phone' },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '52/1 31/1 12/1',
        GPSLongitudeRef: 'E',
        GPSLongitude: '13/1 24/1 36/1',
      },
    })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const { width, height, orientation, exif } = await sharp(photo).metadata();
  assert.deepEqual([width, height, orientation], [3000, 2000, 6]);
  // The tag of the GPS directory (0x8825) in the byte order that the EXIF header names.
  assert.ok(exif?.includes(exif.includes('II*') ? Buffer.from([0x25, 0x88]) : Buffer.from([0x88, 0x25])));
  return photo;
}

/** Tries what must not work: everything is as if it were not there. */
function outsiderOf(outsider: Actor, say: (line: string) => void) {
  const tries = async (what: string, run: () => Promise<string>): Promise<void> => {
    say(`  ${outsider.name} ${what}\n    ${await run()}`);
  };
  return {
    cannotRead: (name: string) =>
      tries(`cannot read ${name}`, async () => {
        const response = await outsider.fetch(name, { headers: { Accept: '*/*' } });
        const text = await response.text();
        assert.equal(response.status, 404, text);
        return `404 ${JSON.parse(text).issue[0].diagnostics}`;
      }),
    findsNothing: (query: string) =>
      tries('finds nothing', async () => {
        const response = await outsider.fetch(`${query}&_total=accurate`);
        const bundle = (await response.json()) as Json;
        assert.deepEqual([response.status, bundle.total, bundle.entry ?? []], [200, 0, []]);
        return `200 ${decodeURIComponent(query)}: 0`;
      }),
    cannotChange: (resource: Json, headers: Record<string, string>) =>
      tries('cannot claim the task', async () => {
        const response = await outsider.fetch(`${resource.resourceType}/${resource.id}`, {
          method: 'PUT',
          headers: { 'Content-Type': 'application/fhir+json', ...headers },
          body: JSON.stringify(resource),
        });
        const text = await response.text();
        assert.equal(response.status, 404, text);
        return `404 ${JSON.parse(text).issue[0].diagnostics}`;
      }),
  };
}

async function upload(ehr: Actor, bytes: Buffer): Promise<Json> {
  const response = await ehr.fetch('Binary', {
    method: 'POST',
    headers: { 'Content-Type': 'image/jpeg' },
    body: new Uint8Array(bytes),
  });
  const body: Json = await response.json();
  assert.equal(response.status, 201, JSON.stringify(body));
  return Object.defineProperty(body, 'told', { value: [response.status, response.headers.get('location')] });
}

async function download(actor: Actor, url: string): Promise<Json> {
  const response = await actor.fetch(url, { headers: { Accept: 'image/jpeg' } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'image/jpeg');
  const bytes = Buffer.from(await response.arrayBuffer());
  return Object.defineProperty(bytes, 'told', { value: [response.status, url] });
}

async function refused(status: number, run: () => Promise<unknown>): Promise<{ told: [number, string] }> {
  const error = await run().then(
    () => assert.fail(`This was accepted, but ${status} was due.`),
    (reason: unknown) => reason as { response?: { status: number; data: Json }; config?: { url: string } },
  );
  assert.equal(error.response?.status, status);
  const outcome: Json = error.response.data;
  assert.equal(outcome.resourceType, 'OperationOutcome');
  return { told: [status, outcome.issue[0].diagnostics] };
}

const testData = async (name: string): Promise<Json> =>
  JSON.parse(await readFile(new URL(`../data/${name}`, import.meta.url), 'utf8'));

function only(bundle: Json): Json {
  const matches = (bundle.entry ?? []).filter((entry: Json) => entry.search.mode === 'match');
  assert.equal(matches.length, 1, `one match was expected, not ${matches.length}`);
  return matches[0].resource;
}

const entryOf = (bundle: Json, { resourceType, id }: Json): Json =>
  bundle.entry.find((entry: Json) => entry.resource.resourceType === resourceType && entry.resource.id === id).resource;

const now = (): string => new Date().toISOString();

const serviceRequest = (subject: Json, supporting: Json[]): Json => ({
  resourceType: 'ServiceRequest',
  status: 'active',
  intent: 'order',
  identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${crypto.randomUUID()}` }],
  code: { text: 'Teledermatology consult' },
  priority: 'routine',
  subject,
  authoredOn: now(),
  requester: { display: 'Dr. Carla Neumann, Landpraxis Nord' },
  supportingInfo: supporting.map(({ resourceType, id }) => ({ reference: `${resourceType}/${id}` })),
  reasonCode: [{ text: 'A mole that changed its size and colour within six months' }],
});

const mediaOf = (subject: Json, content: Json): Json => ({
  resourceType: 'Media',
  status: 'completed',
  type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/media-type', code: 'image' }] },
  subject,
  createdDateTime: now(),
  bodySite: { text: 'Back, left, below the shoulder blade' },
  height: 2000,
  width: 3000,
  content,
});

/** The prepared answers, with the uploaded photo where a photo is asked for. */
function responseOf(questionnaire: Json, subject: Json, item: Json, attachment: Json): Json {
  const withPhoto = (items: Json[]): Json[] =>
    items.map((one) => ({
      ...one,
      ...(one.item ? { item: withPhoto(one.item) } : {}),
      ...(one.answer
        ? {
            answer: one.answer.map((answer: Json) =>
              answer.valueAttachment ? { valueAttachment: { ...answer.valueAttachment, ...attachment } } : answer,
            ),
          }
        : {}),
    }));
  return {
    resourceType: 'QuestionnaireResponse',
    questionnaire: `${questionnaire.url}|${questionnaire.version}`,
    status: 'completed',
    subject,
    source: subject,
    authored: now(),
    item: withPhoto(item),
  };
}

const taskOf = (subject: Json, requestId: string, owner: Json): Json => ({
  resourceType: 'Task',
  identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${crypto.randomUUID()}` }],
  status: 'requested',
  intent: 'order',
  code: { coding: [{ system: TASK_CODES, code: 'fulfill' }] },
  focus: { reference: `ServiceRequest/${requestId}` },
  for: subject,
  owner,
  authoredOn: now(),
  lastModified: now(),
  requester: { display: 'Dr. Carla Neumann, Landpraxis Nord' },
});

const reportOf = (subject: Json, basedOn: Json, mediaId: string): Json => ({
  resourceType: 'DiagnosticReport',
  status: 'final',
  code: { text: 'Teledermatology consult report' },
  basedOn,
  subject,
  effectiveDateTime: now(),
  issued: now(),
  performer: [{ display: 'Dr. Ada Weiss, Dermatology' }],
  media: [{ comment: 'Asymmetric, two colours', link: { reference: `Media/${mediaId}` } }],
  conclusion: 'Atypical melanocytic lesion. Excise within two weeks, with histology.',
});
