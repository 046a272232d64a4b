/** What the proof of faults sends: a good transaction with every kind of change, and the table of what can be wrong. */
import { SYSTEM } from './races.js';

/** What was there before the transaction, and must be there after it as it was. */
export interface Before {
  patient: string;
  /** Referred to by an Observation. */
  needed: string;
  deleted: string;
}

export interface Entry {
  fullUrl?: string;
  resource?: object;
  request: object;
}

const PATIENT = 'urn:uuid:0b1a52a6-3f0a-4c8e-9d55-6f1d6a0f6a01';

export const observation = (marker: string, reference: string) => ({
  resourceType: 'Observation',
  identifier: [{ system: SYSTEM, value: marker }],
  status: 'final',
  code: { text: 'a fault is near' },
  subject: { reference },
});

const patient = (marker: string) => ({ resourceType: 'Patient', identifier: [{ system: SYSTEM, value: marker }] });

/** A good one with every kind of change. */
export const good = (marker: string, { patient: id, deleted }: Before): Entry[] => [
  { fullUrl: PATIENT, resource: patient(marker), request: { method: 'POST', url: 'Patient' } },
  { resource: observation(marker, PATIENT), request: { method: 'POST', url: 'Observation' } },
  {
    resource: { ...patient(marker), id },
    request: { method: 'PUT', url: `Patient/${id}`, ifMatch: 'W/"1"' },
  },
  {
    resource: observation(`${marker}-new`, PATIENT),
    request: { method: 'POST', url: 'Observation', ifNoneExist: `identifier=${SYSTEM}|${marker}-new` },
  },
  { request: { method: 'DELETE', url: `Patient/${deleted}` } },
  {
    resource: { resourceType: 'Binary', contentType: 'text/plain', data: Buffer.from(marker).toString('base64') },
    request: { method: 'POST', url: 'Binary' },
  },
];

/** TABLE: what is wrong -> the entry that is put among the good ones. */
export const wrong: Record<string, (marker: string, before: Before) => Entry> = {
  'a resource that is not valid': (marker) => ({
    resource: { ...observation(marker, PATIENT), status: 'nothing that R4 knows' },
    request: { method: 'POST', url: 'Observation' },
  }),
  'an unknown type': (marker) => ({
    resource: { ...patient(marker), resourceType: 'Pineapple' },
    request: { method: 'POST', url: 'Pineapple' },
  }),
  'a reference to an entry that is not there': (marker) => ({
    resource: observation(marker, 'urn:uuid:5c3f1a52-4c1f-4a39-8a0e-1f8f8f8f8f8f'),
    request: { method: 'POST', url: 'Observation' },
  }),
  'a reference to a resource that is not there': (marker) => ({
    resource: observation(marker, `Patient/absent-${marker}`),
    request: { method: 'POST', url: 'Observation' },
  }),
  'a reference by search that finds nothing': (marker) => ({
    resource: observation(marker, `Patient?identifier=${SYSTEM}|absent-${marker}`),
    request: { method: 'POST', url: 'Observation' },
  }),
  'a stale ifMatch': (marker, { needed }) => ({
    resource: { ...patient(marker), id: needed },
    request: { method: 'PUT', url: `Patient/${needed}`, ifMatch: 'W/"99"' },
  }),
  'two changes of one resource': (marker, { patient: id }) => ({
    resource: { ...patient(marker), id },
    request: { method: 'PUT', url: `Patient/${id}` },
  }),
  'the deletion of what others refer to': (_marker, { needed }) => ({
    request: { method: 'DELETE', url: `Patient/${needed}` },
  }),
  'a Binary without its data': () => ({
    resource: { resourceType: 'Binary', contentType: 'text/plain' },
    request: { method: 'POST', url: 'Binary' },
  }),
  'a Binary whose bytes are something else': () => ({
    resource: { resourceType: 'Binary', contentType: 'image/png', data: Buffer.from('%PDF-1.7\n').toString('base64') },
    request: { method: 'POST', url: 'Binary' },
  }),
  'a patch whose test fails': (_marker, { needed }) => ({
    resource: {
      resourceType: 'Binary',
      contentType: 'application/json-patch+json',
      data: Buffer.from('[{"op":"test","path":"/gender","value":"other"}]').toString('base64'),
    },
    request: { method: 'PATCH', url: `Patient/${needed}` },
  }),
};
