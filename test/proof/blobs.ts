/**
 * Blobs under load and under kill -9: memory stays flat while large files go both ways, and a process that falls between
 * a blob and its resource leaves neither a version without bytes nor, after collection, bytes without a version.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createFileBlobs } from '../../src/blob/files.js';
import { createGridFsBlobs } from '../../src/blob/gridfs.js';
import { systemClock } from '../../src/kit/clock.js';
import type { Proof } from './index.js';
import { environmentOf, onFreshData, SERVER, startServer, type Environment } from './server.js';

const MB = 1024 * 1024;
const run = promisify(execFile);

/** Rounds stand for clients: 16 with 100 MB each in the long run, 4 with 30 MB in the short one. */
export const transfers: Proof = {
  name: 'large files both ways at once',
  rounds: { long: 16, short: 0 },
  run: (settings, clients) =>
    onFreshData(settings, 'transfer', async (environment) => {
      const size = (clients > 4 ? 100 : 30) * MB;
      const server = await startServer(environment);
      try {
        const pid = server.process.pid ?? 0;
        const before = await residentMb(pid);
        let peak = before;
        const watch = setInterval(() => void residentMb(pid).then((now) => (peak = Math.max(peak, now))), 100);
        const started = performance.now();
        await Promise.all(Array.from({ length: clients }, (_, client) => upAndDown(server.base, client, size)));
        const seconds = (performance.now() - started) / 1000;
        clearInterval(watch);
        const megabytes = (2 * clients * size) / MB;
        // Far less than what one client moves, and the same however many bytes there are.
        assert.ok(peak - before < 40 + clients * 8, `RSS grew from ${before} to ${peak} MB`);
        return {
          clients,
          rssBefore: before,
          rssPeak: peak,
          rssAfter: await residentMb(pid),
          mbPerSecond: Math.round(megabytes / seconds),
        };
      } finally {
        await server.kill();
      }
    }),
};

async function upAndDown(base: string, client: number, size: number): Promise<void> {
  const hash = createHash('sha256');
  const piece = randomBytes(MB);
  const pieces = function* () {
    for (let sent = 0; sent < size; sent += MB) {
      piece.writeUInt32LE(client, 0);
      piece.writeUInt32LE(sent, 4);
      const own = Buffer.from(piece);
      hash.update(own);
      yield own;
    }
  };
  const headers = { 'Content-Type': 'application/octet-stream', Prefer: 'return=minimal' };
  const init = { method: 'POST', headers, body: ReadableStream.from(pieces()), duplex: 'half' };
  const created = await fetch(`${base}/Binary`, init as RequestInit);
  assert.equal(created.status, 201, await created.text());
  const read = await fetch(created.headers.get('location') ?? '');
  const back = createHash('sha256');
  for await (const chunk of read.body ?? []) back.update(chunk);
  assert.equal(back.digest('hex'), hash.digest('hex'), 'the bytes came back changed');
}

export const kills: Proof = {
  name: 'kill -9 between blob and resource',
  rounds: { long: 60, short: 8 },
  run: (settings, rounds) =>
    onFreshData(settings, 'kill', async (environment) => {
      const acknowledged = new Map<string, string>();
      for (let round = 0; round < rounds; round += 1) {
        const server = await startServer(environment);
        const writing = Promise.all(Array.from({ length: 16 }, () => upload(server.base, acknowledged)));
        await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
        await server.kill();
        await writing;
      }
      const before = await hashesOf(environment);
      await run(process.execPath, [SERVER, 'blobs', 'collect', '0', '0'], { env: environmentOf(environment) });
      const server = await startServer(environment);
      try {
        const referred = await verify(server.base, acknowledged);
        const after = await hashesOf(environment);
        assert.deepEqual([...after].sort(), [...referred].sort(), 'blobs and versions do not agree');
        return {
          kills: rounds,
          acknowledged: acknowledged.size,
          dangling: 0,
          orphansRemoved: before.size - after.size,
          orphansLeft: 0,
        };
      } finally {
        await server.kill();
      }
    }),
};

async function upload(base: string, acknowledged: Map<string, string>): Promise<void> {
  const headers = { 'Content-Type': 'application/octet-stream', Prefer: 'return=minimal' };
  for (;;) {
    const body = randomBytes(2000);
    try {
      const created = await fetch(`${base}/Binary`, { method: 'POST', headers, body });
      await created.arrayBuffer();
      if (created.status !== 201) return;
      acknowledged.set(created.headers.get('location') ?? '', createHash('sha256').update(body).digest('hex'));
    } catch {
      return; // the server is gone; this upload was not acknowledged
    }
  }
}

/** Every version of every Binary can be read, the acknowledged ones as they were sent; returns the hashes of all. */
async function verify(base: string, acknowledged: Map<string, string>): Promise<Set<string>> {
  const referred = new Set<string>();
  const found = new Map<string, string>();
  for (let url: string | undefined = `${base}/Binary/_history?_count=100`; url !== undefined;) {
    const page = (await (await fetch(url)).json()) as any;
    for (const { resource } of page.entry ?? []) {
      const hash = createHash('sha256').update(Buffer.from(resource.data, 'base64')).digest('hex');
      referred.add(hash);
      found.set(`/Binary/${resource.id}/_history/${resource.meta.versionId}`, hash);
    }
    url = page.link.find((link: any) => link.relation === 'next')?.url;
  }
  for (const [location, hash] of acknowledged)
    assert.equal(found.get(location.slice(location.indexOf('/Binary/'))), hash, `LOST: ${location}`);
  return referred;
}

async function hashesOf(environment: Environment): Promise<Set<string>> {
  const { DATA_DIR, MONGODB_DATABASE: database } = environment;
  const blobs =
    environment.STORE === 'sqlite'
      ? await createFileBlobs({ folder: join(DATA_DIR, 'blobs'), clock: systemClock })
      : await createGridFsBlobs({ url: environment.MONGODB_URL, database, clock: systemClock });
  const hashes = new Set<string>();
  for await (const { hash } of blobs.list()) hashes.add(hash);
  await blobs.close();
  return hashes;
}

async function residentMb(pid: number): Promise<number> {
  const kb = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kb) / 1024);
}
