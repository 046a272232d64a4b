/** The bench's data: the same for every process that asks, and of the kinds and sizes that its tables claim. */
import { idAt, randomOf, typeAt, worldOf } from '../bench/data.js';
import { resourceAt } from '../bench/resources.js';
import { rows } from '../bench/rows.js';

const world = worldOf(10_000);
const counted = <T>(list: Iterable<T>): Map<T, number> => {
  const counts = new Map<T, number>();
  for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
};

test('types come in the shares that are announced', () => {
  const types = counted(Array.from({ length: world.size }, (_, index) => typeAt(index)));
  expect(Object.fromEntries(types)).toEqual({
    QuestionnaireResponse: 6000,
    Media: 1500,
    DiagnosticReport: 1000,
    Observation: 1000,
    Patient: 500,
  });
});

test.each([200, 4000, 10_000])('of %i resources, a patient who answered has 13 to 20 responses', (size) => {
  const small = worldOf(size);
  const perPatient = [...counted(small.patientOfResponse).values()];
  expect(perPatient).toHaveLength(small.answering);
  expect(Math.min(...perPatient)).toBeGreaterThanOrEqual(13);
  expect(Math.max(...perPatient)).toBeLessThanOrEqual(20);
});

test('ids are unique and rise with time', () => {
  const ids = Array.from({ length: world.size }, (_, index) => idAt(index));
  expect(new Set(ids).size).toBe(world.size);
  expect(ids.toSorted()).toEqual(ids);
});

test('a response has 4.7 KB, give or take 2 %, and is the same each time', () => {
  const again = worldOf(10_000);
  for (let index = 1; index < 2000; index += 20) {
    const text = JSON.stringify(resourceAt(world, index));
    expect(Math.abs(text.length - 4700)).toBeLessThanOrEqual(4700 * 0.02 + 1);
    expect(JSON.stringify(resourceAt(again, index))).toBe(text);
  }
});

test('bodies differ from request to request, and their length is what they announce', () => {
  const next = rows.update.requests(world, randomOf(3), '127.0.0.1:1');
  const indexes = new Map(Array.from({ length: world.size }, (_, index) => [idAt(index), index]));
  const requests = Array.from({ length: 300 }, () => next().toString().split('\r\n\r\n'));
  for (const [head = '', body = ''] of requests) {
    const { id, subject } = JSON.parse(body);
    expect(head).toContain(`PUT /fhir/QuestionnaireResponse/${id} `);
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    expect(subject).toEqual(resourceAt(world, indexes.get(id) ?? -1).subject);
  }
  expect(new Set(requests.map(([, body = '']) => JSON.parse(body).identifier.value)).size).toBe(300);
});
