/** What one run leaves behind: a file in `bench/results/` for each store and size. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Filled } from './fill.js';
import type { DiskRate, Machine } from './machine.js';
import type { Measured } from './measure.js';

export type StoreName = 'sqlite' | 'mongodb';

export interface Result {
  /** ISO 8601. */
  at: string;
  store: StoreName;
  /** Resources in the store when the first row began; update and create come last and add to them. */
  size: number;
  /** All rows, at all connections, with their floors. */
  complete: boolean;
  /** Seconds that each row was measured. */
  seconds: number;
  machine: Machine;
  disk: DiskRate;
  filled: Filled;
  /** Bytes of the filled store on disk, without blobs. */
  storedBytes: number;
  start: { readyMs: number; idleRss: number };
  rows: Measured[];
  /** What the checks of a write cost by themselves; none in results from before they were measured. */
  checks?: Checked[];
  /** What records of the audit trail, and what is open, cost: measured at the smallest size only. */
  audited?: Audited[];
  opened?: Opened[];
  /** Reads at 16 connections, alone and while another client writes 5 MB again and again. */
  beside: Beside[];
}

/** CPU µs of a warm check of one resource, and ms of the first one of its type. */
export interface Checked {
  name: string;
  bytes: number;
  structure: number;
  /** Structure and invariants together, and what a form says about itself. */
  validated: number;
  /** A response against its questionnaire. */
  answers: number;
  firstMs: number;
}

/** CPU µs of a request without a record and with one: the client's as well, and mongod's where there is one. */
export interface Audited {
  name: string;
  off: number;
  on: number;
}

/** CPU µs of a search by the store alone, mongod's included, and its time; the first row of a group is what the others are compared with. */
export interface Opened {
  group: string;
  row: string;
  cost: number;
  wall: number;
}

export interface Beside {
  writer: 'nobody' | 'large-resource' | 'large-binary' | 'large-bundle';
  reads: Measured;
  writesPerSecond?: number;
}

const FOLDER = new URL('results/', import.meta.url);

export function keep(result: Result): string {
  mkdirSync(FOLDER, { recursive: true });
  const name = `${result.at.slice(0, 10)}-${result.store}-${result.size / 1000}k${result.complete ? '' : '-part'}.json`;
  writeFileSync(new URL(name, FOLDER), `${JSON.stringify(result, undefined, 2)}\n`);
  return `bench/results/${name}`;
}

/** The newest complete result of each store and size, smaller sizes first. */
export function newest(): Result[] {
  mkdirSync(FOLDER, { recursive: true });
  const all = readdirSync(FOLDER)
    .filter((name) => /^[0-9-]+-(sqlite|mongodb)-[0-9.]+k\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Result)
    .sort((a, b) => b.at.localeCompare(a.at));
  const keyOf = ({ store, size }: Result) => `${store} ${size}`;
  const seen = new Map<string, Result>();
  for (const result of all) if (!seen.has(keyOf(result))) seen.set(keyOf(result), result);
  return [...seen.values()].sort((a, b) => b.store.localeCompare(a.store) || a.size - b.size);
}

/** A row of a result; of the server's, unless another is asked for. */
export const find = (
  result: Result | undefined,
  name: string,
  connections = 16,
  by: Measured['by'] = 'server',
): Measured | undefined =>
  result?.rows.find((row) => row.row === name && row.by === by && row.connections === connections);

/** CPU microseconds a request: of the process that answers, and of mongod. */
export const costOf = (row: Measured | undefined): number => (row === undefined ? NaN : row.cpu + (row.mongodCpu ?? 0));
