/**
 * What the audit trail costs a request: the same reads and creates over HTTP, with records and without, in one process
 * and in turns, so that both meet the same disturbances and the same client. What counts is the difference of the medians
 * of many rounds' CPU; the client's own part is the same in both. `AUDIT_BENCH_ROUNDS` makes it longer or shorter.
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

const ROUNDS = Number(process.env.AUDIT_BENCH_ROUNDS ?? 40);
const REQUESTS = 400;
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
  process.once('exit', () => void rm(folder, { recursive: true, force: true }));
  return { server, ids, patient };
}

const KINDS: Record<string, (side: Side, n: number) => Promise<string>> = {
  read: ({ server, ids }, n) => send(`${server.base}/Observation/${ids[n % ids.length] ?? ''}`),
  create: ({ server, patient }) => send(`${server.base}/Observation`, observationOf(patient)),
  'search-patient': ({ server, patient }) => send(`${server.base}/Observation?patient=${patient}&_count=15`),
};

/** CPU µs a request, in this process. */
async function round(side: Side, kind: (side: Side, n: number) => Promise<string>): Promise<number> {
  const from = process.cpuUsage();
  let next = 0;
  const line = async () => {
    while (next < REQUESTS) await kind(side, next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, line));
  const { user, system } = process.cpuUsage(from);
  return (user + system) / REQUESTS;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function measure(store: string, settings: Record<string, string>): Promise<void> {
  const database = (audit: string) => `bench_audit_${audit}_${process.pid}`;
  const sides = {
    off: await open({ ...settings, AUDIT: 'off', MONGODB_DATABASE: database('off') }),
    on: await open({ ...settings, AUDIT: 'on', MONGODB_DATABASE: database('on') }),
  };
  for (const [name, kind] of Object.entries(KINDS)) {
    const times = { off: [] as number[], on: [] as number[] };
    for (let n = 0; n < ROUNDS + 3; n += 1)
      for (const audit of ['off', 'on'] as const) {
        const cpu = await round(sides[audit], kind);
        // The first rounds are warm-up.
        if (n >= 3) times[audit].push(cpu);
      }
    const [off, on] = [median(times.off), median(times.on)];
    console.log(`${store} ${name}: off ${off.toFixed(0)} µs, on ${on.toFixed(0)} µs, adds ${(on - off).toFixed(0)} µs`);
  }
  await Promise.all(Object.values(sides).map(({ server }) => server.stop()));
}

await measure('SQLite', { STORE: 'sqlite' });
if (process.env.MONGODB_URL !== undefined)
  await measure('MongoDB', { STORE: 'mongodb', MONGODB_URL: process.env.MONGODB_URL });
process.exit(0);
