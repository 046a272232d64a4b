/** More than the server can do: 503 at once for those beyond its bounds, and slow lines are cut, by time. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createAdmission, type Asked, type Ticket } from '../../src/http/traffic/admission.js';
import { createHold } from '../../src/http/traffic/hold.js';
import { createSlice } from '../../src/http/traffic/slice.js';
import { limits } from '../../src/kit/limits.js';
import { ask, describeOnSqlite, describeServer, put, type Answer } from '../support/server.js';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function expectBusy(answer: Answer): void {
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(answer.body.issue).toEqual([
    { severity: 'error', code: 'transient', diagnostics: expect.stringMatching(/too much to do.*try again/) },
  ]);
}

describe('the gate', () => {
  // Room alone decides here: on a busy machine a turn may take longer than it should.
  const roomy = { ...limits, turnMs: 10_000 };
  const bounds = { ...roomy, readsUnderWay: 2, readsWaiting: 1, writesUnderWay: 1, writesWaiting: 0, waitMs: 50 };
  const asks = (method: string, url: string) => ({ method, url });
  const read = asks('GET', '/Patient/1');
  const admission = createAdmission(bounds);
  const opened: { close(): void }[] = [admission];
  // Also where a test fails half way: what goes on in each turn would go on for ever.
  afterAll(() => opened.forEach((one) => one.close()));
  const open = <T extends { close(): void }>(one: T): T => {
    opened.push(one);
    return one;
  };
  const enter = (request: Asked): Ticket => {
    const ticket = admission.arrive(request);
    if (ticket === undefined) throw new Error('no room');
    return ticket;
  };

  test('lets in what there is room for, keeps the next waiting, and refuses what comes after', async () => {
    const inside = [enter(read), enter(read)];
    expect(inside.map((ticket) => ticket.turn())).toEqual([undefined, undefined]);
    const waiting = enter(read);
    const turn = waiting.turn();
    expect(admission.counts()).toEqual({ underWay: 2, waiting: 1 });
    expect(admission.arrive(read)).toBeUndefined();
    inside[0]!.leave();
    await turn;
    expect(admission.counts()).toEqual({ underWay: 2, waiting: 0 });
    inside[1]!.leave();
    waiting.leave();
    waiting.leave();
    expect(admission.counts()).toEqual({ underWay: 0, waiting: 0 });
  });

  test('tells those that waited too long', async () => {
    const inside = [enter(read), enter(read)];
    inside.forEach((ticket) => void ticket.turn());
    const late = enter(read);
    await expect(late.turn()).rejects.toMatchObject({ kind: 'unavailable' });
    late.leave();
    inside.forEach((ticket) => ticket.leave());
    expect(admission.counts()).toEqual({ underWay: 0, waiting: 0 });
  });

  test('who has left before its turn takes nobody’s place', async () => {
    const inside = [enter(read), enter(read)];
    inside.forEach((ticket) => void ticket.turn());
    const gone = enter(read);
    const turn = gone.turn();
    gone.leave();
    inside.forEach((ticket) => ticket.leave());
    await turn;
    expect(admission.counts()).toEqual({ underWay: 0, waiting: 0 });
  });

  test.each([
    ['GET', '/Patient/1'],
    ['GET', '/Patient/1/_history/2'],
    ['HEAD', '/metadata'],
  ])('%s %s passes while writes and searches are full', (method, url) => {
    const full = open(createAdmission({ ...bounds, searchesUnderWay: 0, searchesWaiting: 0, writesUnderWay: 0 }));
    expect(full.arrive(asks(method, url))).toBeDefined();
    for (const [verb, path] of [
      ['GET', '/Patient?name=x'],
      ['GET', '/Patient'],
      ['GET', '/Patient/_history'],
      ['GET', '/Patient/1/_history'],
      ['GET', '/Patient/1/$everything'],
      ['POST', '/Patient/_search'],
      ['POST', '/Patient'],
      ['DELETE', '/Patient/1'],
    ] as const) {
      expect(full.arrive(asks(verb, path))).toBeUndefined();
    }
  });

  test('a line whose first has waited for a quarter of its time takes nobody more', async () => {
    const slow = open(createAdmission({ ...roomy, readsUnderWay: 1, waitMs: 2000 }));
    const [inside, first, second] = [slow.arrive(read), slow.arrive(read), slow.arrive(read)];
    void inside?.turn();
    const turns = [first?.turn(), second?.turn()];
    expect(slow.arrive(read)).toBeDefined();
    await pause(600);
    expect([slow.arrive(read), slow.counts()]).toEqual([undefined, { underWay: 1, waiting: 2 }]);
    inside?.leave();
    await turns[0];
    first?.leave();
    await turns[1];
    expect(slow.arrive(read)).toBeDefined();
  });

  test('who has gone while it waited is not worked for', async () => {
    const inside = [enter(read), enter(read)];
    inside.forEach((ticket) => void ticket.turn());
    const socket = { destroyed: false };
    const gone = enter({ ...read, socket });
    const turn = gone.turn();
    socket.destroyed = true;
    inside[0]!.leave();
    await expect(turn).rejects.toMatchObject({ kind: 'request-timeout' });
    gone.leave();
    inside[1]!.leave();
    expect(admission.counts()).toEqual({ underWay: 0, waiting: 0 });
  });

  test('V-09 one turn of the event loop works for a bounded time: what is beyond waits, each lane in turn', async () => {
    const turnMs = 5;
    const bounded = open(createAdmission({ ...limits, turnMs }));
    const busy = () => {
      for (const until = performance.now() + turnMs; performance.now() < until;);
    };
    let looped = 0;
    const loop = () => {
      looped += 1;
      next = setImmediate(loop);
    };
    let next = setImmediate(loop);
    open({ close: () => clearImmediate(next) });
    const write = asks('POST', '/Patient');
    const tickets = [read, read, read, write, write, write].map((one) => bounded.arrive(one));
    const begun: [string, number][] = [];
    expect(tickets[0]?.turn()).toBeUndefined();
    busy();
    const work = async (ticket: Ticket | undefined, name: string) => {
      await ticket?.turn();
      begun.push([name, looped]);
      await Promise.resolve();
      busy();
      ticket?.leave();
    };
    await Promise.all(tickets.slice(1).map((ticket, at) => work(ticket, at < 2 ? 'read' : 'write')));
    expect(begun.map(([name]) => name).slice(0, 4)).toEqual(['write', 'read', 'write', 'read']);
    const turns = begun.map(([, turn]) => turn);
    expect(new Set(turns).size).toBe(turns.length);
    expect(bounded.counts()).toEqual({ underWay: 1, waiting: 0 });
  });

  test('pieces of transfers pass at once, but while connections come they wait for their share', async () => {
    const gate = open(createAdmission({ ...limits, connectMs: 5000 }));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    expect(gate.pass()).toBeUndefined();
    await turn();
    expect(gate.pass()).toBeUndefined();
    await turn();
    gate.connected();
    let passed = 0;
    const pieces = [gate.pass(), gate.pass()];
    const all = pieces.map(async (piece) => {
      await piece;
      passed += 1;
    });
    for (let turns = 0; turns < 20; turns += 1) {
      gate.connected();
      await turn();
    }
    expect([pieces.includes(undefined), passed]).toEqual([false, 0]);
    await Promise.all(all);
    expect([passed, gate.pass()]).toEqual([2, undefined]);
  });

  test('while connections come, turns without work are put between, for a share of the time', async () => {
    let worked = 0;
    const slice = open(
      createSlice({ ...limits, turnMs: 0, connectMs: 300 }, () => {
        worked += 1;
        return true;
      }),
    );
    const turns = async (atMost: number, each: () => void) => {
      for (let [turn, before] = [0, worked]; turn < atMost; turn += 1) {
        if (worked > before) return turn;
        each();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return atMost;
    };
    slice.wanted();
    await turns(10, () => undefined);
    expect(await turns(10, () => undefined)).toBeLessThanOrEqual(2);
    const between = await turns(1_000_000, () => slice.connected());
    expect(between).toBeGreaterThan(10);
    expect(between).toBeLessThan(1_000_000);
  });
});

describe('bytes that are held', () => {
  test('those that wait longest for their client lose their place, what is being worked on never', async () => {
    const hold = createHold(100, 300);
    const cut: string[] = [];
    const open = (name: string) => hold.open(() => cut.push(name));
    const [working, slow] = [open('working'), open('slow')];
    expect([working.grow(50), slow.grow(40)]).toEqual([true, true]);
    working.settle();
    const early = open('early');
    expect([early.grow(20), cut]).toEqual([false, []]);
    early.release();
    await pause(330);
    expect([open('late').grow(20), cut, hold.bytes()]).toEqual([true, ['slow'], 70]);
    slow.release();
    expect(hold.bytes()).toBe(70);
  });
});

describeServer(
  'beyond the bounds',
  (server) => {
    test('of many writes at once, each is either acknowledged and kept, or refused and nothing is done', async () => {
      const lines = Array.from({ length: 60 }, () => open(server.address));
      const probe = open(server.address);
      await Promise.all([...lines, probe].map(({ socket }) => once(socket, 'connect')));
      // Connected, but perhaps not yet accepted.
      await pause(100);
      const text = '{"resourceType":"Basic","code":{"text":"x"}}';
      for (const line of lines) line.write(head('POST', '/fhir/Basic', 'application/json', text.length) + text);
      probe.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const answers = await Promise.all(lines.map((line) => line.answer()));
      const kept = answers.filter((answer) => answer.startsWith('HTTP/1.1 201 '));
      const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 503 '));
      expect(kept.length).toBeGreaterThanOrEqual(6);
      expect(refused.length).toBeGreaterThan(0);
      expect(kept.length + refused.length).toBe(lines.length);
      refused.forEach((answer) => expect(answer).toMatch(/Retry-After: 1\r\n.*"code":"transient".*too much to do/s));
      expect(await probe.answer()).toMatch(/^HTTP\/1.1 200 /);
      [...lines, probe].forEach(({ socket }) => socket.destroy());
      expect((await ask(`${server.base}/Basic?_count=0&_total=accurate`)).body.total).toBe(kept.length);
      expect((await ask(`${server.address}/metrics`)).text).toMatch(/afferent_requests_refused_total [0-9]/);
      expect((await ask(`${server.base}/Basic`, { body: { resourceType: 'Basic', code: {} } })).status).toBe(400);
    });

    test('one transfer too many is refused at once, and the one inside ends well', async () => {
      const inside = open(server.address);
      inside.write(head('POST', '/fhir/Binary', 'image/jpeg', 4) + 'ab');
      await pause(100);
      const started = performance.now();
      const headers = { 'Content-Type': 'image/jpeg' };
      expectBusy(await ask(`${server.base}/Binary`, { headers, body: new Uint8Array([1]) }));
      expect(performance.now() - started).toBeLessThan(1000);
      inside.write('cd');
      expect(await inside.answer()).toMatch(/^HTTP\/1.1 201 /);
      expect((await ask(`${server.base}/Binary`, { headers, body: new Uint8Array([1]) })).status).toBe(201);
    });

    test.each([
      ['a body', 'application/fhir+json', /^HTTP\/1.1 408 .*limit bodyMs/s],
      ['an upload', 'image/jpeg', /^HTTP\/1.1 408 .*limits paceBytes, paceMs/s],
    ])('%s that trickles is cut with 408', async (_name, type, says) => {
      const path = type === 'image/jpeg' ? 'Binary' : 'Patient';
      const slow = open(server.address);
      slow.write(head('POST', `/fhir/${path}`, type, 1000));
      const timer = setInterval(() => slow.write(' '), 50);
      expect(await slow.answer()).toMatch(says);
      clearInterval(timer);
      await slow.closed;
    });

    test('headers that trickle are cut with 408', async () => {
      const slow = open(server.address);
      slow.write('GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n');
      const timer = setInterval(() => slow.write('X'), 50);
      expect(await slow.answer()).toMatch(/^HTTP\/1.1 408 .*limit headersMs/s);
      clearInterval(timer);
      await slow.closed;
    });

    test('a reader that takes nothing is cut, whether it asked for a Binary or a Bundle', async () => {
      const bytes = new Uint8Array(40_000_000);
      const { body } = await ask(`${server.base}/Binary`, { headers: { 'Content-Type': 'image/jpeg' }, body: bytes });
      const text = 'x'.repeat(900_000);
      const name = Array.from({ length: 4 }, () => ({ text }));
      for (let n = 0; n < 5; n += 1) await put(server.base, { resourceType: 'Patient', name } as never);
      for (const path of [`Binary/${body.id}`, 'Patient?_count=5']) {
        const slow = open(server.address);
        slow.write(`GET /fhir/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        // It takes the first bytes and then no more; what the system holds for it comes when it reads on.
        await once(slow.socket, 'data');
        slow.socket.pause();
        await pause(1000);
        slow.socket.resume();
        await slow.closed;
        expect(slow.bytes()).toBeLessThan(17_000_000);
      }
      expect((await ask(`${server.base}/Patient?_count=5`)).body.entry).toHaveLength(5);
    });

    test('clients that leave before their answer is there are no fault of the server', async () => {
      for (let n = 0; n < 40; n += 1) {
        const line = open(server.address);
        line.write('GET /fhir/Patient?_count=5&name=x&_sort=name HTTP/1.1\r\nHost: localhost\r\n\r\n');
        await pause(n % 8);
        line.socket.destroy();
      }
      await pause(200);
      const { text } = await ask(`${server.address}/metrics`);
      expect(text).toMatch(/interaction="search-type",status="/);
      expect(text).not.toMatch(/status="5(?!03)/);
    });

    test('bodies that are held for slow clients make room for others', async () => {
      const piece = `{"resourceType":"Patient","text":"${'x'.repeat(1_400_000)}`;
      const slow = [open(server.address), open(server.address)];
      slow.forEach((one) => one.write(head('POST', '/fhir/Patient', 'application/json', 3_000_000) + piece));
      await pause(250);
      const family = 'y'.repeat(900_000);
      const answer = await ask(`${server.base}/Patient`, { body: { resourceType: 'Patient', name: [{ family }] } });
      expect(answer.status).toBe(201);
      expect(await slow[0]!.answer()).toMatch(/^HTTP\/1.1 (503|408) /);
      slow.forEach(({ socket }) => socket.destroy());
    });
  },
  {
    writesUnderWay: 2,
    writesWaiting: 4,
    transfers: 1,
    bodyMs: 600,
    headersMs: 400,
    paceMs: 400,
    bodyBytesHeld: 3_000_000 + 1_000_000,
    graceMs: 100,
  },
);

describeOnSqlite(
  'when more comes at once than a turn can do',
  (server) => {
    test('V-09 new connections are heard long before all is done, and all is done', async () => {
      const text = JSON.stringify({ resourceType: 'Basic', code: { text: 'x'.repeat(30_000) } });
      const lines = Array.from({ length: 120 }, () => open(server.address));
      await Promise.all(lines.map(({ socket }) => once(socket, 'connect')));
      await pause(200);
      for (const line of lines) line.write(head('POST', '/fhir/Basic', 'application/json', text.length) + text);
      const probes = Array.from({ length: 10 }, () => open(server.address));
      for (const probe of probes) probe.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await Promise.all(probes.map(({ socket }) => once(socket, 'data')));
      expect(lines.filter((line) => line.bytes() > 0).length).toBeLessThan(lines.length / 2);
      const answers = await Promise.all(lines.map((line) => line.answer()));
      expect(answers.filter((answer) => !answer.startsWith('HTTP/1.1 201 '))).toEqual([]);
      [...lines, ...probes].forEach(({ socket }) => socket.destroy());
    });
  },
  { turnMs: 2 },
);

describeOnSqlite(
  'when there are too many connections',
  (server) => {
    const get = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

    test('those that idle between two requests, as they may for longer than a proxy does, make room', async () => {
      const idle = open(server.address);
      idle.write(get);
      expect(await idle.answer()).toMatch(/^HTTP\/1.1 200 .*Keep-Alive: timeout=65\r\n/s);
      const busy = open(server.address);
      await once(busy.socket, 'connect');
      busy.write(get.slice(0, 20));
      await pause(50);
      const dropped = open(server.address);
      dropped.write(get);
      await dropped.closed;
      expect(dropped.bytes()).toBe(0);
      await idle.closed;
      const next = open(server.address);
      next.write(get);
      expect(await next.answer()).toMatch(/^HTTP\/1.1 200 /);
      busy.write(get.slice(20));
      expect(await busy.answer()).toMatch(/^HTTP\/1.1 200 /);
      [busy, next].forEach(({ socket }) => socket.destroy());
    });
  },
  { connections: 2 },
);

const head = (method: string, path: string, type: string, length: number) =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;

interface Line {
  socket: Socket;
  write(text: string): void;
  /** What came back, as soon as something has. */
  answer(): Promise<string>;
  bytes(): number;
  closed: Promise<unknown>;
}

function open(address: string): Line {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.on('error', () => undefined);
  let text = '';
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (text.length < 10_000) text += chunk.toString();
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return {
    socket,
    write: (piece) => {
      if (socket.writable) socket.write(piece);
    },
    answer: async () => {
      for (let waited = 0; waited < 200 && text === ''; waited += 1) await pause(20);
      return text;
    },
    bytes: () => bytes,
    closed,
  };
}
