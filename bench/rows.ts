/** TABLE: what is measured -> its requests. Ids, values and bodies differ from request to request. */
import {
  idAt,
  indexOfResponse,
  instantAt,
  patientAt,
  pick,
  responseOf,
  typeAt,
  type Random,
  type World,
} from './data.js';
import { caseOf } from './cases.js';
import { REPORT_CODES } from './resources.js';
import type { Tokens } from './tokens.js';

/** Makes the bytes of one request after the other. */
export type Requests = () => Buffer;

/** The settings of a server beside its store: those with authorization are asked with tokens. */
export const servers = {
  unaudited: { AUTHORIZATION: 'smart', AUDIT: 'off' },
  smart: { AUTHORIZATION: 'smart' },
  open: {},
} as const satisfies Record<string, Record<string, string>>;

export type ServerKind = keyof typeof servers;

export interface Row {
  meaning: string;
  /** The floors that do the same: a server that only answers, and a bare store. */
  floor?: 'read' | 'create' | 'search-patient';
  writes?: true;
  /** Resources that one request writes, where it is more than one. */
  resources?: number;
  /** Milliseconds from one request to the next on a line; none: as soon as it is answered. */
  every?: number;
  /** Matches of a page, as [least, most]: a search that finds something else is not what it says. */
  matches?: [number, number];
  /** Of which server it is asked; `open` unless said. */
  server?: ServerKind;
  /** Only at these connections; else at all that are asked for. */
  at?: readonly number[];
  requests: (world: World, random: Random, host: string, tokens: Tokens) => Requests;
}

/** For servers without authorization. */
export const noTokens: Tokens = { system: '', partner: '', patients: [] };

export const rows = {
  read: {
    meaning: 'read by id, of the whole set',
    floor: 'read',
    requests: (world, random, host) => () => {
      const index = Math.floor(random() * world.size);
      return get(host, `${typeAt(index)}/${idAt(index)}`);
    },
  },
  'search-patient': {
    meaning: 'search by patient, 13 to 20 hits',
    floor: 'search-patient',
    matches: [13, 20],
    requests: (world, random, host) => () => {
      const patient = patientAt(Math.floor(random() * world.answering));
      return get(host, `QuestionnaireResponse?patient=${patient}&_count=50`);
    },
  },
  'read-token': {
    meaning: 'read by id, with the bearer token of a backend service',
    server: 'smart',
    requests: readWithToken,
  },
  'read-token-unaudited': {
    meaning: 'the same with AUDIT=off',
    server: 'unaudited',
    at: [16],
    requests: readWithToken,
  },
  'search-patient-token': {
    meaning: 'search by patient, 13 to 20 hits, with the bearer token of a backend service',
    server: 'smart',
    matches: [13, 20],
    requests: searchWithToken,
  },
  'search-patient-token-unaudited': {
    meaning: 'the same with AUDIT=off',
    server: 'unaudited',
    at: [16],
    matches: [13, 20],
    requests: searchWithToken,
  },
  'search-patient-own': {
    meaning: "search by patient, 13 to 20 hits, with that patient's own token: within the patient's compartment",
    server: 'smart',
    matches: [13, 20],
    requests: searchOfPatient,
  },
  'search-patient-own-unaudited': {
    meaning: 'the same with AUDIT=off',
    server: 'unaudited',
    at: [16],
    matches: [13, 20],
    requests: searchOfPatient,
  },
  'search-patient-opened': {
    meaning: 'search by patient, 13 to 20 hits, of cases that another organization has opened, with AUDIT=off',
    server: 'unaudited',
    at: [16],
    matches: [13, 20],
    requests:
      (_world, random, host, { partner, patients }) =>
      () =>
        get(host, `QuestionnaireResponse?patient=${pick(random, patients).id}&_count=50`, partner),
  },
  discovery: {
    meaning: 'smart-configuration',
    server: 'smart',
    requests: (_world, _random, host) => () => get(host, '.well-known/smart-configuration'),
  },
  'search-token': {
    meaning: 'search by status (80 % match), newest first, page of 20',
    matches: [20, 20],
    requests: (_world, _random, host) => () =>
      get(host, 'QuestionnaireResponse?status=completed&_sort=-authored&_count=20'),
  },
  'search-date': {
    meaning: 'search by date from any day on, in order of date, page of 20',
    matches: [20, 20],
    requests: (_world, random, host) => () => {
      // Not from the last tenth of the two years on, so that the page is full in small worlds too.
      const from = instantAt(() => random() * 0.9).slice(0, 10);
      return get(host, `QuestionnaireResponse?authored=ge${from}&_sort=authored&_count=20`);
    },
  },
  include: {
    meaning: 'search by code, page of 20, with the patients (_include)',
    matches: [20, 20],
    requests: (_world, random, host) => () =>
      get(host, `DiagnosticReport?code=${pick(random, REPORT_CODES)}&_include=DiagnosticReport:subject&_count=20`),
  },
  update: {
    meaning: 'update (PUT) of a 4.7 KB response',
    writes: true,
    requests: (world, random, host) => {
      // Who changes a completed response amends it; every other status may become amended too.
      const amended = (serial: string, subject: string) => ({
        ...responseOf(random, subject, serial, ID),
        status: 'amended',
      });
      const put = (body: Buffer) => send(host, `PUT /fhir/QuestionnaireResponse/${ID}`, body);
      const make = templates(random, put, ID, 256, amended);
      return () => {
        const response = Math.floor(random() * world.patientOfResponse.length);
        return make(patientAt(world.patientOfResponse[response] ?? 0), idAt(indexOfResponse(response)));
      };
    },
  },
  create: {
    meaning: 'create of a 4.7 KB response',
    floor: 'create',
    writes: true,
    requests: (world, random, host) => {
      const make = templates(random, (body) => send(host, 'POST /fhir/QuestionnaireResponse', body));
      return () => make(patientAt(Math.floor(random() * world.answering)));
    },
  },
  transaction: {
    meaning: 'transaction of 5: a response, its Media, ServiceRequest, Task and Observation (7.8 KB)',
    writes: true,
    requests: (world, random, host) => bundles(world, random, host, 1),
  },
  import: {
    meaning: 'transaction of 100, as an import sends them (156 KB)',
    writes: true,
    resources: 100,
    requests: (world, random, host) => bundles(world, random, host, 20),
  },
  'large-bundle': {
    meaning: 'transaction of 2 MB, one a second',
    writes: true,
    every: 1000,
    requests: (world, random, host) => bundles(world, random, host, 256),
  },
  'large-resource': {
    meaning: 'create of a resource of 4.9 MB',
    writes: true,
    requests: (world, random, host) => largeResource(world, random, host),
  },
  'large-binary': {
    meaning: 'create of a Binary of 5 MB',
    writes: true,
    requests: (_world, random, host) => () => {
      const bytes = Buffer.alloc(LARGE_BYTES, Math.floor(random() * 256));
      bytes.writeDoubleLE(random(), 0);
      return send(host, 'POST /fhir/Binary', bytes, 'application/octet-stream');
    },
  },
} satisfies Record<string, Row>;

export type RowName = keyof typeof rows;
export const rowOf = (name: RowName): Row => rows[name];
export const serverOf = (name: RowName): ServerKind => rowOf(name).server ?? 'open';

const LARGE_BYTES = 5_000_000;
const ID = '00000000-0000-7000-8000-000000000000';
/** Nobody's: what is written under it is found by no search of the other rows. */
const SUBJECT = 'Patient/00000000-0000-7000-9000-000000000000';
const SERIAL = 'bench-000000000000';

function readWithToken(...[world, random, host, { system }]: Parameters<Row['requests']>): Requests {
  return () => {
    const index = Math.floor(random() * world.size);
    return get(host, `${typeAt(index)}/${idAt(index)}`, system);
  };
}

function searchWithToken(...[world, random, host, { system }]: Parameters<Row['requests']>): Requests {
  return () => {
    const patient = patientAt(Math.floor(random() * world.answering));
    return get(host, `QuestionnaireResponse?patient=${patient}&_count=50`, system);
  };
}

function searchOfPatient(...[, random, host, { patients }]: Parameters<Row['requests']>): Requests {
  return () => {
    const { id, token } = pick(random, patients);
    return get(host, `QuestionnaireResponse?patient=${id}&_count=50`, token);
  };
}

function get(host: string, path: string, token?: string): Buffer {
  const bearer = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return Buffer.from(
    `GET /fhir/${path} HTTP/1.1\r\nHost: ${host}\r\n${bearer}Accept: application/fhir+json\r\n\r\n`,
    'latin1',
  );
}

function send(host: string, line: string, body: Buffer, type = 'application/fhir+json'): Buffer {
  const head = `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** 256 different responses made beforehand; serial number, patient and id are written over for each request. */
function templates(
  random: Random,
  wrap: (body: Buffer) => Buffer,
  id?: string,
  size = 256,
  content: (serial: string, subject: string) => object = (serial, subject) => responseOf(random, subject, serial, id),
) {
  const pool = Array.from({ length: size }, () => {
    const bytes = wrap(Buffer.from(JSON.stringify(content(SERIAL, SUBJECT))));
    return {
      bytes,
      serial: bytes.indexOf(SERIAL) + 6,
      subjects: placesOf(bytes, SUBJECT),
      ids: id === undefined ? [] : placesOf(bytes, id),
    };
  });
  const start = Math.floor(random() * 1e6) * 1e6;
  let count = 0;
  return (subject: string, own = ''): Buffer => {
    count += 1;
    const { bytes, serial, subjects, ids } = pool[count % pool.length]!;
    const copy = Buffer.from(bytes);
    copy.write(String(start + count).padStart(12, '0'), serial, 'latin1');
    for (const place of subjects) copy.write(subject, place, 'latin1');
    for (const place of ids) copy.write(own, place, 'latin1');
    return copy;
  };
}

function placesOf(bytes: Buffer, id: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(id); at !== -1; at = bytes.indexOf(id, at + 1)) places.push(at);
  return places;
}

/** Transactions of so many cases of five resources each, which refer to each other by urn and to a patient that is there. */
function bundles(world: World, random: Random, host: string, cases: number): Requests {
  const make = templates(
    random,
    (body) => send(host, 'POST /fhir', body),
    undefined,
    cases === 1 ? 64 : 4,
    (serial, subject) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: Array.from({ length: cases }, (_, at) => caseOf(random, subject, serial, at)).flat(),
    }),
  );
  return () => make(patientAt(Math.floor(random() * world.answering)));
}

/** Many answers, as many as are searched by in one resource, not one long one: the most that it can cost. */
function largeResource(world: World, random: Random, host: string): Requests {
  // To no form that is here: none asks for so much.
  const response = {
    ...(responseOf(random, patientAt(0), SERIAL) as { item: object[] }),
    questionnaire: 'urn:bench:large',
  };
  const answers = Array.from({ length: 9000 }, (_, at) => ({
    linkId: `extra-${at}`,
    text: 'question '.repeat(36),
    answer: [{ valueString: `${instantAt(random)} ${'free text '.repeat(13)}` }],
  }));
  response.item.push({ linkId: 'extra', item: answers });
  const bytes = send(host, 'POST /fhir/QuestionnaireResponse', Buffer.from(JSON.stringify(response)));
  let count = world.size;
  return () => {
    count += 1;
    const copy = Buffer.from(bytes);
    copy.write(String(count).padStart(12, '0'), copy.indexOf(SERIAL) + 6, 'latin1');
    return copy;
  };
}
