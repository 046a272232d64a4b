/**
 * Searchset and history Bundles as text: stored resources are spliced in as they are, never parsed (R4 bundle.html).
 */
import type { Issue } from './outcome.js';
import { operationOutcome } from './outcome.js';

export interface BundleLink {
  relation: 'self' | 'next' | 'first';
  url: string;
}

export interface SearchEntry {
  fullUrl: string;
  /** The resource's JSON. */
  text: string;
  mode: 'match' | 'include';
}

export interface HistoryEntry {
  fullUrl: string;
  /** Undefined for a deletion. */
  text: string | undefined;
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
): string {
  const texts = entries.map(
    ({ fullUrl, text, mode }) => `{"fullUrl":${json(fullUrl)},"resource":${text},"search":{"mode":"${mode}"}}`,
  );
  if (issues.length > 0) texts.push(`{"resource":${json(operationOutcome(issues))},"search":{"mode":"outcome"}}`);
  return bundle('searchset', links, texts, total);
}

export function historyBundle(links: BundleLink[], entries: HistoryEntry[], total: number | undefined): string {
  const texts = entries.map(({ fullUrl, text, method, url, status, etag, lastModified }) => {
    const resource = text === undefined ? '' : `"resource":${text},`;
    const request = json({ method, url });
    return `{"fullUrl":${json(fullUrl)},${resource}"request":${request},"response":${json({ status, etag, lastModified })}}`;
  });
  return bundle('history', links, texts, total);
}

/** What became of one entry of a batch or transaction. */
export interface ResponseEntry {
  fullUrl?: string;
  /** The resource's JSON. */
  text?: string;
  response: {
    /** Such as `201 Created`. */
    status: string;
    location?: string;
    etag?: string;
    lastModified?: string;
    outcome?: object;
  };
}

export function responseBundle(type: 'batch' | 'transaction', entries: ResponseEntry[]): string {
  const texts = entries.map(({ fullUrl, text, response }) => {
    const url = fullUrl === undefined ? '' : `"fullUrl":${json(fullUrl)},`;
    const resource = text === undefined ? '' : `"resource":${text},`;
    return `{${url}${resource}"response":${json(response)}}`;
  });
  return bundle(`${type}-response`, [], texts, undefined);
}

/**
 * R4 allows no empty arrays, so a Bundle without entries has no `entry`. Pieces are added, not joined: what is added is
 * copied once, when it is sent.
 */
function bundle(type: string, links: BundleLink[], entries: string[], total: number | undefined): string {
  let text = `{"resourceType":"Bundle","type":"${type}"`;
  if (total !== undefined) text += `,"total":${total}`;
  if (links.length > 0) text += `,"link":${json(links)}`;
  let before = ',"entry":[';
  for (const entry of entries) {
    text += before + entry;
    before = ',';
  }
  return entries.length > 0 ? `${text}]}` : `${text}}`;
}
