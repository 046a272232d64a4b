/** What is open is computed anew where it was never computed, or by other rules: after a load, an upgrade, open mode, a new setting. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { openStore, startServer } from '../../src/server.js';
import { fill } from '../../src/transfer/fill.js';
import { storeSource } from '../../src/transfer/source.js';
import { Lines } from '../../src/repository/sharing/lines.js';
import { createIndexing } from '../../src/repository/reindex.js';
import { createRegistry } from '../../src/search/registry.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { authenticate, caller } from '../access/callers.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { ask } from '../support/server.js';

interface Posted {
  resourceType: string;
  [element: string]: unknown;
}

const clinic = caller('anew-clinic', { role: 'system', owner: 'clinic', scopes: 'system/*.cruds' });
const hospital = caller('anew-hospital', { role: 'system', owner: 'hospital', scopes: 'system/*.cruds' });
const ref = (reference: string) => ({ reference });
const BASE = 'http://sharing.example/fhir';

function suite(settings: Record<string, string>): void {
  let folder = '';
  const places = [freshDatabase(), freshDatabase()];
  const configOf = (place: string, more: Record<string, string> = {}) =>
    readConfig({
      PORT: '0',
      LOG_LEVEL: 'silent',
      BASE_URL: BASE,
      DATA_DIR: join(folder, place),
      MONGODB_DATABASE: place,
      ...settings,
      ...more,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'afferent-sharing-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function during<T>(
    place: string,
    work: (send: (path: string, as: object, body?: object) => Promise<any>) => Promise<T>,
    more: Record<string, string> = {},
    open = false,
  ): Promise<T> {
    const server = await startServer(configOf(place, more), systemClock, limits, open ? undefined : authenticate);
    try {
      return await work((path, as, body) =>
        ask(`${server.address}/fhir/${path}`, { headers: { ...as }, ...(body === undefined ? {} : { body }) }),
      );
    } finally {
      await server.stop();
    }
  }

  test('the same is open after a move, after open mode, after an upgrade, and by other settings', async () => {
    const [here = '', there = ''] = places;
    const names = await during(here, async (send) => {
      const post = async (resource: Posted, as = clinic): Promise<string> => {
        const { body, status, text } = await send(resource.resourceType, as, resource);
        if (status !== 201) throw new Error(text);
        return `${resource.resourceType}/${body.id}`;
      };
      const doctor = await post({ resourceType: 'Practitioner' }, hospital);
      const patient = await post({ resourceType: 'Patient' });
      const request = (status: string) =>
        post({
          resourceType: 'ServiceRequest',
          status,
          intent: 'order',
          subject: ref(patient),
          performer: [ref(doctor)],
        });
      const [active, completed, draft] = [await request('active'), await request('completed'), await request('draft')];
      const alone = await post({ resourceType: 'Task', status: 'requested', intent: 'order', owner: ref(doctor) });
      const answer = await post(
        { resourceType: 'Observation', status: 'final', code: { text: 'x' }, basedOn: [ref(active)] },
        hospital,
      );
      return { doctor, patient, active, completed, draft, alone, answer };
    });
    const cases = [names.patient, names.active, names.completed, names.draft, names.alone];
    const seenIn = (place: string, more = {}) =>
      during(
        place,
        async (send) => {
          const statuses: number[] = [];
          for (const name of cases) statuses.push((await send(name, hospital)).status);
          for (const name of [names.answer, names.doctor]) statuses.push((await send(name, clinic)).status);
          return statuses;
        },
        more,
      );
    const open = [200, 200, 200, 404, 200, 200, 200];
    expect(await seenIn(here)).toEqual(open);

    const [source, target] = [
      await openStore(configOf(here), systemClock),
      await openStore(configOf(there), systemClock),
    ];
    const indexing = createIndexing(createRegistry(loadDefinitions()), BASE);
    await fill('move', await storeSource(source), target, indexing, () => undefined);
    for (const { store, blobs } of [source, target]) {
      await blobs.close();
      await store.close();
    }
    expect(await seenIn(there)).toEqual(open);
    // By its days the completed one is over at once.
    expect(await seenIn(there, { REFERRAL_DAYS: '0' })).toEqual([200, 200, 404, 404, 200, 200, 200]);
    expect(await seenIn(there)).toEqual(open);
    // In open mode nobody computes; the next start with organizations does.
    const written = await during(
      there,
      async (send) => (await send('Practitioner', {}, { resourceType: 'Practitioner' })).body.id,
      {},
      true,
    );
    expect(await during(there, async (send) => (await send(`Practitioner/${written}`, hospital)).status)).toBe(200);
    expect(await seenIn(there)).toEqual(open);
  }, 120_000);
}

describe('SQLite: sharing anew', () => suite({ STORE: 'sqlite' }));
describeMongo('sharing anew', (url) => suite({ STORE: 'mongodb', MONGODB_URL: url }));

test('who changes the same referral waits for those before; who changes another does not, and nobody waits in a ring', async () => {
  const lines = new Lines();
  const done: string[] = [];
  const enter = async (name: string, ...of: string[]): Promise<() => void> => {
    const leave = await lines.join(of);
    done.push(name);
    return leave;
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = await enter('first', 'a', 'b');
  const [second, third] = [enter('second', 'b', 'a'), enter('third', 'a')];
  const other = await enter('other', 'c');
  await turn();
  expect(done).toEqual(['first', 'other']);
  first();
  (await second)();
  (await third)();
  other();
  expect(done).toEqual(['first', 'other', 'second', 'third']);
});
