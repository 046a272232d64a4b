/** The machine that the figures belong to, and what its disk can do. */
import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { worldOf } from './data.js';
import { resourceAt } from './resources.js';

export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
  sqlite: string;
  /** Microseconds of one core for JSON.parse and JSON.stringify of a 4.7 KB response: how fast it was that day. */
  jsonUs: number;
  mongod?: string;
}

export function machine(mongod: string | undefined): Machine {
  const db = new Database(':memory:');
  const sqlite = String(db.prepare('SELECT sqlite_version()').pluck().get());
  db.close();
  // The cores that this process may use: `taskset` takes some away.
  const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: countOf(allowed),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    sqlite,
    jsonUs: jsonMicroseconds(),
    ...(mongod === undefined ? {} : { mongod }),
  };
}

/** The best of ten rounds, so that others do not count. */
function jsonMicroseconds(): number {
  const text = JSON.stringify(resourceAt(worldOf(1000), 1));
  const rounds = Array.from({ length: 10 }, () => {
    const started = performance.now();
    for (let count = 0; count < 1000; count += 1) JSON.stringify(JSON.parse(text));
    return performance.now() - started;
  });
  return Math.round(Math.min(...rounds) * 10) / 10;
}

/** How many numbers a list such as `0-3,7` names. */
const countOf = (list: string): number =>
  list
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [from = 0, to = from]) => sum + to - from + 1, 0);

export interface DiskRate {
  perSecond: number;
  p50: number;
  p99: number;
}

/** Appends 8 KB and waits until it is on disk, for a second: more than this no single writer can do. */
export function durableRate(folder: string): DiskRate {
  const file = join(folder, 'durable');
  const descriptor = openSync(file, 'a');
  const bytes = Buffer.alloc(8192, 1);
  const times: number[] = [];
  const started = performance.now();
  while (performance.now() - started < 1000) {
    const before = performance.now();
    writeSync(descriptor, bytes);
    fdatasyncSync(descriptor);
    times.push(performance.now() - before);
  }
  closeSync(descriptor);
  rmSync(file);
  const elapsed = performance.now() - started;
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 1000) / 1000;
  return { perSecond: Math.round((times.length * 1000) / elapsed), p50: at(0.5), p99: at(0.99) };
}

/** Bytes of SQLite's files in a folder. */
export const fileBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.includes('.sqlite'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
