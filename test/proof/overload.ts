/**
 * Five times what the server can do, from another process: what is inside goes on nearly as fast as before, memory stays
 * flat, no acknowledged write is lost, and afterwards all is as it was. Then a thousand slow lines, which must not slow
 * down honest ones.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { cpuOf, rssOf } from '../../bench/measure.js';
import type { Figures, Proof } from './index.js';
import type { LoadOrder, LoadResult } from './load.js';
import { onFreshData, startServer, type Environment } from './server.js';

const TIMES = 5;
const CONNECTIONS = 1500;
const SLOW = 1000;

export const overload: Proof = {
  name: 'overload and slow clients',
  rounds: { long: 60, short: 0 },
  run: (settings, seconds) => onFreshData(settings, 'overload', (environment) => prove(environment, seconds)),
};

async function prove(environment: Environment, seconds: number): Promise<Figures> {
  const server = await startServer(environment);
  const port = Number(new URL(server.base).port);
  const pid = server.process.pid ?? 0;
  const rss = () => Math.round(rssOf(pid) / 1024 / 1024);
  /** With what each second of CPU of the server came to. */
  const measured = async (order: LoadOrder) => {
    const before = cpuOf(pid);
    const result = await run(order);
    return { ...result, perCpuSecond: Math.round((result.answered * order.seconds * 1e6) / (cpuOf(pid) - before)) };
  };
  try {
    await run({ port, connections: 64, seconds: 5, rate: 'closed', name: 'warm' });
    const calm = await measured({ port, connections: 64, seconds: seconds / 4, rate: 'closed', name: 'calm' });
    const memory: number[] = [];
    const health: number[] = [];
    const watch = setInterval(() => {
      memory.push(rss());
      const began = performance.now();
      void fetch(new URL('/healthz', server.base)).then(
        async (answer) => {
          await answer.text();
          health.push(answer.status === 200 ? performance.now() - began : Infinity);
        },
        () => void health.push(Infinity),
      );
    }, 250);
    const rate = calm.answered * TIMES;
    const storm = await measured({ port, connections: CONNECTIONS, seconds, rate, name: 'storm' });
    clearInterval(watch);
    await pause(1000);
    const after = await measured({ port, connections: 64, seconds: 4, rate: 'closed', name: 'after' });
    const lost = await missing(server.base, [...calm.kept, ...storm.kept, ...after.kept]);
    const honest = await run({ port, connections: 16, seconds: 4, rate: 'closed', name: 'honest' });
    const slow = slowLines(port, await upload(server.base, 20_000_000));
    // What the system takes for a line that nobody reads costs work once.
    await pause(8000);
    const beside = await run({
      port,
      connections: 16,
      seconds: 6,
      rate: 'closed',
      name: 'slow',
    });
    const cutAfter = await slow.cut();

    const part = Math.floor(memory.length / 4);
    const [early, late] = [Math.max(...memory.slice(part, 2 * part)), Math.max(...memory.slice(-part))];
    const figures = {
      calmPerSecond: calm.answered,
      calmPerCpuSecond: calm.perCpuSecond,
      stormOfferedPerSecond: rate,
      stormPerSecond: storm.answered,
      stormPerCpuSecond: storm.perCpuSecond,
      stormRefusedPerSecond: storm.refused,
      stormHeldBackPerSecond: storm.heldBack,
      stormP99Ms: storm.okP99,
      stormRefusedP99Ms: storm.refusedP99,
      healthWorstMs: Math.round(Math.max(...health)),
      afterPerSecond: after.answered,
      afterPerCpuSecond: after.perCpuSecond,
      acknowledged: storm.kept.length,
      lost,
      rssEarlyMb: early,
      rssLateMb: late,
      honestP99Ms: honest.okP99,
      besideSlowP99Ms: beside.okP99,
      besideSlowPerSecond: beside.answered,
      slowCutAfterSeconds: cutAfter,
    };
    const told = JSON.stringify(figures);
    assert.equal(lost, 0, `LOST acknowledged writes: ${told}`);
    assert.equal(
      storm.wrong + after.wrong + beside.wrong + after.refused + beside.refused,
      0,
      `not answered well: ${told}`,
    );
    assert.ok(storm.answered >= 0.8 * calm.answered, `less than 80 % of the peak was done in the storm: ${told}`);
    assert.ok(storm.refusedP99 < 2000, `not refused at once: ${told}`);
    assert.ok(storm.okP99 < 10_000, `those inside waited too long: ${told}`);
    assert.ok(Math.max(...health) < 5000, `health did not answer: ${told}`);
    assert.ok(after.answered >= 0.8 * calm.answered, `not as before within 5 s: ${told}`);
    assert.ok(late <= early * 1.15 + 50, `memory grew: ${told}`);
    assert.ok(beside.okP99 <= honest.okP99 * 4 + 50, `slow lines slow down honest ones: ${told}`);
    assert.ok(cutAfter <= 55, `slow lines are not cut: ${told}`);
    return figures;
  } finally {
    await server.kill();
  }
}

function run(order: LoadOrder): Promise<LoadResult> {
  const child = fork(new URL('./load.ts', import.meta.url), ['load'], { execArgv: ['--import', 'tsx'] });
  child.send(order);
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as LoadResult));
    child.once('exit', (code) => reject(new Error(`The load generator ended with ${code}`)));
  });
}

/** The id of a Binary of so many bytes. */
async function upload(base: string, size: number): Promise<string> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  const response = await fetch(`${base}/Binary`, { method: 'POST', headers, body: new Uint8Array(size) });
  return ((await response.json()) as { id: string }).id;
}

/** How many of the acknowledged creates are not there, or not as they were sent. */
async function missing(base: string, kept: [string, string][]): Promise<number> {
  let lost = 0;
  for (let at = 0; at < kept.length; at += 100) {
    const some = kept.slice(at, at + 100);
    const url = `${base}/Basic?_count=100&_id=${some.map(([id]) => id).join(',')}`;
    const bundle = (await (await fetch(url)).json()) as any;
    const found = new Map((bundle.entry ?? []).map(({ resource }: any) => [resource.id, resource.identifier[0].value]));
    lost += some.filter(([id, marker]) => found.get(id) !== marker).length;
  }
  return lost;
}

/** Headers, bodies and uploads that trickle, and readers that take nothing. `cut` waits for the last to be cut. */
function slowLines(port: number, id: string): { cut(): Promise<number> } {
  const open = new Set<Socket>();
  const began = performance.now();
  const post = (type: string, content: string) =>
    `POST /fhir/${type} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${content}\r\nContent-Length: 100000\r\n\r\n`;
  const kinds = [
    'GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n',
    post('Basic', 'application/fhir+json'),
    post('Binary', 'image/jpeg'),
    `GET /fhir/Binary/${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    'GET /fhir/Basic?_count=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ];
  function line(kind: number): void {
    const socket = connect(port, '127.0.0.1');
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.write(kinds[kind] ?? '');
    if (kind >= 3) socket.pause();
  }
  // Of the readers that ask for much there are few: to make their answers is honest work.
  for (let n = 0; n < SLOW; n += 1) line(n % 100 === 0 ? 4 : n % 4);
  const timer = setInterval(() => {
    for (const socket of open) if (!socket.isPaused() && socket.writable) socket.write('x');
  }, 1000);
  return {
    async cut() {
      while (open.size > 0 && performance.now() - began < 60_000) {
        await pause(500);
        // A reader that takes nothing sees only when it reads on that the line is gone. Until then the system has taken
        // some MB for each, and the server has seen for long enough that no more of it goes.
        if (performance.now() - began > 35_000) for (const socket of open) socket.resume();
      }
      clearInterval(timer);
      for (const socket of open) socket.destroy();
      return Math.round((performance.now() - began) / 1000);
    },
  };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
