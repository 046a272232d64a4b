/** The processes that answer: the built server as it is shipped, and a mongod of the bench's own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { findMongod } from '../test/support/mongod.js';

export interface Answering {
  pid: number;
  port: number;
  /** Milliseconds from its start until it serves. */
  readyMs: number;
  stop(): Promise<void>;
}

/** As `npm start` has it: fewer collections of what is young, for 90 MB under load. */
const YOUNG = '--max-semi-space-size=64';
const SERVER = new URL('../dist/cli/index.js', import.meta.url).pathname;

/** What must not outlive the bench, however that ends. */
const alive = new Set<ChildProcess>();
process.once('exit', () => alive.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** `serve` with its own settings but for the store, a free port, and the log in a file. */
export async function startServer(settings: Record<string, string>, folder: string): Promise<Answering> {
  const log = await open(join(folder, 'server.log'), 'a');
  const started = performance.now();
  const child = keptAlive(
    spawn(process.execPath, [YOUNG, SERVER, 'serve'], {
      env: { PATH: process.env.PATH, ...settings, PORT: '0', LOG_LEVEL: 'info' },
      stdio: ['ignore', log.fd, 'pipe'],
    }),
  );
  try {
    const port = Number(await said(child, /health +http:\/\/[^:]+:([0-9]+)/));
    const readyMs = performance.now() - started;
    return { pid: child.pid ?? 0, port, readyMs, stop: () => end(child, 'SIGTERM') };
  } finally {
    await log.close();
  }
}

export interface Mongod {
  url: string;
  pid: number;
  version: string;
  stop(): Promise<void>;
}

/** WiredTiger's cache; its default, half of the memory, says nothing about a small machine. */
export const MONGOD_CACHE_GB = 1;

/** The one that is named, when it runs on this machine; else a replica set of one node with journal, in the folder. */
export async function startMongod(given: string | undefined, folder: string): Promise<Mongod> {
  if (given !== undefined) return { ...(await about(given)), url: given, stop: () => Promise.resolve() };
  const found = await findMongod();
  if ('reason' in found) throw new Error(found.reason);
  const data = join(folder, 'mongod');
  await mkdir(data);
  const port = await freePort();
  const options = { dbpath: data, port, bind_ip: '127.0.0.1', replSet: 'rs0', wiredTigerCacheSizeGB: MONGOD_CACHE_GB };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = keptAlive(spawn(found.path, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  await said(child, /(Waiting for connections)/);
  const client = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  await client
    .db('admin')
    .command({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: `127.0.0.1:${port}` }] } });
  while ((await client.db('admin').command({ hello: 1 })).isWritablePrimary !== true) await pause(50);
  await client.close();
  const url = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`;
  // Its data is thrown away: an orderly end would only cost a second.
  return { ...(await about(url)), url, stop: () => end(child, 'SIGKILL') };
}

async function about(url: string): Promise<{ pid: number; version: string }> {
  const client = await MongoClient.connect(url);
  try {
    const { pid, version } = await client.db('admin').command({ serverStatus: 1 });
    const name = await readFile(`/proc/${Number(pid)}/comm`, 'utf8').catch(() => '');
    if (name.trim() !== 'mongod')
      throw new Error(`${url} is not a mongod on this machine: its CPU cannot be measured.`);
    return { pid: Number(pid), version: String(version) };
  } finally {
    await client.close();
  }
}

/** Bytes of the bench's database: documents after compression, and indexes. */
export async function mongoBytes(url: string, database: string): Promise<number> {
  const client = await MongoClient.connect(url);
  try {
    await client.db('admin').command({ fsync: 1 });
    const { storageSize, indexSize } = await client.db(database).stats();
    return Number(storageSize) + Number(indexSize);
  } finally {
    await client.close();
  }
}

export async function dropDatabase(url: string, database: string): Promise<void> {
  const client = await MongoClient.connect(url);
  await client.db(database).dropDatabase();
  await client.close();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function keptAlive<T extends ChildProcess>(child: T): T {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

/** Resolves with what the pattern's group found in its output. */
function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      const found = pattern.exec(text)?.[1];
      if (found === undefined) return;
      child.stdout?.off('data', hear).resume();
      child.stderr?.off('data', hear).resume();
      resolve(found);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(`A server did not start: ${text.slice(-2000)}`)));
  });
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
