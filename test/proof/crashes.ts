/**
 * kill -9 of the server during writes, again and again: what was acknowledged must be there after the restart, as it
 * was sent, with no gap in its versions and found by search. (It proves safety against a crash of the process; that of
 * the machine rests on fsync, which both stores ask for before they acknowledge.)
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Proof, StoreSettings } from './index.js';

const WRITERS = 8;
const SERVER = new URL('../../dist/cli/index.js', import.meta.url).pathname;

/** What the server acknowledged of one resource: the marker of each version, or undefined for a deletion. */
type Acknowledged = Map<number, string | undefined>;

export const crashes: Proof = {
  name: 'kill -9 of the server under writes',
  rounds: { long: 500, short: 50 },
  async run(settings, rounds) {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-crash-'));
    const environment = { ...settings, DATA_DIR: folder, MONGODB_DATABASE: `crash_${process.pid}` };
    const all = new Map<string, Acknowledged>();
    const restarts: number[] = [];
    let fresh = new Map<string, Acknowledged>();
    let writes = 0;
    try {
      for (let round = 0; round < rounds; round += 1) {
        const started = performance.now();
        const server = await start(environment);
        restarts.push(performance.now() - started);
        await verify(server.base, fresh);
        fresh = new Map();
        const writing = Promise.all(
          Array.from({ length: WRITERS }, (_, writer) => write(server.base, `${round}-${writer}`, all, fresh)),
        );
        await pause(50 + Math.random() * 750);
        server.process.kill('SIGKILL');
        writes += (await writing).reduce((sum, count) => sum + count, 0);
      }
      const last = await start(environment);
      await verify(last.base, all);
      last.process.kill('SIGKILL');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    restarts.sort((a, b) => a - b);
    return {
      kills: rounds,
      acknowledged: writes,
      lost: 0,
      restartMsP50: Math.round(restarts[Math.floor(restarts.length * 0.5)] ?? 0),
      restartMsP99: Math.round(restarts[Math.floor(restarts.length * 0.99)] ?? 0),
    };
  },
};

/** Creates, updates and deletes until the line breaks; returns how many writes were acknowledged. */
async function write(base: string, name: string, all: Map<string, Acknowledged>, fresh: Map<string, Acknowledged>) {
  const own: { id: string; version: number }[] = [];
  let count = 0;
  for (;;) {
    const marker = `${name}-${count}`;
    const known = own[Math.floor(Math.random() * own.length)];
    const dice = Math.random();
    try {
      if (known === undefined || dice < 0.6) {
        const { id, version } = await send(`${base}/Basic`, 'POST', basic(marker));
        own.push({ id, version });
        note(id, version, marker);
      } else if (dice < 0.9) {
        const { version } = await send(`${base}/Basic/${known.id}`, 'PUT', { ...basic(marker), id: known.id });
        known.version = version;
        note(known.id, version, marker);
      } else {
        const { version } = await send(`${base}/Basic/${known.id}`, 'DELETE');
        own.splice(own.indexOf(known), 1);
        note(known.id, version, undefined);
      }
      count += 1;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return count; // the server is gone; this write was not acknowledged
    }
  }

  function note(id: string, version: number, marker: string | undefined): void {
    for (const record of [all, fresh]) {
      const versions = record.get(id) ?? new Map<number, string | undefined>();
      record.set(id, versions.set(version, marker));
    }
  }
}

const basic = (marker: string) => ({
  resourceType: 'Basic',
  identifier: [{ system: 'urn:proof', value: marker }],
  code: { text: 'x'.repeat(500) },
});

async function send(url: string, method: string, body?: object): Promise<{ id: string; version: number }> {
  const headers = { 'Content-Type': 'application/fhir+json', Prefer: 'return=minimal' };
  const response = await fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  await response.arrayBuffer();
  assert.ok([200, 201, 204].includes(response.status), `${method} ${url} was answered with ${response.status}`);
  const id = /Basic\/([^/]+)\/_history/.exec(response.headers.get('location') ?? '')?.[1] ?? '';
  return { id, version: Number(/\d+/.exec(response.headers.get('etag') ?? '')?.[0]) };
}

/** Every acknowledged version is there and as it was; versions have no gap; search finds just the current ones. */
async function verify(base: string, record: Map<string, Acknowledged>): Promise<void> {
  const ids = [...record.entries()];
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (let next = ids.pop(); next !== undefined; next = ids.pop()) await verifyOne(base, ...next);
    }),
  );
}

async function verifyOne(base: string, id: string, versions: Acknowledged): Promise<void> {
  const history = (await (await fetch(`${base}/Basic/${id}/_history?_count=1000`)).json()) as any;
  const entries: any[] = (history.entry ?? []).toReversed();
  entries.forEach((entry, at) => assert.equal(entry.response.etag, `W/"${at + 1}"`, `Basic/${id} has a gap`));
  for (const [version, marker] of versions) {
    const entry = entries[version - 1];
    assert.ok(entry !== undefined, `LOST: Basic/${id} version ${version} was acknowledged`);
    assert.equal(entry.resource?.identifier[0].value, marker, `Basic/${id} version ${version} is not as it was`);
  }
  const current = entries.at(-1);
  for (const entry of entries) {
    const marker = entry.resource?.identifier[0].value;
    if (marker === undefined) continue;
    const found = (await (await fetch(`${base}/Basic?identifier=urn:proof|${marker}`)).json()) as any;
    const hits = (found.entry ?? []).map((hit: any) => hit.resource.id);
    assert.deepEqual(hits, entry === current ? [id] : [], `search and resource disagree about ${marker}`);
  }
}

/** The built server in a process of its own. */
export async function start(
  environment: StoreSettings & Record<string, string>,
): Promise<{ base: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [SERVER, 'serve'], {
    env: { PATH: process.env.PATH, ...environment, PORT: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const base = /serves FHIR R4 at (\S+)/.exec(said)?.[1];
      if (base !== undefined) resolve({ base, process: child });
    });
    child.once('exit', () => reject(new Error(`The server did not start: ${said}`)));
  });
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
