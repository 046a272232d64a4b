/** The built server in a process of its own, on data of its own: started, killed and started again by the proofs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MongoClient } from 'mongodb';
import type { StoreSettings } from './index.js';

export const SERVER = new URL('../../dist/cli/index.js', import.meta.url).pathname;

export type Environment = StoreSettings & Record<string, string> & { DATA_DIR: string; MONGODB_DATABASE: string };

export interface Server {
  base: string;
  process: ChildProcess;
  /** kill -9; resolves when it is dead. */
  kill: () => Promise<void>;
  /** As an operator would, so that the last lines of its log are told; killed when it takes too long. */
  stop: () => Promise<void>;
}

/** Runs on an empty folder and an empty database, which go afterwards. */
export async function onFreshData<T>(
  settings: StoreSettings,
  name: string,
  work: (environment: Environment) => Promise<T>,
): Promise<T> {
  const DATA_DIR = await mkdtemp(join(tmpdir(), `afferent-${name}-`));
  const MONGODB_DATABASE = `${name}_${process.pid}`;
  try {
    return await work({ ...settings, DATA_DIR, MONGODB_DATABASE });
  } finally {
    await rm(DATA_DIR, { recursive: true, force: true });
    if (settings.STORE === 'mongodb') await drop(settings.MONGODB_URL, MONGODB_DATABASE);
  }
}

/** Runs with so many processes over the same data; they call themselves by the address of the first. */
export function withServers<T>(
  settings: StoreSettings,
  name: string,
  count: number,
  work: (bases: string[]) => Promise<T>,
): Promise<T> {
  return onFreshData(settings, name, async (environment) => {
    const servers: Server[] = [];
    try {
      for (let at = 0; at < count; at += 1) {
        const first = servers[0]?.base;
        servers.push(await startServer({ ...environment, ...(first === undefined ? {} : { BASE_URL: first }) }));
      }
      return await work(servers.map((server) => server.base));
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
}

export function environmentOf(environment: Environment): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'warn', ...environment };
}

/** Resolves when it serves. `base` is its own address, whatever it calls itself. */
export function startServer(environment: Environment, command: readonly string[] = ['serve']): Promise<Server> {
  const env = environmentOf(environment);
  const child = ours(spawn(process.execPath, [SERVER, ...command], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  // What the server did not expect is told, whatever the proof makes of it.
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('"level":50') || line.includes('"level":"error"')) console.error(line.slice(0, 2000));
  });
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += said.length < 10_000 ? chunk.toString() : '';
      const address = /health +(http\S+)\/healthz/.exec(said)?.[1];
      if (address !== undefined)
        resolve({ base: `${address}/fhir`, process: child, kill: () => kill(child), stop: () => stop(child) });
    });
    child.once('exit', () => reject(new Error(`The server did not start: ${said}`)));
  });
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Whatever ends this process ends what it started. */
export function ours<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** kill -9 of a process of ours; resolves when it is dead. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const dead = once(child, 'exit');
  child.kill('SIGKILL');
  await dead;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  const dead = once(child, 'exit');
  child.kill('SIGTERM');
  await dead;
  clearTimeout(timer);
}

/** A port that nobody listens on: who is started again must be found where it was. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function drop(url: string, database: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 10_000 });
  try {
    await client.db(database).dropDatabase();
  } finally {
    await client.close();
  }
}
