/**
 * L-01, L-13: an id that is another organization's and one that never was cannot be told apart, by what is answered or
 * by how long it takes. The samples are taken in turns, in random order, and compared by their medians: whoever else
 * uses this machine disturbs both alike. That the comparison finds what differs is shown beside it, with an id that is there.
 */
import { random } from '../oracle/make.js';
import { openLine, type Answer, type Line } from '../oracle/line.js';
import { ask, describeServer, type TestServer } from '../support/server.js';
import { authenticate, caller } from './callers.js';

const SAMPLES = 400;
const WARM = 50;
/** How much longer one may take at the median, as a share of it: 10 %, some 30 µs, which no network lets anybody see. */
const TOLERANCE = 0.1;
const ROUNDS = 4;

const north = () =>
  caller('timing-north', { role: 'specialist', owner: 'Organization/north', scopes: 'user/*.cruds', user: 'person' });
const south = () =>
  caller('timing-south', { role: 'specialist', owner: 'Organization/south', scopes: 'user/*.cruds', user: 'person' });

const observation = (code: string) => ({ resourceType: 'Observation', status: 'final', code: { text: code } });

interface Look {
  name: string;
  method: string;
  path: (id: string) => string;
  headers?: Record<string, string>;
  body?: (id: string) => object;
}

const FHIR = { 'Content-Type': 'application/fhir+json' };

const LOOKS: Look[] = [
  { name: 'L-01 read', method: 'GET', path: (id) => `/Observation/${id}` },
  { name: 'L-01 vread', method: 'GET', path: (id) => `/Observation/${id}/_history/1` },
  { name: 'L-13 a search by id', method: 'GET', path: (id) => `/Observation?_id=${id}&_total=accurate` },
  {
    name: 'L-13 an update',
    method: 'PUT',
    path: (id) => `/Observation/${id}`,
    headers: { ...FHIR, 'If-Match': 'W/"1"' },
    body: (id) => ({ ...observation('mine'), id }),
  },
];

describeServer(
  'an id that is another organization’s',
  (server) => {
    const ids = { own: '', foreign: '' };
    let line: Line;
    beforeAll(async () => {
      ids.own = await created(server, north(), 'x'.repeat(200_000));
      ids.foreign = await created(server, south());
      line = openLine(server.address);
    });
    afterAll(() => line.close());

    const askOf = ({ method, path, headers = {}, body }: Look, id: string): Promise<Answer> =>
      line.ask({
        method,
        path: `/fhir${path(id)}`,
        headers: { ...headers, ...north() },
        ...(body === undefined ? {} : { body: JSON.stringify(body(id)) }),
      });

    test.each(LOOKS)('$name: status, body and headers are the same', async (look) => {
      const [there, never] = [await askOf(look, ids.foreign), await askOf(look, lookAlike(ids.foreign, 1))];
      expect(plain(there, ids.foreign)).toEqual(plain(never, lookAlike(ids.foreign, 1)));
    });

    test.each(LOOKS)(
      '$name: it takes as long',
      async (look) => {
        // Real work beside it comes in bursts: of some rounds the calmest counts, as each would show a real difference.
        let least = { foreign: 1, noise: 1 };
        for (let round = 0; round < ROUNDS && Math.max(least.foreign, least.noise) > TOLERANCE; round += 1) {
          const times = await sample(look, [ids.foreign, lookAlike(ids.foreign, 1), lookAlike(ids.foreign, 2)], round);
          const found = { foreign: difference(times[0]!, times[1]!), noise: difference(times[1]!, times[2]!) };
          if (Math.max(found.foreign, found.noise) < Math.max(least.foreign, least.noise)) least = found;
        }
        expect(least.noise).toBeLessThan(TOLERANCE);
        expect(least.foreign).toBeLessThan(TOLERANCE);
      },
      240_000,
    );

    test('the comparison tells apart what differs: a read of what is there and large takes longer', async () => {
      let most = 0;
      for (let round = 0; round < ROUNDS && most < 1.5 * TOLERANCE; round += 1) {
        const times = await sample(LOOKS[0]!, [ids.own, lookAlike(ids.foreign, 1)], round);
        most = Math.max(most, difference(times[0]!, times[1]!));
      }
      expect(most).toBeGreaterThan(1.5 * TOLERANCE);
    }, 240_000);

    /** Milliseconds that each of these takes, in turns and in random order within each turn. */
    async function sample(look: Look, all: string[], seed: number): Promise<number[][]> {
      const next = random(seed + 1);
      const times = all.map((): number[] => []);
      for (let turn = -WARM; turn < SAMPLES; turn += 1) {
        const order = all.map((_, at) => ({ at, key: next() })).sort((a, b) => a.key - b.key);
        for (const { at } of order) {
          const started = performance.now();
          await askOf(look, all[at]!);
          if (turn >= 0) times[at]!.push(performance.now() - started);
        }
      }
      return times;
    }
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce' },
  authenticate,
);

async function created({ base }: TestServer, headers: Record<string, string>, code = 'one'): Promise<string> {
  const { status, body, text } = await ask(`${base}/Observation`, {
    method: 'POST',
    headers,
    body: observation(code),
  });
  if (status !== 201) throw new Error(text);
  return body.id;
}

/** An id of the same form that never was. */
const lookAlike = (id: string, n: number): string => `${id.slice(0, -4)}000${n}`;

/** All that a client is told, but for the id itself and what names this one answer. */
function plain({ status, said, text }: Answer, id: string) {
  const headers = [...said].filter(([name]) => name !== 'date' && name !== 'x-request-id');
  return { status, headers, text: text.replaceAll(id, 'ID') };
}

/** By how much their medians differ, as a share of the second one. */
const difference = (one: number[], other: number[]): number => Math.abs(median(one) / median(other) - 1);

const median = (times: number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
