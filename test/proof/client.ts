/**
 * One HTTP request, sent once: nothing here tries again by itself unless it is asked to, so that what is known of a
 * write afterwards is what the server said of it.
 */
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

export interface Answer {
  /**
   * done: 2xx. refused: the server says, or it is certain, that nothing was written. unknown: it may be written or not,
   * because the line broke, or because the server itself does not know.
   */
  fate: 'done' | 'refused' | 'unknown';
  /** 0: no answer came. */
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown;
}

/** Never rejects. */
export function send(url: string, { method, headers = {}, body }: Ask = {}): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const secure = url.startsWith('https:');
  const options = {
    method: method ?? (text === undefined ? 'GET' : 'POST'),
    agent: secure ? agents.https : agents.http,
    headers: {
      Accept: 'application/fhir+json',
      ...(text === undefined ? {} : { 'Content-Type': 'application/fhir+json', 'Content-Length': byteLength(text) }),
      ...headers,
    },
  };
  return new Promise((resolve) => {
    const request = (secure ? https : http).request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', lost);
      response.on('end', () => {
        const { statusCode: status = 0, headers: got } = response;
        const whole = Buffer.concat(chunks).toString();
        resolve({ fate: fateOf(status, whole), status, headers: got, text: whole });
      });
    });
    request.setTimeout(LONGEST_MS, () => request.destroy(new Error('no answer in time')));
    request.on('error', lost);
    request.end(text);

    function lost(error: NodeJS.ErrnoException): void {
      // Where nobody listened, nobody heard.
      const fate = error.code === 'ECONNREFUSED' ? 'refused' : 'unknown';
      resolve({ fate, status: 0, headers: {}, text: error.message });
    }
  });
}

/** The same again while a server says that it has too much to do and did nothing; for a minute at most. */
export async function sendPatiently(url: string, ask: Ask = {}): Promise<Answer> {
  const until = performance.now() + LONGEST_MS;
  for (;;) {
    const answer = await send(url, ask);
    if (answer.status !== 503 || answer.fate !== 'refused' || performance.now() > until) return answer;
    await pause(Math.random() * 500);
  }
}

const LONGEST_MS = 60_000;
const byteLength = (text: string): number => Buffer.byteLength(text);
const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };

/** A 503 that calls itself transient was not done; one that says `incomplete` is not known (R4 issue-type). */
function fateOf(status: number, text: string): Answer['fate'] {
  if (status < 300) return 'done';
  if (status < 500) return 'refused';
  return status === 503 && /"code":\s*"(transient|throttled)"/.test(text) ? 'refused' : 'unknown';
}

/**
 * A GET of a witness, who looks at what is there after all else has ended: a line that was closed while it idled, or a
 * machine that is busy, says nothing about that, so it asks again.
 */
export async function patiently(url: string): Promise<Answer> {
  let answer = await send(url);
  for (let again = 0; again < 5 && (answer.status === 0 || answer.status === 503); again += 1) {
    await pause(200 * 2 ** again);
    answer = await send(url);
  }
  return answer;
}

/** The JSON of an answer that must be a good one. */
export async function json(url: string, ask: Ask = {}): Promise<any> {
  const answer = await sendPatiently(url, ask);
  if (answer.fate === 'done') return JSON.parse(answer.text);
  throw new Error(`${ask.method ?? 'GET'} ${url} was answered with ${answer.status}: ${answer.text.slice(0, 500)}`);
}

/** The pages of a search or a history, as they were sent, following the links. */
export async function* pages(url: string): AsyncGenerator<{ text: string; bundle: any }> {
  for (let next: string | undefined = url; next !== undefined;) {
    const answer: Answer = await patiently(next);
    if (answer.fate !== 'done') throw new Error(`GET ${next} was answered with ${answer.status}: ${answer.text}`);
    const bundle = JSON.parse(answer.text);
    yield { text: answer.text, bundle };
    next = bundle.link?.find((link: any) => link.relation === 'next')?.url;
  }
}

/** All entries of a search or a history. */
export async function entries(url: string): Promise<any[]> {
  const found: any[] = [];
  for await (const { bundle } of pages(url)) found.push(...(bundle.entry ?? []));
  return found;
}

/**
 * The bytes of the resource of each entry of a Bundle, undefined where it has none. `after` is the element that follows
 * the resource, as this server sends it.
 */
export function rawResources(text: string, bundle: any, after: 'request' | 'response'): (string | undefined)[] {
  const [begin, end] = ['"resource":', after === 'request' ? ',"request":{"method"' : ',"response":{"status"'];
  let at = 0;
  return (bundle.entry ?? []).map(({ resource }: any) => {
    if (resource === undefined) return undefined;
    const from = text.indexOf(begin, at) + begin.length;
    at = text.indexOf(end, from);
    return text.slice(from, at);
  });
}

/** `Basic/1/_history/3` and its parts, of a Location or of a URL that ends like one. */
export function versionAt(location: string | undefined): { type: string; id: string; version: number; name: string } {
  const [, type = '', id = '', version = ''] = /([A-Za-z]+)\/([^/]+)\/_history\/([^/?]+)/.exec(location ?? '') ?? [];
  return { type, id, version: Number(version), name: `${type}/${id}` };
}

/** The number in `W/"3"`. */
export const versionOf = (etag: string | undefined): number => Number(/\d+/.exec(etag ?? '')?.[0]);

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
