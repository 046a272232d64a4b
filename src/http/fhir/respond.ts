/** Reply -> HTTP: headers, format, and the bytes themselves. Only here is the response touched. */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { indent } from '../../kit/json.js';
import { textOf } from '../../kit/pieces.js';
import { FHIR_JSON, type Format } from './negotiate.js';
import type { Traffic } from '../traffic/index.js';
import { bytesIn, keepPace, passing, sendBody } from '../traffic/send.js';
import type { Reply } from './reply.js';

/** The same for every answer. Clinical data stay out of caches; the client's own ETag still saves it the bytes. */
const CONSTANT_HEADERS: readonly string[] = ['Cache-Control', 'private, no-store', 'X-Content-Type-Options', 'nosniff'];

export interface Rendering {
  format: Format;
  pretty: boolean;
  /** HEAD: all of the headers, none of the body. */
  headOnly: boolean;
}

export const plainRendering: Rendering = { format: FHIR_JSON, pretty: false, headOnly: false };

/** `own` are headers of this request alone, names and values in turn. */
export async function respond(
  response: ServerResponse,
  reply: Reply,
  rendering: Rendering,
  traffic: Traffic,
  own: readonly string[] = [],
): Promise<void> {
  const headers = headersOf(reply, own);
  if (reply.bytes !== undefined) return respondBytes(response, reply, reply.bytes, headers, rendering, traffic);
  if (reply.text === undefined) {
    if (reply.status !== 204 && reply.status !== 304) headers.push('Content-Length', '0');
    response.writeHead(reply.status, headers).end();
    return;
  }
  const text = rendering.pretty ? `${indent(textOf(reply.text))}\n` : reply.text;
  const head = (bytes: number) => {
    headers.push('Content-Type', `${rendering.format}; charset=utf-8`, 'Content-Length', String(bytes));
    return response.writeHead(reply.status, headers);
  };
  if (rendering.headOnly) head(bytesIn(text)).end();
  else await sendBody(response, head, text, traffic);
}

/** Names and values in turn: Node writes such a list as it is, and copies an object twice. */
function headersOf({ headers }: Reply, own: readonly string[]): string[] {
  const list = CONSTANT_HEADERS.concat(own);
  for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}

async function respondBytes(
  response: ServerResponse,
  reply: Reply,
  { stream, size, contentType }: NonNullable<Reply['bytes']>,
  headers: string[],
  { headOnly }: Rendering,
  traffic: Traffic,
): Promise<void> {
  // The stream is opened first: when that fails, the answer can still be an error.
  const bytes = headOnly ? undefined : await stream();
  headers.push('Content-Type', contentType, 'Content-Length', String(size));
  response.writeHead(reply.status, headers);
  if (bytes === undefined) response.end();
  else {
    keepPace(response, traffic);
    await pipeline(bytes, (pieces) => passing(pieces, traffic), response);
  }
}
