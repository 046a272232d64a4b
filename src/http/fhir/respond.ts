/** Reply -> HTTP: headers, format, and the bytes themselves. Only here is the response touched. */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { indent } from '../../kit/json.js';
import { FHIR_JSON, type Format } from './negotiate.js';
import type { Traffic } from '../traffic/index.js';
import { keepPace, sendBody } from '../traffic/send.js';
import type { Reply } from './reply.js';

/** The same for every answer. Clinical data stay out of caches; the client's own ETag still saves it the bytes. */
const CONSTANT_HEADERS = {
  'Cache-Control': 'private, no-store',
  'X-Content-Type-Options': 'nosniff',
};

export interface Rendering {
  format: Format;
  pretty: boolean;
  /** HEAD: all of the headers, none of the body. */
  headOnly: boolean;
}

export const plainRendering: Rendering = { format: FHIR_JSON, pretty: false, headOnly: false };

export async function respond(
  response: ServerResponse,
  reply: Reply,
  rendering: Rendering,
  traffic: Traffic,
): Promise<void> {
  if (reply.bytes !== undefined) return respondBytes(response, reply, reply.bytes, rendering, traffic);
  const headers: Record<string, string | number> = { ...CONSTANT_HEADERS, ...reply.headers };
  if (reply.text === undefined) {
    if (reply.status !== 204 && reply.status !== 304) headers['Content-Length'] = 0;
    response.writeHead(reply.status, headers).end();
    return;
  }
  const body = Buffer.from(rendering.pretty ? `${indent(reply.text)}\n` : reply.text);
  headers['Content-Type'] = `${rendering.format}; charset=utf-8`;
  headers['Content-Length'] = body.length;
  const head = () => response.writeHead(reply.status, headers);
  if (rendering.headOnly) head().end();
  else await sendBody(response, head, body, traffic);
}

async function respondBytes(
  response: ServerResponse,
  reply: Reply,
  { stream, size, contentType }: NonNullable<Reply['bytes']>,
  { headOnly }: Rendering,
  traffic: Traffic,
): Promise<void> {
  // The stream is opened first: when that fails, the answer can still be an error.
  const bytes = headOnly ? undefined : await stream();
  response.writeHead(reply.status, {
    ...CONSTANT_HEADERS,
    ...reply.headers,
    'Content-Type': contentType,
    'Content-Length': size,
  });
  if (bytes === undefined) response.end();
  else {
    keepPace(response, traffic);
    await pipeline(bytes, response);
  }
}
