/**
 * A floor of storage, a process of its own: the bare driver with a schema that does one thing. It stores final texts
 * with as many search values as the server would, and finds them by id and by patient.
 */
import { changes } from './fill.js';
import { idAt, indexOfResponse, patientAt, randomOf, worldOf } from './data.js';
import { openBareMongo } from './bare-mongo.js';
import { openBareSqlite } from './bare-sqlite.js';
import { Latencies, setup, work, type Outcome } from './worker.js';

export interface BareSetup {
  size: number;
  /** A file of SQLite's. */
  file?: string;
  /** A mongod, and a database there. */
  url?: string;
  database?: string;
}

export interface BareJob {
  row: 'read' | 'create' | 'search-patient';
  connections: number;
  warmup: number;
  seconds: number;
}

/** One stored response. */
export interface BareDocument {
  id: string;
  text: string;
  /** `parameter|value`. */
  values: string[];
}

export interface BareStore {
  /** Durable when it resolves. Those that come together may share the way to the disk. */
  insert(documents: BareDocument[]): Promise<void>;
  /** Bytes of the text. */
  read(id: string): Promise<number>;
  /** Bytes of all texts that have the value, newest first. */
  search(value: string): Promise<number>;
  /** Whether the calls of one process can overlap; SQLite's cannot: there, those of one round share a commit. */
  overlaps: boolean;
}

const { size, file, url = '', database = '' } = setup as BareSetup;
const world = worldOf(size);
const responses = world.patientOfResponse.length;
const random = randomOf(99);
const change = changes(world);
const store = file !== undefined ? openBareSqlite(file) : await openBareMongo(url, database);
for (let from = 0; from < responses; from += 1000) {
  await store.insert(
    Array.from({ length: Math.min(1000, responses - from) }, (_, at) => documentAt(indexOfResponse(from + at))),
  );
}

function documentAt(index: number): BareDocument {
  const { id, text = '', entries } = change(index);
  return { id, text, values: entries.map((entry) => `${entry.param}|${'low' in entry ? entry.low : entry.value}`) };
}

/** Made beforehand, as the server's bodies are; each insert has an id of its own. */
const fresh = Array.from({ length: 256 }, (_, at) => documentAt(indexOfResponse(at % responses)));
let inserted = world.size;
const next = (): BareDocument => {
  inserted += 1;
  return { ...(fresh[inserted % fresh.length] ?? fresh[0]!), id: idAt(inserted) };
};

const operations: Record<BareJob['row'], () => Promise<number>> = {
  read: () => store.read(idAt(indexOfResponse(Math.floor(random() * responses)))),
  'search-patient': () => store.search(`patient|${patientAt(Math.floor(random() * world.answering))}`),
  create: async () => {
    await store.insert([next()]);
    return 0;
  },
};

/** So many reads or searches are timed together. */
const ROUND = 16;

work(async ({ row, connections, warmup, seconds }: BareJob, measuring) => {
  const latencies = new Latencies();
  let bytes = 0;
  let began = 0;
  let over = false;
  const overlapping = async () => {
    const sent = performance.now();
    const received = await operations[row]();
    if (began === 0 || over) return;
    latencies.add(performance.now() - sent);
    bytes += received;
  };
  /** A store in this process answers at once: so many in a row, then timers have their turn. */
  const inTurn = async () => {
    const sent = performance.now();
    let received = 0;
    for (let count = 0; count < ROUND; count += 1) received += await operations[row]();
    await new Promise(setImmediate);
    if (began === 0 || over) return;
    const each = (performance.now() - sent) / ROUND;
    for (let count = 0; count < ROUND; count += 1) latencies.add(each);
    bytes += received;
  };
  /** As many creates in one commit as there would be concurrent writers. */
  const grouped = async () => {
    const sent = performance.now();
    await store.insert(Array.from({ length: connections }, next));
    await new Promise(setImmediate);
    if (began === 0 || over) return;
    for (let count = 0; count < connections; count += 1) latencies.add(performance.now() - sent);
  };
  const step = store.overlaps ? overlapping : row === 'create' ? grouped : inTurn;
  const loops = Array.from({ length: store.overlaps ? connections : 1 }, async () => {
    while (!over) await step();
  });
  await pause(warmup * 1000);
  began = performance.now();
  measuring();
  await pause(seconds * 1000);
  over = true;
  const outcome: Outcome = { ...latencies.outcome((performance.now() - began) / 1000), refused: 0, bytes };
  await Promise.all(loops);
  return outcome;
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
