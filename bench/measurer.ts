/** How a row is measured: warm up, watch, and again when others disturbed it. */
import type { LoadJob } from './load.js';
import { watch, type Measured, type Watched } from './measure.js';
import type { StoreName } from './result.js';
import { rowOf, type RowName } from './rows.js';
import type { Answering, Mongod } from './servers.js';
import type { Tokens } from './tokens.js';
import type { Outcome, Worker } from './worker.js';

export interface Options {
  store: StoreName;
  size: number;
  rows: RowName[];
  connections: number[];
  seconds: number;
  /** A row that others disturbed, or that is void, is measured again, so often at most. */
  attempts: number;
  /** Seconds that each process works before its first row: V8 compiles what is called often only after a while. */
  heat: number;
  /** What to measure: the server, the floors, reads beside large writes. */
  server: boolean;
  floors: boolean;
  beside: boolean;
  /** What records and openings cost, in worlds of their own, whatever the size. */
  apart: boolean;
  complete: boolean;
  mongodbUrl: string | undefined;
  say: (text: string) => void;
  row: (measured: Measured) => void;
}

/** Where the run keeps things. */
export interface Place {
  folder: string;
  database: string;
  mongod: Mongod | undefined;
}

/** Seconds before each row. */
export const WARMUP = 1;
export const HEAT_CONNECTIONS = 16;

type Target = Pick<Answering, 'pid' | 'port'> & { tokens?: Tokens };
export type Measure = (row: RowName, by: Measured['by'], target: Target) => Promise<Measured[]>;

/** One row at all connections. */
export function measurer(options: Options, load: Worker<LoadJob>, mongod: Mongod | undefined): Measure {
  const warm = new Set<number>();
  return async (row, by, { pid, port, tokens }) => {
    const callers = tokens === undefined ? {} : { tokens };
    // Before a row of a few connections only nothing else has done the same: what it is compared with came after others.
    if (!warm.has(pid) || rowOf(row).at !== undefined) {
      warm.add(pid);
      await load.run({
        port,
        row,
        connections: HEAT_CONNECTIONS,
        warmup: options.heat,
        seconds: 0.1,
        seed: 1,
        ...callers,
      });
    }
    const results: Measured[] = [];
    const { at = options.connections } = rowOf(row);
    for (const connections of options.connections.filter((count) => at.includes(count))) {
      const best = await quietest(options, async (attempt) => {
        const seed = connections * 100 + attempt;
        const job = { port, row, connections, warmup: WARMUP, seconds: options.seconds, seed, ...callers };
        const server = by === 'server';
        const who = { answering: pid, generators: [load.pid], mongod: server ? mongod?.pid : undefined };
        const { outcome, finish } = await watched(load, job, who);
        return finish(outcome, { row, by, connections }, server ? rowOf(row).matches : undefined);
      });
      options.row(best);
      results.push(best);
    }
    return results;
  };
}

/** One job, watched from the end of its warm-up on. */
export async function watched<Job>(worker: Worker<Job>, job: Job, who: Watched) {
  let finish: ReturnType<typeof watch> | undefined;
  const outcome: Outcome = await worker.run(job, () => (finish = watch(who)));
  if (finish === undefined) throw new Error('The measured time never began.');
  return { outcome, finish };
}

/** Measures until a run is neither void nor disturbed; of those that are, the one in which others took least. */
export async function quietest(options: Options, once: (attempt: number) => Promise<Measured>): Promise<Measured> {
  const penalty = ({ void: faults, foreign }: Measured) => faults.length * 100 + foreign;
  let best = await once(0);
  for (let attempt = 1; attempt < options.attempts && (best.noisy || best.void.length > 0); attempt += 1) {
    const again = await once(attempt);
    if (penalty(again) < penalty(best)) best = again;
  }
  return best;
}
