/** Resource number i of the bench's world, of whichever type stands there. */
import { idAt, instantAt, patientAt, pick, randomOf, responseOf, typeAt, type Random, type World } from './data.js';

export interface BenchResource {
  resourceType: string;
  id: string;
  [element: string]: unknown;
}

export function resourceAt(world: World, index: number): BenchResource {
  const random = randomOf(index * 2 + 1);
  const id = idAt(index);
  const type = typeAt(index);
  const block = Math.floor(index / 20);
  if (type === 'QuestionnaireResponse') {
    const response = block * 12 + (index % 20) - 1;
    const subject = patientAt(world.patientOfResponse[response] ?? 0);
    return responseOf(random, subject, `seed-${index}`, id) as BenchResource;
  }
  const subject = { reference: patientAt(block) };
  return { resourceType: type, id, ...(makers[type]?.(random, subject, index) ?? {}) };
}

/** Codes of reports and observations; a page of 20 is full for each one, from 4,000 resources on. */
export const REPORT_CODES = Array.from({ length: 10 }, (_, at) => `report-${at}`);
const CODES = 'http://example.org/fhir/CodeSystem/bench';
const FAMILIES = ['Müller', 'Okafor', 'Nguyen', 'García', 'Smith', 'Rossi', 'Kowalski', 'Haddad', 'Silva', 'Andersson'];
const GIVEN = ['Ada', 'Ben', 'Chi', 'Dara', 'Elif', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Kaya', 'Lena'];
const SITES = ['back', 'cheek', 'forearm', 'scalp', 'shin', 'shoulder'];

interface Subject {
  reference: string;
}

const makers: Record<string, (random: Random, subject: Subject, index: number) => object> = {
  Patient: (random, _subject, index) => ({
    identifier: [{ system: 'http://example.org/fhir/mrn', value: `mrn-${index}` }],
    active: true,
    name: [{ family: pick(random, FAMILIES), given: [pick(random, GIVEN), pick(random, GIVEN)] }],
    gender: pick(random, ['female', 'male', 'other']),
    birthDate: `${1930 + Math.floor(random() * 90)}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 10)}`,
    telecom: [{ system: 'phone', value: `+1 555 ${String(index).padStart(7, '0')}` }],
    address: [{ city: 'Springfield', postalCode: String(10_000 + (index % 80_000)), country: 'US' }],
  }),
  Media: (random, subject, index) => ({
    status: 'completed',
    type: coding('http://terminology.hl7.org/CodeSystem/media-type', 'image'),
    subject,
    createdDateTime: instantAt(random),
    bodySite: { text: pick(random, SITES) },
    content: { contentType: 'image/jpeg', url: `Binary/${idAt(index)}`, size: 1_000_000 + (index % 99_991) },
  }),
  DiagnosticReport: (random, subject) => ({
    status: 'final',
    code: coding(CODES, pick(random, REPORT_CODES)),
    subject,
    effectiveDateTime: instantAt(random),
    issued: instantAt(random),
    conclusion: `A benign lesion of the ${pick(random, SITES)}. No treatment is needed. Come back if it changes.`,
    conclusionCode: [coding(CODES, `finding-${Math.floor(random() * 40)}`)],
  }),
  Observation: (random, subject) => ({
    status: 'final',
    category: [coding('http://terminology.hl7.org/CodeSystem/observation-category', 'exam')],
    code: coding(CODES, `observation-${Math.floor(random() * 20)}`),
    subject,
    effectiveDateTime: instantAt(random),
    valueQuantity: {
      value: Math.round(random() * 300) / 10,
      unit: 'mm',
      system: 'http://unitsofmeasure.org',
      code: 'mm',
    },
  }),
};

const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
