/**
 * What a caller's reach costs a search: the same searches by patient through the repository as the operator, whom
 * nothing constrains, as a person (`user/`), as a patient's app (`patient/`), and as a person of another organization to
 * which every case was opened (`referral`). In one process and in turns, so that all of them meet the same disturbances;
 * what counts is the median of many rounds' CPU.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccess } from '../src/access/constraint.js';
import { noTerms } from '../src/access/terms.js';
import { operator, type Principal } from '../src/access/principal.js';
import { parseScopes } from '../src/access/scopes.js';
import { loadDefinitions } from '../src/fhir/definitions.js';
import { systemClock } from '../src/kit/clock.js';
import { createSearch } from '../src/repository/search.js';
import { createSeenStore } from '../src/repository/seen.js';
import { createIndexing } from '../src/repository/reindex.js';
import { parseSearch } from '../src/search/parse.js';
import { createRegistry } from '../src/search/registry.js';
import type { Opened, Opening, Store } from '../src/store/port.js';
import { openMongoStore } from '../src/store/mongo/index.js';
import { openSqliteStore } from '../src/store/sqlite/index.js';
import { idAt, indexOfResponse, patientAt, worldOf, type World } from './data.js';
import { BASE_URL, fill } from './fill.js';

const SIZE = 10_000;
const ROUNDS = 60;
const SEARCHES = 50;

const registry = createRegistry(loadDefinitions());
const access = createAccess(registry, BASE_URL);
const { extract } = createIndexing(registry, BASE_URL);

const callers: Record<string, (patient: string) => Principal> = {
  operator: () => operator,
  'user/': () => person,
  'patient/': (patient) => ({
    ...person,
    role: 'patient',
    grant: {
      id: 'app',
      client: 'app',
      user: 'app',
      patient,
      fhirUser: `Patient/${patient}`,
      scopes: parseScopes('patient/*.rs'),
    },
  }),
  referral: () => specialist,
};
/** A person of another organization, to which every case is open. */
const partner = 'partner';
const person: Principal = {
  ...operator,
  name: 'person',
  role: 'specialist',
  grant: { id: 'person', client: 'app', user: 'person', scopes: parseScopes('user/*.rs') },
};
const specialist: Principal = { ...person, name: 'specialist', owner: partner, owners: [partner] };

/** Opens to the partner each patient with their responses, as a referral of its own. */
async function open(store: Store, world: World): Promise<void> {
  const cases = new Map<number, Opening[]>();
  const opening = (type: string, id: string): Opening => ({
    ...{ type, id, to: partner, from: 0, until: Number.MAX_SAFE_INTEGER },
  });
  for (const [response, patient] of world.patientOfResponse.entries()) {
    const known = cases.get(patient) ?? [opening('Patient', patientAt(patient).slice('Patient/'.length))];
    cases.set(patient, known);
    known.push(opening('QuestionnaireResponse', idAt(indexOfResponse(response))));
  }
  const all = [...cases].map(([n, openings]): Opened => ({ via: `ServiceRequest/${n}`, was: 0, openings }));
  for (let at = 0; at < all.length; at += 50)
    await store.write([], [], undefined, undefined, { opened: all.slice(at, at + 50) });
}

async function measure(name: string, store: Store): Promise<void> {
  const world = worldOf(SIZE);
  await fill(store, world);
  await open(store, world);
  const door = createSearch(
    createSeenStore({
      store,
      access,
      extract,
      terms: { of: () => Promise.resolve(noTerms), denyVersion: () => Promise.resolve(false) },
    }),
  );
  const times = Object.fromEntries(
    Object.keys(callers).map((caller) => [caller, { cpu: [] as number[], wall: [] as number[] }]),
  );
  const known = new Map<string, Principal>();
  const options = { lenient: false, base: BASE_URL, now: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [caller, principalOf] of Object.entries(callers)) {
      const [cpu, wall] = [process.cpuUsage(), performance.now()];
      for (let n = 0; n < SEARCHES; n += 1) {
        const patient = patientAt((round * SEARCHES + n) % world.answering);
        const asked = parseSearch(`patient=${patient}&_count=50`, ['QuestionnaireResponse'], registry, options);
        // A token is used more than once: who it is was found out before.
        const principal = known.get(`${caller} ${patient}`) ?? principalOf(patient.slice('Patient/'.length));
        known.set(`${caller} ${patient}`, principal);
        const { matches } = await door.search({ id: 'bench', at: 0, principal }, asked);
        if (matches.length < 13) throw new Error(`${caller} found ${matches.length}.`);
      }
      const { user, system } = process.cpuUsage(cpu);
      times[caller]?.cpu.push((user + system) / SEARCHES);
      times[caller]?.wall.push(((performance.now() - wall) * 1000) / SEARCHES);
    }
  }
  const base = median(times.operator?.cpu ?? []);
  const baseWall = median(times.operator?.wall ?? []);
  for (const [caller, { cpu, wall }] of Object.entries(times)) {
    const more = (value: number, of: number) => `${Math.round((value / of - 1) * 100)} %`.padStart(6);
    const [c, w] = [median(cpu), median(wall)];
    console.log(
      `${name.padEnd(8)} ${caller.padEnd(9)} CPU ${c.toFixed(0).padStart(5)} µs ${more(c, base)}   wall ${w.toFixed(0).padStart(6)} µs ${more(w, baseWall)}`,
    );
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const folder = await mkdtemp(join(tmpdir(), 'afferent-bench-access-'));
const sqlite = openSqliteStore({ file: join(folder, 'store.sqlite'), clock: systemClock });
await measure('SQLite', sqlite);
await sqlite.close();
await rm(folder, { recursive: true, force: true });
const { MONGODB_URL: url } = process.env;
if (url !== undefined) {
  const mongo = await openMongoStore({ url, database: `bench_access_${process.pid}`, clock: systemClock });
  await measure('MongoDB', mongo);
  await mongo.close();
}
