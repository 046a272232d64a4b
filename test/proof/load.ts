/**
 * A load generator in a process of its own, on loopback: `closed` sends on each connection as soon as the last answer
 * is there, a rate sends by the clock whether the server keeps up or not. What it counts goes to its parent.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOrder {
  port: number;
  connections: number;
  seconds: number;
  /** Requests a second; 'closed' for as many as are answered. */
  rate: number | 'closed';
  name: string;
}

export interface LoadResult {
  answered: number;
  refused: number;
  /** Answers that are neither success nor 503, and lines that broke. */
  wrong: number;
  /** Was due, but every connection was still waiting. */
  heldBack: number;
  /** Milliseconds. */
  okP50: number;
  okP99: number;
  refusedP99: number;
  /** Ids of the acknowledged creates, with the marker of each. */
  kept: [string, string][];
}

interface Line {
  socket: Socket;
  /** An answer is waited for. */
  asked: boolean;
  began: number;
  marker: string;
  head: string;
  missing: number;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const TICK_MS = 5;
const FILLER = 'x'.repeat(2000);

export async function load({ port, connections, seconds, rate, name }: LoadOrder): Promise<LoadResult> {
  const kept: [string, string][] = [];
  const [ok, refused]: [number[], number[]] = [[], []];
  let [wrong, heldBack, sent, connected, stopped] = [0, 0, 0, 0, false];
  const idle: Line[] = [];

  function open(): void {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    const line: Line = { socket, asked: false, began: 0, marker: '', head: '', missing: -1 };
    socket.on('connect', () => {
      connected += 1;
      free(line);
    });
    socket.on('data', (chunk: Buffer) => receive(line, chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const at = idle.indexOf(line);
      if (at !== -1) idle.splice(at, 1);
      else if (!stopped) wrong += 1;
      if (!stopped) setTimeout(open, 50);
    });
  }

  function free(line: Line): void {
    if (rate === 'closed' && !stopped) send(line);
    else idle.push(line);
  }

  function send(line: Line): void {
    const n = sent;
    sent += 1;
    line.asked = true;
    line.began = performance.now();
    line.head = '';
    line.missing = -1;
    line.marker = '';
    const known = kept[(n * 7919) % Math.max(1, kept.length)];
    if (n % 5 < 3 || known === undefined) {
      line.marker = `${name}-${n}`;
      const body = `{"resourceType":"Basic","identifier":[{"system":"urn:load","value":"${line.marker}"}],"code":{"text":"${FILLER}"}}`;
      const head = `POST /fhir/Basic HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\nPrefer: return=minimal\r\n`;
      line.socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    } else {
      const path = n % 5 === 3 ? `Basic/${known[0]}` : `Basic?identifier=urn:load%7C${known[1]}`;
      line.socket.write(`GET /fhir/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    }
  }

  function receive(line: Line, chunk: Buffer): void {
    // A line that nothing was asked on is told that it idles too long, and cut: that is no answer.
    if (!line.asked) return;
    if (line.missing === -1) {
      line.head += chunk.toString('latin1');
      const end = line.head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/\r\nContent-Length: (\d+)/i.exec(line.head)?.[1] ?? 0);
      line.missing = length - (line.head.length - end - 4);
    } else line.missing -= chunk.length;
    if (line.missing <= 0) finish(line);
  }

  function finish(line: Line): void {
    line.asked = false;
    const status = line.head.slice(9, 12);
    const took = performance.now() - line.began;
    if (status === '200' || status === '201') {
      ok.push(took);
      if (status === '201') kept.push([/\/Basic\/([^/]+)\/_history/.exec(line.head)?.[1] ?? '', line.marker]);
    } else if (status === '503') refused.push(took);
    else wrong += 1;
    free(line);
  }

  for (let n = 0; n < connections; n += 1) open();
  // More requests than can be worked on are what this is about, not many clients that come in one moment: Node takes one
  // connection each turn of its event loop. Those that the system has taken are given a second to be taken by it, too.
  if (rate !== 'closed') {
    for (let waited = 0; connected < connections && waited < 100; waited += 1) await pause(100);
    await pause(1000);
  }
  const started = performance.now();
  return new Promise((resolve) => {
    let due = 0;
    const timer = setInterval(() => {
      if (rate === 'closed') return;
      due += (rate * TICK_MS) / 1000;
      for (; due >= 1; due -= 1) {
        const line = idle.pop();
        if (line === undefined) heldBack += 1;
        else send(line);
      }
    }, TICK_MS);
    setTimeout(() => {
      clearInterval(timer);
      stopped = true;
      const answered = ok.length;
      const elapsed = (performance.now() - started) / 1000;
      // What is under way is waited for: an answer that comes now was promised too.
      setTimeout(() => {
        const at = (sorted: number[], part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
        ok.sort((a, b) => a - b);
        refused.sort((a, b) => a - b);
        resolve({
          answered: Math.round(answered / elapsed),
          refused: Math.round(refused.length / elapsed),
          wrong,
          heldBack: Math.round(heldBack / elapsed),
          okP50: at(ok, 0.5),
          okP99: at(ok, 0.99),
          refusedP99: at(refused, 0.99),
          kept,
        });
      }, 2000);
    }, seconds * 1000);
  });
}

if (process.send !== undefined && process.argv[2] === 'load') {
  process.once('message', (order: LoadOrder) => {
    void load(order).then((result) => process.send?.(result, () => process.exit(0)));
  });
}
