/** One line that stays open, and one request after another on it: the oracle asks a million, so each must cost little. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Json } from './world.js';

export interface Answer {
  status: number;
  etag: string;
  location: string;
  /** All headers, their names in lower case. */
  said: Map<string, string>;
  text: string;
  /** The JSON body; undefined where there is none. */
  body: Json;
}

export interface Question {
  method: string;
  /** From the root of the server. */
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Line {
  ask(question: Question): Promise<Answer>;
  close(): void;
}

/** HTTP/1.1 as this server speaks it: `Content-Length` or chunks, and a line that it may close at any time. */
export function openLine(address: string): Line {
  const { hostname, port, host } = new URL(address);
  let socket: Socket | undefined;
  let arrived = Buffer.alloc(0);
  let wake: () => void = () => undefined;
  let ended = true;

  async function opened(): Promise<Socket> {
    if (socket !== undefined && !ended) return socket;
    const next = connect({ host: hostname, port: Number(port), noDelay: true });
    [socket, arrived, ended] = [next, Buffer.alloc(0), false];
    next.on('data', (chunk) => {
      arrived = arrived.length === 0 ? chunk : Buffer.concat([arrived, chunk]);
      wake();
    });
    for (const event of ['end', 'error', 'close'])
      next.on(event, () => {
        if (socket === next) ended = true;
        wake();
      });
    await once(next, 'connect');
    return next;
  }

  async function until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (ended) throw new Error(`The server closed the line: ${arrived.toString('latin1').slice(0, 500)}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  async function ask({ method, path, headers, body }: Question): Promise<Answer> {
    const bytes = Buffer.from(body ?? '');
    const given = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = body === undefined ? '' : `Content-Length: ${bytes.length}\r\n`;
    const line = await opened();
    line.write(
      Buffer.concat([
        Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${given.join('')}${length}\r\n`),
        bytes,
      ]),
    );
    const end = await until(() => positive(arrived.indexOf('\r\n\r\n')));
    const [first = '', ...lines] = arrived.subarray(0, end).toString('latin1').split('\r\n');
    const said = new Map(
      lines.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]),
    );
    arrived = arrived.subarray(end + 4);
    const status = Number(first.split(' ')[1]);
    const isEmpty = method === 'HEAD' || status === 204 || status === 304;
    const text = isEmpty
      ? ''
      : said.get('transfer-encoding') === 'chunked'
        ? await chunks()
        : await exactly(Number(said.get('content-length') ?? 0));
    if (said.get('connection') === 'close') ended = true;
    const body_: Json = (said.get('content-type') ?? '').includes('json') && text !== '' ? JSON.parse(text) : undefined;
    return { status, etag: said.get('etag') ?? '', location: said.get('location') ?? '', said, text, body: body_ };
  }

  async function exactly(length: number): Promise<string> {
    await until(() => (arrived.length >= length ? true : undefined));
    const text = arrived.subarray(0, length).toString('utf8');
    arrived = arrived.subarray(length);
    return text;
  }

  async function chunks(): Promise<string> {
    const parts: string[] = [];
    for (;;) {
      const end = await until(() => positive(arrived.indexOf('\r\n')));
      const size = parseInt(arrived.subarray(0, end).toString('latin1'), 16);
      arrived = arrived.subarray(end + 2);
      const part = await exactly(size + 2);
      if (size === 0) return parts.join('');
      parts.push(part.slice(0, -2));
    }
  }

  return { ask, close: () => socket?.destroy() };
}

const positive = (at: number): number | undefined => (at < 0 ? undefined : at);
