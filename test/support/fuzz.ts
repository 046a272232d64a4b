/** Sends hostile requests and holds each answer to what the server promises; see `hostile.ts` for what is sent. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { createValidator } from '../../src/validate/validator.js';
import { hostileRequest, type HostileRequest } from './hostile.js';

export interface FuzzFigures extends Record<string, number> {
  inputs: number;
  accepted: number;
  refused: number;
  slowestMs: number;
}

/** Bounds of the server: who does not give its place back makes the next one of its kind a 503. */
export const roomForOne = {
  readsUnderWay: 1,
  readsWaiting: 0,
  searchesUnderWay: 1,
  searchesWaiting: 0,
  writesUnderWay: 1,
  writesWaiting: 0,
  transfers: 1,
};

/** How many inputs come between two looks at what has been written. */
const BATCH = 500;

/** Throws with the seed and the smallest request that breaks a promise. */
export async function fuzz(address: string, inputs: number, seed: number): Promise<FuzzFigures> {
  const line = createLine(address);
  const check = createCheck();
  const figures: FuzzFigures = { inputs: 0, accepted: 0, refused: 0, slowestMs: 0 };
  let since = await instant(address);
  let written: string[] = [];
  const deletions = new Set<string>();

  async function one(request: HostileRequest): Promise<void> {
    const started = performance.now();
    const answer = await line.send(request);
    const ms = performance.now() - started;
    figures.inputs += 1;
    figures.slowestMs = Math.max(figures.slowestMs, Math.round(ms));
    assert.ok(ms < 5000, `answered after ${Math.round(ms)} ms`);
    assert.ok(answer.status < 500, `${answer.status}: ${answer.text.slice(0, 500)}`);
    if (answer.status >= 400) {
      figures.refused += 1;
      if (request.method !== 'HEAD') check(answer.text);
    } else if (wrote(request, answer) && isNew(request, answer)) {
      written.push(
        `${request.method} ${request.target}: ${answer.status} ${answer.headers.etag} ${answer.headers.location}`,
      );
      figures.accepted += 1;
      if (request.method !== 'DELETE') await readsBack(request, answer);
    }
    if (figures.inputs % BATCH === 0) await nothingElseWritten();
  }

  /** What is deleted already is answered with its last version again: nothing was made. */
  function isNew({ method, target }: HostileRequest, { headers }: RawAnswer): boolean {
    if (method !== 'DELETE') return true;
    const deletion = `${target} ${headers.etag}`;
    const known = deletions.has(deletion);
    deletions.add(deletion);
    return !known;
  }

  /** What was acknowledged stands in the history, and nothing besides. */
  async function nothingElseWritten(): Promise<void> {
    const found: string[] = [];
    let url: string | undefined = `${address}/fhir/_history?_count=1000&_since=${since}`;
    for (let page = 0; url !== undefined && page < 50; page += 1) {
      const bundle: any = await (await fetch(url)).json();
      for (const { fullUrl, response } of bundle.entry ?? []) found.push(`${fullUrl} ${response.etag}`);
      url = bundle.link.find((link: any) => link.relation === 'next')?.url;
    }
    if (found.length !== written.length)
      assert.fail(`Since ${since}, acknowledged:\n${written.join('\n')}\nmade:\n${found.join('\n')}`);
    since = await instant(address);
    written = [];
  }

  async function readsBack(request: HostileRequest, { headers }: RawAnswer): Promise<void> {
    const sent = Buffer.from(request.body ?? []);
    const path = /\/fhir\/([^/]+\/[^/]+)/.exec(headers.location ?? request.target)?.[1]?.split('?')[0] ?? '';
    const type = request.headers.find(([name]) => name === 'Content-Type')?.[1] ?? '';
    const asJson = /^application\/(fhir\+)?json/i.test(type.trim());
    const read = await line.send({
      method: 'GET',
      target: `/fhir/${path}`,
      headers: [['Accept', asJson ? 'application/fhir+json' : '*/*']],
    });
    assert.equal(read.status, 200, `what was acknowledged is ${read.status} at ${path}`);
    if (asJson) assert.deepEqual(meaning(read.text), meaning(sent.toString('utf8').replace(/^\ufeff/, '')));
    else assert.ok(read.bytes.equals(sent), `${read.bytes.length} bytes came back of ${sent.length}`);
  }

  try {
    await fc.assert(fc.asyncProperty(hostileRequest, one), {
      numRuns: inputs,
      seed,
      endOnFailure: inputs > 10_000,
      reporter: tell,
    });
    await nothingElseWritten();
  } finally {
    line.close();
  }
  return figures;
}

/** Fails with the request that could be typed again, not with a list of bytes. */
function tell(run: fc.RunDetails<[HostileRequest]>): void {
  if (!run.failed) return;
  const [request] = run.counterexample ?? [];
  const shown = request && {
    ...request,
    body: request.body && Buffer.from(request.body).toString('latin1').slice(0, 3000),
  };
  throw new Error(`seed ${run.seed}, path ${run.counterexamplePath}: ${JSON.stringify(shown)}`, {
    cause: run.errorInstance,
  });
}

const WRITES = ['POST', 'PUT', 'DELETE', 'PATCH'];
const wrote = ({ method }: HostileRequest, { status, headers }: RawAnswer): boolean =>
  WRITES.includes(method) && status < 300 && headers.etag !== undefined;

/** Every refusal is an OperationOutcome that is valid itself. */
function createCheck(): (text: string) => void {
  const validator = createValidator(loadDefinitions());
  const known = new Set<string>();
  return (text) => {
    const outcome = JSON.parse(text);
    assert.equal(outcome.resourceType, 'OperationOutcome', text.slice(0, 500));
    // The same text needs no second look.
    if (known.has(text)) return;
    assert.deepEqual(
      validator.validate(outcome).filter(({ severity }) => severity === 'error'),
      [],
      text.slice(0, 500),
    );
    if (known.size < 10_000) known.add(text);
  };
}

/** The resource without what the server sets; numbers as they were written, and Base64 without its line ends. */
function meaning(json: string): unknown {
  const kept = json.replace(/"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g, (token) =>
    token.startsWith('"') ? token : `"number ${token}"`,
  );
  const { id: _id, meta = {}, ...rest } = JSON.parse(kept);
  const { versionId: _versionId, lastUpdated: _lastUpdated, ...others } = meta;
  if (rest.resourceType === 'Binary') rest.data = Buffer.from(rest.data ?? '', 'base64').toString('latin1');
  return { ...rest, meta: others };
}

/** Now, as the server's clock has it; later writes are after it. */
async function instant(address: string): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  await (await fetch(`${address}/healthz`)).text();
  return new Date().toISOString();
}

interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  bytes: Buffer;
  text: string;
}

/** One connection at a time, kept while the server keeps it: other clients refuse to send most of this. */
function createLine(address: string) {
  const port = Number(new URL(address).port);
  let socket: Socket | undefined;

  function send({ method, target, headers, body }: HostileRequest): Promise<RawAnswer> {
    const here = socket?.writable === true && !socket.destroyed ? socket : connect(port, '127.0.0.1');
    socket = here;
    const lines = [`${method} ${target} HTTP/1.1`, `Host: localhost:${port}`];
    for (const [name, value] of headers) lines.push(`${name}: ${value.replace(/[\r\n]/g, ' ')}`);
    if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
    return new Promise((resolve, reject) => {
      let seen = Buffer.alloc(0);
      const timer = setTimeout(() => done(new Error('no answer within 10 s')), 10_000);
      const onData = (chunk: Buffer) => {
        seen = Buffer.concat([seen, chunk]);
        const answer = parsed(seen, method === 'HEAD');
        if (answer !== undefined) done(answer);
      };
      const onEnd = () =>
        done(new Error(`the line ended after ${JSON.stringify(seen.toString('latin1').slice(0, 200))}`));
      function done(result: RawAnswer | Error): void {
        clearTimeout(timer);
        here.off('data', onData).off('close', onEnd);
        if (result instanceof Error || result.headers.connection === 'close') {
          here.destroy();
          socket = undefined;
        }
        if (result instanceof Error) reject(result);
        else resolve(result);
      }
      here.removeAllListeners('error').on('error', () => undefined);
      here.on('data', onData).on('close', onEnd);
      here.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8'), body ?? new Uint8Array()]));
    });
  }
  return { send, close: () => socket?.destroy() };
}

/** Undefined while it is not all there. */
function parsed(seen: Buffer, headOnly: boolean): RawAnswer | undefined {
  const end = seen.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = seen.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(first.split(' ')[1]);
  if (status < 200) return parsed(seen.subarray(end + 4), headOnly);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const none = headOnly || status === 204 || status === 304;
  const bytes = seen.subarray(end + 4, end + 4 + (none ? 0 : Number(headers['content-length'] ?? 0)));
  if (!none && bytes.length < Number(headers['content-length'] ?? 0)) return undefined;
  return { status, headers, bytes, text: bytes.toString('utf8') };
}
