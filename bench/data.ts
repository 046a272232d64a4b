/**
 * The seeded data of the bench: resource number i of N is always the same, so every process can name it without asking.
 * Of twenty resources one is a Patient, twelve are QuestionnaireResponses, three Media, two DiagnosticReports, two
 * Observations. A patient who has answered at all has 13 to 20 responses, scattered over two years.
 */
import { readFileSync } from 'node:fs';

export type Random = () => number;

/** mulberry32: small, quick and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

const BLOCK = 20;
const RESPONSES = 12;
/** The type of each place in a block of twenty. */
const PLACES = [
  'Patient',
  ...Array<string>(RESPONSES).fill('QuestionnaireResponse'),
  ...Array<string>(3).fill('Media'),
  ...Array<string>(2).fill('DiagnosticReport'),
  ...Array<string>(2).fill('Observation'),
];

export interface World {
  size: number;
  /** Numbers of the patients who have responses: 13 to 20 each. */
  answering: number;
  /** Response number -> patient number. */
  patientOfResponse: Uint32Array;
}

export function worldOf(size: number): World {
  const blocks = Math.ceil(size / BLOCK);
  const patientOfResponse = new Uint32Array(blocks * RESPONSES);
  const random = randomOf(1);
  const counts: number[] = [];
  let left = patientOfResponse.length;
  for (let count = 13 + Math.floor(random() * 8); count <= left; count = 13 + Math.floor(random() * 8)) {
    counts.push(count);
    left -= count;
  }
  // What is left is too little for a patient of its own: those who have few get one more each.
  for (let patient = 0; left > 0 && patient < counts.length; patient += 1) {
    if ((counts[patient] ?? 20) === 20) continue;
    counts[patient] = (counts[patient] ?? 0) + 1;
    left -= 1;
  }
  let filled = 0;
  counts.forEach((count, patient) => {
    patientOfResponse.fill(patient, filled, filled + count);
    filled += count;
  });
  for (let at = patientOfResponse.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const kept = patientOfResponse[at] ?? 0;
    patientOfResponse[at] = patientOfResponse[other] ?? 0;
    patientOfResponse[other] = kept;
  }
  return { size: blocks * BLOCK, answering: counts.length, patientOfResponse };
}

export const typeAt = (index: number): string => PLACES[index % BLOCK] ?? 'Patient';
export const indexOfPatient = (patient: number): number => patient * BLOCK;
export const indexOfResponse = (response: number): number =>
  Math.floor(response / RESPONSES) * BLOCK + 1 + (response % RESPONSES);

const FIRST = Date.UTC(2024, 10, 1);
const DAYS = 730;
const DAY = 24 * 3600 * 1000;

/** When resource number i was stored: one a second, so that ids and times rise together as they do in life. */
export const storedAt = (index: number): number => FIRST + DAYS * DAY + index * 1000;

/** As the server makes them, a UUID of version 7, with the random part from the number. */
export function idAt(index: number): string {
  const random = randomOf(index + 7);
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const time = storedAt(index).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}

export const patientAt = (patient: number): string => `Patient/${idAt(indexOfPatient(patient))}`;

export const instantAt = (random: Random): string =>
  new Date(FIRST + Math.floor(random() * DAYS * 86_400) * 1000).toISOString().replace('.000Z', 'Z');

interface Item {
  linkId: string;
  text?: string;
  item?: Item[];
  answer?: Record<string, unknown>[];
}

const RESPONSE_BYTES = 4700;
const WORDS = 'it began as a small dark spot that itches at night and grew wider since spring after sun or soap'.split(
  ' ',
);
const FORM = JSON.parse(
  readFileSync(new URL('../test/data/skin-lesion-response.json', import.meta.url), 'utf8'),
) as Item[];

/** The skin lesion intake answered in full; the free text is as long as it takes to be 4.7 KB, give or take 2 %. */
export function responseOf(random: Random, subject: string, identifier: string, id?: string): object {
  const items = structuredClone(LEAN);
  const treatment = { valueString: '' };
  const told = items.flatMap(({ item = [] }) => item).find(({ linkId }) => linkId === 'treatment');
  if (told !== undefined) told.answer = [treatment];
  const response = {
    resourceType: 'QuestionnaireResponse',
    ...(id === undefined ? {} : { id }),
    identifier: { system: 'http://example.org/fhir/bench', value: identifier },
    questionnaire: 'http://afferent.health/fhir/Questionnaire/skin-lesion|1.1.0',
    status: pick(random, STATUSES),
    subject: { reference: subject },
    authored: instantAt(random),
    source: { reference: subject },
    item: items,
  };
  const wanted = Math.round(RESPONSE_BYTES * (0.98 + random() * 0.04)) - JSON.stringify(response).length;
  let text = '';
  while (text.length < wanted) text += `${pick(random, WORDS)} `;
  treatment.valueString = `${text.slice(0, wanted - 1).trim()}.`;
  return response;
}

const STATUSES = [...Array<string>(8).fill('completed'), 'in-progress', 'amended'];

/** The texts of the questions may be left out of a response; they are, until a response has room for free text. */
const LEAN = lean(FORM);

function lean(items: Item[]): Item[] {
  const all = structuredClone(items);
  const flat = (list: Item[]): Item[] => list.flatMap((item) => [item, ...flat(item.item ?? [])]);
  for (const item of flat(all).reverse()) {
    if (JSON.stringify(all).length < RESPONSE_BYTES - 800) break;
    delete item.text;
  }
  return all;
}
