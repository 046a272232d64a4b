/** What an interaction answers, before it is HTTP. */
import type { Readable } from 'node:stream';
import type { Pieces } from '../../kit/pieces.js';
import type { Format } from './negotiate.js';
import type { Version } from '../../store/port.js';

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** FHIR JSON. */
  text?: string | Pieces;
  /** Where a form, not the URL, said how the answer should look. */
  format?: Format;
  pretty?: boolean;
  /** Raw bytes, with their own media type. */
  bytes?: { stream: () => Promise<Readable>; size: number; contentType: string };
}

/** What tells a version apart in HTTP (R4 http.html#read). */
export const versionHeaders = (version: Version): Record<string, string> => ({
  ETag: `W/"${version.version}"`,
  'Last-Modified': new Date(version.updated).toUTCString(),
});

/** Where a version is read again. */
export const locationOf = (base: string, { type, id, version }: Version): string =>
  `${base}/${type}/${id}/_history/${version}`;
