/** One store at one size, from an empty folder to a result. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { besideWrites } from './beside.js';
import { worldOf, type World } from './data.js';
import { BASE_URL, fill, openStore } from './fill.js';
import { bareFloors, httpFloors } from './floor-rows.js';
import type { LoadJob, LoadSetup } from './load.js';
import { durableRate, fileBytes, machine } from './machine.js';
import { rssOf, type Measured } from './measure.js';
import { measurer, type Options, type Place } from './measurer.js';
import type { Audited, Checked, Opened, Result } from './result.js';
import { auditTable, checksTable, openedTable } from './table.js';
import { dropDatabase, mongoBytes, startMongod, startServer } from './servers.js';
import { servers, serverOf, type RowName } from './rows.js';
import { tokensFor, type Tokens } from './tokens.js';
import { startWorker } from './worker.js';

export async function run(options: Options): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-bench-'));
  // An interrupted run leaves nothing behind either.
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const database = `afferent_bench_${process.pid}`;
  const mongod = options.store === 'mongodb' ? await startMongod(options.mongodbUrl, folder) : undefined;
  /** What ends with the run, last first. */
  const closing: (() => unknown)[] = [];
  try {
    return await measured(options, { folder, database, mongod }, closing);
  } finally {
    for (const close of closing.reverse()) await close();
    if (mongod !== undefined) {
      await dropDatabase(mongod.url, database);
      await dropDatabase(mongod.url, `${database}_bare`);
    }
    await mongod?.stop();
    process.off('exit', remove);
    remove();
  }
}

async function measured(options: Options, place: Place, closing: (() => unknown)[]): Promise<Result> {
  const { store: name, size, say } = options;
  const { folder, database, mongod } = place;
  const world = worldOf(size);
  const settings: Record<string, string> = {
    DATA_DIR: folder,
    BASE_URL,
    ...(mongod === undefined
      ? { STORE: 'sqlite' }
      : { STORE: 'mongodb', MONGODB_URL: mongod.url, MONGODB_DATABASE: database }),
  };

  const disk = durableRate(folder);
  say(`disk: ${disk.perSecond} durable writes of 8 KB a second (p99 ${disk.p99} ms)`);
  const store = await openStore(settings);
  const filled = await fill(store, world);
  await store.close();
  const storedBytes = mongod === undefined ? fileBytes(folder) : await mongoBytes(mongod.url, database);
  say(`${name}: ${filled.resources} resources in ${filled.seconds.toFixed(1)} s, ${megabytes(storedBytes)} MB`);

  const start = await startTimes(settings, folder);
  say(`start to ready ${start.readyMs} ms, idle RSS ${megabytes(start.idleRss)} MB`);

  const checks = options.server ? await inWorker<Checked>('checks.ts', {}) : undefined;
  if (checks !== undefined) say(`checks of a write:\n\n${checksTable(checks)}\n`);

  const own = {
    settings: mongod === undefined ? { STORE: 'sqlite' } : { STORE: 'mongodb', MONGODB_URL: mongod.url },
    ...(mongod === undefined ? {} : { mongod: mongod.pid }),
  };
  const audited = options.apart ? await inWorker<Audited>('audit.ts', own) : undefined;
  if (audited !== undefined) say(`records of the audit trail:\n\n${auditTable(audited)}\n`);
  const opened = options.apart ? await inWorker<Opened>('opened.ts', own) : undefined;
  if (opened !== undefined) say(`what is open:\n\n${openedTable(opened)}\n`);

  const load = await startWorker<LoadJob>('load.ts', { size } satisfies LoadSetup);
  closing.push(() => load.stop());
  const measure = measurer(options, load, mongod);
  const rows: Measured[] = [];
  if (options.floors) rows.push(...(await httpFloors(options, measure)), ...(await bareFloors(options, place)));

  // Who asks with a token only reads: that comes before what writes.
  const tokens = options.server && options.rows.some(wantsToken) ? await tokensIn(settings, world) : undefined;
  for (const kind of ['unaudited', 'smart'] as const) {
    const asked = options.rows.filter((name) => serverOf(name) === kind);
    if (tokens === undefined || asked.length === 0) continue;
    const asking = await startServer({ ...settings, ...servers[kind] }, folder);
    closing.push(() => asking.stop());
    for (const row of asked) rows.push(...(await measure(row, 'server', { ...asking, tokens })));
    await asking.stop();
  }
  const server = await startServer(settings, folder);
  closing.push(() => server.stop());
  if (options.server) {
    for (const row of options.rows.filter((name) => !wantsToken(name)))
      rows.push(...(await measure(row, 'server', server)));
  }
  const beside = options.beside ? await besideWrites(options, server, load, mongod) : [];
  return {
    at: new Date().toISOString(),
    store: name,
    size: world.size,
    complete: options.complete,
    seconds: options.seconds,
    machine: machine(mongod?.version),
    disk,
    filled,
    storedBytes,
    start,
    rows,
    ...(checks === undefined ? {} : { checks }),
    ...(audited === undefined ? {} : { audited }),
    ...(opened === undefined ? {} : { opened }),
    beside,
  };
}

const wantsToken = (name: RowName): boolean => serverOf(name) !== 'open';

async function tokensIn(settings: Record<string, string>, world: World): Promise<Tokens> {
  const store = await openStore(settings);
  const tokens = await tokensFor(store, world);
  await store.close();
  return tokens;
}

/** In a process that has done nothing before. */
async function inWorker<T>(file: string, job: object): Promise<T[]> {
  const worker = await startWorker<object, T[]>(file);
  try {
    return await worker.run(job);
  } finally {
    worker.stop();
  }
}

/** The median of three starts on the full store, each followed by a second without requests. */
async function startTimes(settings: Record<string, string>, folder: string): Promise<Result['start']> {
  const times: { readyMs: number; idleRss: number }[] = [];
  for (let count = 0; count < 3; count += 1) {
    const server = await startServer(settings, folder);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    times.push({ readyMs: Math.round(server.readyMs), idleRss: rssOf(server.pid) });
    await server.stop();
  }
  return times.sort((a, b) => a.readyMs - b.readyMs)[1] ?? { readyMs: 0, idleRss: 0 };
}

const megabytes = (bytes: number) => Math.round(bytes / 1_048_576);
