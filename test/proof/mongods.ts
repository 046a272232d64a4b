/** A MongoDB replica set of processes that are started here, so that they may be killed: -9, and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Document } from 'mongodb';
import { findMongod } from '../support/mongod.js';
import { pause } from './client.js';
import { freePort, kill, ours } from './server.js';

const SET = 'proof';
/** MongoDB waits 10 s before it elects; so long a pause at each kill would only make the proof longer. */
const ELECTION_MS = 2000;
/**
 * MongoDB keeps the open transactions of a server that died for this long, and whoever changes the same resources waits
 * in vain meanwhile; its own 60 s would only make the proof longer.
 */
const TRANSACTION_SECONDS = 2;
const PATIENCE_MS = 60_000;

interface Node {
  port: number;
  folder: string;
  process: ChildProcess;
}

export interface ReplicaSet {
  url: string;
  /** kill -9 of the primary; it is started again once another one leads, where there is another. */
  killPrimary(): Promise<void>;
  /** Resolves when all members are there and one leads. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

export async function startReplicaSet(count: number): Promise<ReplicaSet> {
  const mongod = await findMongod();
  if ('reason' in mongod) throw new Error(mongod.reason);
  const { path } = mongod;
  const root = await mkdtemp(join(tmpdir(), 'afferent-mongod-'));
  const nodes: Node[] = [];

  function run({ port, folder }: Pick<Node, 'port' | 'folder'>): ChildProcess {
    const args = ['--replSet', SET, '--port', String(port), '--dbpath', folder, '--bind_ip', '127.0.0.1'];
    const small = ['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '256', '--quiet'];
    const quick = ['--setParameter', `transactionLifetimeLimitSeconds=${TRANSACTION_SECONDS}`];
    const log = ['--logpath', join(folder, 'log'), '--logappend'];
    return ours(spawn(path, [...args, ...small, ...quick, ...log], { stdio: 'ignore' }));
  }

  async function stop(): Promise<void> {
    await Promise.all(nodes.map((node) => kill(node.process)));
    await rm(root, { recursive: true, force: true });
  }

  async function primary(): Promise<Node | undefined> {
    for (const node of nodes) {
      const hello = await ask(node.port, { hello: 1 });
      if (hello?.isWritablePrimary === true) return node;
    }
    return undefined;
  }

  async function whole(): Promise<void> {
    await until('all members of the replica set to be there', async () => {
      const leader = await primary();
      const status = leader && (await ask(leader.port, { replSetGetStatus: 1 }));
      const states: string[] = (status?.members ?? []).map((member: any) => member.stateStr);
      return states.filter((state) => state === 'PRIMARY' || state === 'SECONDARY').length === count;
    });
  }

  async function killPrimary(): Promise<void> {
    const node = await primary();
    if (node === undefined) throw new Error('There is no primary to kill.');
    await kill(node.process);
    if (count > 1) await until('another primary', async () => (await primary()) !== undefined);
    node.process = run(node);
  }

  try {
    for (let at = 0; at < count; at += 1) {
      const [port, folder] = [await freePort(), join(root, String(at))];
      await mkdir(folder);
      nodes.push({ port, folder, process: run({ port, folder }) });
    }
    const members = nodes.map(({ port }, _id) => ({ _id, host: `127.0.0.1:${port}` }));
    const config = { _id: SET, members, settings: { electionTimeoutMillis: ELECTION_MS } };
    await until(
      'mongod to listen',
      async () => (await ask(nodes[0]?.port ?? 0, { replSetInitiate: config })) !== undefined,
    );
    await whole();
  } catch (error) {
    await stop();
    throw error;
  }
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return { url: `mongodb://${hosts}/?replicaSet=${SET}`, killPrimary, whole, stop };
}

/** Undefined where nobody answers, or not with what was asked for. */
async function ask(port: number, command: Document): Promise<any> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}`, {
    directConnection: true,
    serverSelectionTimeoutMS: 500,
    socketTimeoutMS: 5000,
  });
  try {
    return await client.db('admin').command(command);
  } catch {
    return undefined;
  } finally {
    await client.close();
  }
}

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`Waited ${PATIENCE_MS} ms in vain for ${what}.`);
    await pause(50);
  }
}
