/** What Linux says of the processes: CPU, memory, and how much of the machine others took meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Outcome } from './worker.js';

/** /proc counts in ticks of 10 ms: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;
const PAGE_BYTES = 4096;

/** One row of one table: rates and latencies from the generator, the rest from /proc. */
export interface Measured {
  row: string;
  /** Who answered: the server, or one of the floors. */
  by: 'server' | 'node:http' | 'Express' | 'bare store';
  connections: number;
  /** Requests a second. */
  rate: number;
  p50: number;
  p99: number;
  most: number;
  /** CPU microseconds a request of the process that answers, all threads; and of mongod. */
  cpu: number;
  mongodCpu?: number;
  /** CPU microseconds a request of the generator. */
  generatorCpu: number;
  /** Bytes of memory of the answering process afterwards. */
  rss: number;
  /** Bytes of an answer's body on average. */
  bytes: number;
  matches?: [number, number];
  /** Connections that rate and mean latency account for, as a share of those that were open. */
  little: number;
  /** Cores that others took. */
  foreign: number;
  /** Why this row is no measurement; empty: it is one. */
  void: string[];
  noisy: boolean;
}

export interface Watched {
  answering: number;
  mongod: number | undefined;
  generators: number[];
}

export const NOISY_CORES = 0.15;

/** Watches from the moment it is called until the returned function is. */
export function watch({ answering, mongod, generators }: Watched) {
  const ours = [process.pid, answering, ...generators, ...(mongod === undefined ? [] : [mongod])];
  const sample = () => ({
    answering: cpuOf(answering),
    mongod: mongod === undefined ? 0 : cpuOf(mongod),
    generators: generators.reduce((sum, pid) => sum + cpuOf(pid), 0),
    others: busy() - kernelThreads() - [...new Set(ours)].reduce((sum, pid) => sum + cpuOf(pid), 0),
    at: performance.now(),
  });
  const before = sample();
  return (
    outcome: Outcome,
    what: Pick<Measured, 'row' | 'by' | 'connections'>,
    matches?: [number, number],
  ): Measured => {
    const after = sample();
    const perRequest = (was: number, is: number) => round((is - was) / outcome.count, 1);
    const elapsed = (after.at - before.at) * 1000;
    const rate = outcome.count / outcome.seconds;
    const foreign = Math.max(0, round((after.others - before.others) / elapsed, 3));
    const little = round((rate * outcome.mean) / 1000 / what.connections, 3);
    return {
      ...what,
      rate: round(rate, 1),
      p50: round(outcome.p50, 3),
      p99: round(outcome.p99, 3),
      most: round(outcome.most, 3),
      cpu: perRequest(before.answering, after.answering),
      ...(mongod === undefined ? {} : { mongodCpu: perRequest(before.mongod, after.mongod) }),
      generatorCpu: perRequest(before.generators, after.generators),
      rss: rssOf(answering),
      bytes: Math.round(outcome.bytes / outcome.count),
      ...(outcome.matches === undefined ? {} : { matches: outcome.matches }),
      little,
      foreign,
      void: faultsOf(outcome, little, matches),
      noisy: foreign > NOISY_CORES,
    };
  };
}

function faultsOf({ count, refused, matches }: Outcome, little: number, expected?: [number, number]): string[] {
  return [
    ...(count === 0 ? ['nothing was answered'] : []),
    ...(refused > 0 ? [`${refused} answers were no 2xx`] : []),
    ...(Math.abs(little - 1) > 0.1 ? [`rate x latency accounts for ${little} of the connections`] : []),
    ...(expected !== undefined && (matches === undefined || matches[0] < expected[0] || matches[1] > expected[1])
      ? [`pages of ${matches?.join(' to ') ?? 'nothing'}, expected ${expected.join(' to ')}`]
      : []),
  ];
}

export const round = (value: number, digits = 0): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** User and system time of all threads of a process, in microseconds. */
export function cpuOf(pid: number): number {
  const [user, system] = statOf(pid).slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) * TICK_US;
}

export const rssOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;

/** The fields after the command's name, which may contain anything. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** All cores: user, nice, system and steal; interrupts belong to no process, and serve ours as much as any. */
function busy(): number {
  const [, , user, nice, system, , , , , steal] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(' ');
  return [user, nice, system, steal].reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_US;
}

/** Threads of the kernel write what we gave it to write. They are children of number 2. */
function kernelThreads(): number {
  let sum = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      if (statOf(Number(name))[1] === '2') sum += cpuOf(Number(name));
    } catch {
      // It ended between the listing and the look.
    }
  }
  return sum;
}
