/**
 * The load generator, a process of its own: raw sockets with keep-alive, one request at a time on each. It reads no
 * more of an answer than status line and Content-Length, so that it takes little of the two cores it shares.
 */
import { createConnection, type Socket } from 'node:net';
import { randomOf, worldOf } from './data.js';
import { noTokens, rowOf, type Requests, type RowName } from './rows.js';
import type { Tokens } from './tokens.js';
import { Latencies, setup, work, type Outcome } from './worker.js';

export interface LoadSetup {
  size: number;
}

export interface LoadJob {
  port: number;
  row: RowName;
  connections: number;
  warmup: number;
  seconds: number;
  seed: number;
  /** Where the server wants to know who asks. */
  tokens?: Tokens;
}

const world = worldOf((setup as LoadSetup).size);
/** Of so many answers the body is read as a Bundle. */
const SAMPLES = 32;
/** Answers on each line that a run waits for, up to so many times as long as was asked. */
const ANSWERS = 10;
const LONGER = 5;
/** No answer for so long ends the run. */
const PATIENCE_MS = 30_000;
/** The lines of the job before. */
let closing: Promise<unknown> = Promise.resolve();

work(async ({ port, row, connections, warmup, seconds, seed, tokens = noTokens }: LoadJob, measuring) => {
  await closing;
  const requests = rowOf(row).requests(world, randomOf(seed), `127.0.0.1:${port}`, tokens);
  const run = new Run(requests);
  const { every = 0 } = rowOf(row);
  const lines = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const ends = lines.map((socket) => drive(socket, run, every));
  // A line that breaks while the others run must be heard at once.
  const broken = Promise.all(ends).then(() => undefined);
  await Promise.race([pause(warmup * 1000), broken]);
  run.begin();
  measuring();
  await Promise.race([pause(seconds * 1000), broken]);
  // With few answers on each line, those that were under way at either end would weigh too much.
  for (let more = 0; more < seconds * LONGER && run.count < connections * ANSWERS; more += 1) {
    await Promise.race([pause(1000), broken]);
  }
  const outcome = run.end();
  // The outcome goes out at once, so that what is still under way is not counted as the CPU time of what was measured.
  closing = broken.catch(() => undefined).then(() => lines.forEach((socket) => socket.destroy()));
  return outcome;
});

/** What all lines of one run share. */
class Run {
  readonly next: Requests;
  readonly #latencies = new Latencies();
  readonly #matches: number[] = [];
  #began = 0;
  #refused = 0;
  #bytes = 0;
  #sampled = 0;
  over = false;

  constructor(next: Requests) {
    this.next = next;
  }

  begin(): void {
    this.#began = performance.now();
  }

  /** Answers within the measured time. */
  get count(): number {
    return this.#latencies.count;
  }

  /** Whether the next answer's body is wanted. */
  sample(): boolean {
    this.#sampled += 1;
    return this.#sampled <= SAMPLES;
  }

  answered(sent: number, status: number, length: number): void {
    if (status < 200 || status > 299) this.#refused += 1;
    if (this.#began === 0 || this.over) return;
    this.#latencies.add(performance.now() - sent);
    this.#bytes += length;
  }

  sampled(body: Buffer): void {
    const { resourceType, entry = [] } = JSON.parse(body.toString()) as { resourceType?: string; entry?: Entry[] };
    if (resourceType === 'Bundle') this.#matches.push(entry.filter(({ search }) => search?.mode === 'match').length);
  }

  end(): Outcome {
    this.over = true;
    const outcome = this.#latencies.outcome((performance.now() - this.#began) / 1000);
    return {
      ...outcome,
      refused: this.#refused,
      bytes: this.#bytes,
      ...(this.#matches.length === 0 ? {} : { matches: [Math.min(...this.#matches), Math.max(...this.#matches)] }),
    };
  }
}

interface Entry {
  search?: { mode?: string };
}

/** One request after the other on one line, until the run is over. */
function drive(socket: Socket, run: Run, every: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let status = 0;
    let length = 0;
    let left = 0;
    let head: Buffer | undefined;
    let body: Buffer[] | undefined;

    const ask = () => {
      if (run.over) {
        resolve();
        return;
      }
      body = run.sample() ? [] : undefined;
      const bytes = run.next();
      sent = performance.now();
      socket.write(bytes);
    };
    const take = (chunk: Buffer) => {
      left -= chunk.length;
      body?.push(chunk);
      if (left > 0) return;
      if (left < 0) throw new Error('The server sent more than it announced.');
      run.answered(sent, status, length);
      if (body !== undefined && length > 0 && status === 200) run.sampled(Buffer.concat(body));
      if (every === 0) ask();
      else setTimeout(ask, Math.max(0, sent + every - performance.now()));
    };
    const read = (chunk: Buffer) => {
      if (left > 0) {
        take(chunk);
        return;
      }
      head = head === undefined ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const text = head.toString('latin1', 0, end);
      const rest = head.subarray(end + 4);
      head = undefined;
      status = Number(text.slice(9, 12));
      length = lengthOf(text, status);
      left = length;
      take(rest);
    };
    socket.on('data', (chunk) => {
      try {
        read(chunk);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server closed a line.')));
    socket.setTimeout(PATIENCE_MS, () => reject(new Error(`No answer in ${PATIENCE_MS} ms.`)));
    ask();
  });
}

function lengthOf(head: string, status: number): number {
  const found = /\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1];
  if (found !== undefined) return Number(found);
  if (status === 204 || status === 304) return 0;
  throw new Error(`An answer without Content-Length: ${head.slice(0, 200)}`);
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
