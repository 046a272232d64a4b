/** Documents that are the same for everybody: made once, sent from memory, kept by whoever likes. */
import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';

export interface Document {
  type: string;
  text: string;
  /** Seconds for which nobody need ask again. */
  maxAge: number;
}

export function documentHandler({ maxAge, text, type }: Document) {
  const bytes = Buffer.from(text);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const headers = {
    'Cache-Control': `public, max-age=${maxAge}`,
    ETag: etag,
    'X-Content-Type-Options': 'nosniff',
  };
  const whole = { ...headers, 'Content-Type': type, 'Content-Length': String(bytes.length) };
  return (request: Request, response: Response): void => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
    else response.writeHead(200, whole).end(request.method === 'HEAD' ? undefined : bytes);
  };
}
