/**
 * What the audit trail costs a request: the same reads and creates over HTTP, with records and without, in one process
 * and in turns, so that both meet the same disturbances and the same client. What counts is the difference of the medians
 * of many rounds' CPU; the client's own part is the same in both. A part of the bench, as a process of its own; alone by
 * `npx tsx bench/audit.ts`, where `AUDIT_BENCH_ROUNDS` makes it longer or shorter.
 */
import { Agent, request as httpRequest } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Principal } from '../src/access/principal.js';
import { parseScopes } from '../src/access/scopes.js';
import { readConfig } from '../src/config.js';
import { systemClock } from '../src/kit/clock.js';
import { limits } from '../src/kit/limits.js';
import { startServer, type RunningServer } from '../src/server.js';
import { cpuOf } from './measure.js';
import type { Audited } from './result.js';
import { dropDatabase } from './servers.js';
import { auditTable } from './table.js';
import { work, type StoreJob } from './worker.js';

const alone = process.send === undefined;
const ROUNDS = alone ? Number(process.env.AUDIT_BENCH_ROUNDS ?? 40) : 12;
const WARMUP = 3;
const REQUESTS = alone ? 400 : 200;
const CONNECTIONS = 16;

const caller: Principal = {
  name: 'bench',
  role: 'specialist',
  owner: 'bench',
  owners: ['bench'],
  grant: {
    id: 'bench',
    client: 'bench',
    user: 'bench',
    fhirUser: 'Practitioner/bench',
    scopes: parseScopes('user/*.cruds'),
  },
};

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

function send(url: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/fhir+json' };
    const asked = httpRequest(url, { agent, method: body === undefined ? 'GET' : 'POST', headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => ((answer.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(text))));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const observationOf = (patient: string) =>
  JSON.stringify({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'A text as long as such texts are. '.repeat(60) },
    subject: { reference: `Patient/${patient}` },
  });

interface Side {
  folder: string;
  server: RunningServer;
  ids: string[];
  patient: string;
}

async function open(settings: Record<string, string>): Promise<Side> {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-bench-audit-'));
  const config = readConfig({ PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, ...settings });
  const server = await startServer(config, systemClock, limits, () => caller);
  const { id: patient } = JSON.parse(await send(`${server.base}/Patient`, '{"resourceType":"Patient"}')) as {
    id: string;
  };
  const ids: string[] = [];
  for (let n = 0; n < 200; n += 1)
    ids.push((JSON.parse(await send(`${server.base}/Observation`, observationOf(patient))) as { id: string }).id);
  return { folder, server, ids, patient };
}

type Kind = (side: Side, n: number) => Promise<string>;

/** TABLE: what is asked -> how. */
const KINDS: Record<string, Kind> = {
  read: ({ server, ids }, n) => send(`${server.base}/Observation/${ids[n % ids.length] ?? ''}`),
  create: ({ server, patient }) => send(`${server.base}/Observation`, observationOf(patient)),
  'search-patient': ({ server, patient }) => send(`${server.base}/Observation?patient=${patient}&_count=15`),
};

/** CPU µs a request, in this process and in mongod. */
async function round(side: Side, kind: Kind, mongod: number | undefined): Promise<{ own: number; mongod: number }> {
  const before = mongod === undefined ? 0 : cpuOf(mongod);
  const from = process.cpuUsage();
  let next = 0;
  const line = async () => {
    while (next < REQUESTS) await kind(side, next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, line));
  const { user, system } = process.cpuUsage(from);
  return {
    own: (user + system) / REQUESTS,
    mongod: mongod === undefined ? 0 : (cpuOf(mongod) - before) / REQUESTS,
  };
}

/** @param mongod its process, where that is on this machine and nobody else's */
async function measure(settings: Record<string, string>, mongod?: number): Promise<Audited[]> {
  const database = (audit: string) => `bench_audit_${audit}_${process.pid}`;
  const sides = {
    off: await open({ ...settings, AUDIT: 'off', MONGODB_DATABASE: database('off') }),
    on: await open({ ...settings, AUDIT: 'on', MONGODB_DATABASE: database('on') }),
  };
  const results: Audited[] = [];
  for (const [name, kind] of Object.entries(KINDS)) {
    const times = { off: new Times(), on: new Times() };
    for (let n = 0; n < ROUNDS + WARMUP; n += 1)
      for (const audit of ['off', 'on'] as const) {
        const spent = await round(sides[audit], kind, mongod);
        if (n >= WARMUP) times[audit].add(spent);
      }
    results.push({ name, off: times.off.cost, on: times.on.cost });
  }
  for (const { folder, server } of Object.values(sides)) {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  const { MONGODB_URL: url } = settings;
  if (url !== undefined) for (const audit of ['off', 'on']) await dropDatabase(url, database(audit));
  return results;
}

/** mongod's CPU is told in steps of 10 ms, so that it says something only of all rounds together. */
class Times {
  readonly #own: number[] = [];
  #mongod = 0;

  add({ own, mongod }: { own: number; mongod: number }): void {
    this.#own.push(own);
    this.#mongod += mongod;
  }

  get cost(): number {
    return median(this.#own) + this.#mongod / this.#own.length;
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

if (alone) {
  console.log(`SQLite\n\n${auditTable(await measure({ STORE: 'sqlite' }))}`);
  const { MONGODB_URL: url } = process.env;
  if (url !== undefined)
    console.log(`\nMongoDB, without mongod\n\n${auditTable(await measure({ STORE: 'mongodb', MONGODB_URL: url }))}`);
  process.exit(0);
} else {
  work(({ settings, mongod }: StoreJob, measuring) => {
    measuring();
    return measure(settings, mongod);
  });
}
