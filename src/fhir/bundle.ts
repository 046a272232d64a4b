/**
 * Searchset and history Bundles in pieces of text: stored resources are spliced in as they are, never parsed (R4
 * bundle.html).
 */
import type { Piece, Pieces } from '../kit/pieces.js';
import type { Issue } from './outcome.js';
import { operationOutcome } from './outcome.js';

export interface BundleLink {
  relation: 'self' | 'next' | 'first';
  url: string;
}

export interface SearchEntry {
  fullUrl: string;
  /** The resource's JSON. */
  text: Piece;
  mode: 'match' | 'include';
}

export interface HistoryEntry {
  fullUrl: string;
  /** Undefined for a deletion. */
  text: Piece | undefined;
  method: string;
  url: string;
  status: string;
  etag: string;
  /** An instant, such as 2026-11-22T10:00:00.000Z. */
  lastModified: string;
}

const json = JSON.stringify;

/** `issues` become one entry of mode `outcome`, which is how a search tells what it did not apply. */
export function searchset(
  links: BundleLink[],
  entries: SearchEntry[],
  total: number | undefined,
  issues: Issue[],
): Pieces {
  const pieces = bundle('searchset', links, total);
  for (const { fullUrl, text, mode } of entries) {
    pieces.push(`${between(pieces)}{"fullUrl":${json(fullUrl)},"resource":`, text, `,"search":{"mode":"${mode}"}}`);
  }
  if (issues.length > 0)
    pieces.push(`${between(pieces)}{"resource":${json(operationOutcome(issues))},"search":{"mode":"outcome"}}`);
  return ended(pieces);
}

export function historyBundle(links: BundleLink[], entries: HistoryEntry[], total: number | undefined): Pieces {
  const pieces = bundle('history', links, total);
  for (const { fullUrl, text, method, url, status, etag, lastModified } of entries) {
    pieces.push(`${between(pieces)}{"fullUrl":${json(fullUrl)},`);
    if (text !== undefined) pieces.push('"resource":', text, ',');
    pieces.push(`"request":${json({ method, url })},"response":${json({ status, etag, lastModified })}}`);
  }
  return ended(pieces);
}

/** What became of one entry of a batch or transaction. */
export interface ResponseEntry {
  fullUrl?: string;
  /** The resource's JSON. */
  text?: string | Pieces;
  response: {
    /** Such as `201 Created`. */
    status: string;
    location?: string;
    etag?: string;
    lastModified?: string;
    outcome?: object;
  };
}

export function responseBundle(type: 'batch' | 'transaction', entries: ResponseEntry[]): Pieces {
  const pieces = bundle(`${type}-response`, [], undefined);
  for (const { fullUrl, text, response } of entries) {
    pieces.push(`${between(pieces)}{${fullUrl === undefined ? '' : `"fullUrl":${json(fullUrl)},`}`);
    if (text !== undefined) pieces.push('"resource":', ...(typeof text === 'string' ? [text] : text), ',');
    pieces.push(`"response":${json(response)}}`);
  }
  return ended(pieces);
}

/** Up to its entries. R4 allows no empty arrays, so a Bundle without entries has no `entry`. */
function bundle(type: string, links: BundleLink[], total: number | undefined): Piece[] {
  let text = `{"resourceType":"Bundle","type":"${type}"`;
  if (total !== undefined) text += `,"total":${total}`;
  if (links.length > 0) text += `,"link":${json(links)}`;
  return [text];
}

/** What stands before the next entry. */
const between = (pieces: Pieces): string => (pieces.length === 1 ? ',"entry":[' : ',');

function ended(pieces: Piece[]): Pieces {
  pieces.push(pieces.length === 1 ? '}' : ']}');
  return pieces;
}
