/**
 * The processes that make load, and what they say to the one that measures: a job goes in; `measuring` comes out when
 * the warm-up is over, `measured` with the outcome when time is up.
 */
import { fork, type ChildProcess } from 'node:child_process';

/** What one run came to, by the clock of the process that made the load. */
export interface Outcome {
  count: number;
  seconds: number;
  /** Milliseconds from sending to the last byte. */
  mean: number;
  p50: number;
  p99: number;
  most: number;
  /** Answers that were no 2xx. */
  refused: number;
  /** Bytes of bodies received. */
  bytes: number;
  /** Matches of the first pages, least and most. */
  matches?: [number, number];
}

interface Message<T> {
  said: 'ready' | 'measuring' | 'measured' | 'failed';
  outcome?: T;
  why?: string;
}

/** For those that open a store of their own. */
export interface StoreJob {
  settings: Record<string, string>;
  /** The process of mongod, if its CPU counts. */
  mongod?: number;
}

export interface Worker<Job, T = Outcome> {
  pid: number;
  /** @param onMeasuring called when the measured time begins */
  run(job: Job, onMeasuring?: () => void): Promise<T>;
  stop(): void;
}

/** Starts a file of this folder as a process of its own. */
export async function startWorker<Job extends object, T = Outcome>(
  file: string,
  given: object = {},
): Promise<Worker<Job, T>> {
  const child = fork(new URL(file, import.meta.url), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, AFFERENT_BENCH_SETUP: JSON.stringify(given) },
  });
  const hear = listen<T>(child);
  await hear('ready');
  return {
    pid: child.pid ?? 0,
    async run(job, onMeasuring = () => undefined) {
      child.send(job);
      await hear('measuring');
      onMeasuring();
      const { outcome } = await hear('measured');
      if (outcome === undefined) throw new Error('A process of the bench measured nothing.');
      return outcome;
    },
    stop: () => void child.kill('SIGKILL'),
  };
}

/** Returns what waits for the next message; those that came before somebody waited are kept. */
function listen<T>(child: ChildProcess): (said: Message<T>['said']) => Promise<Message<T>> {
  const kept: Message<T>[] = [];
  let wake: () => void = () => undefined;
  child.on('message', (message: Message<T>) => {
    kept.push(message);
    wake();
  });
  child.once('exit', () => {
    kept.push({ said: 'failed', why: 'A process of the bench ended too early.' });
    wake();
  });
  return async (said) => {
    if (kept.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const message = kept.shift();
    if (message?.said === said) return message;
    throw new Error(message?.why ?? `A process of the bench said ${message?.said ?? 'nothing'} instead of ${said}.`);
  };
}

/** Inside a worker: does the jobs one after the other, as they come. */
export function work(run: (job: never, measuring: () => void) => Promise<unknown>): void {
  const say = (message: Message<unknown>) => process.send?.(message);
  process.on('message', (job) => {
    run(job as never, () => say({ said: 'measuring' })).then(
      (outcome) => say({ said: 'measured', outcome }),
      (error: unknown) => say({ said: 'failed', why: error instanceof Error ? error.stack : String(error) }),
    );
  });
  // An orphan would go on for ever.
  process.on('disconnect', () => process.exit(0));
  say({ said: 'ready' });
}

/** What the process was started with. */
export const setup: unknown = JSON.parse(process.env.AFFERENT_BENCH_SETUP ?? '{}');

/** Latencies of one run, kept one by one: 8 million are 64 MB. */
export class Latencies {
  readonly #all = new Float64Array(8_000_000);
  #count = 0;
  #sum = 0;

  get count(): number {
    return this.#count;
  }

  add(milliseconds: number): void {
    this.#all[this.#count] = milliseconds;
    this.#count += 1;
    this.#sum += milliseconds;
  }

  outcome(seconds: number): Pick<Outcome, 'count' | 'seconds' | 'mean' | 'p50' | 'p99' | 'most'> {
    const sorted = this.#all.subarray(0, this.#count).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { count: this.#count, seconds, mean: this.#sum / this.#count, p50: at(0.5), p99: at(0.99), most: at(1) };
  }
}
