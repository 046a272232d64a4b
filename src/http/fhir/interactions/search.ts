/** search by GET and by POST, of one type and of all (R4 http.html#search). */
import { searchset, type BundleLink, type SearchEntry } from '../../../fhir/bundle.js';
import type { Search } from '../../../search/ast.js';
import { parseSearch } from '../../../search/parse.js';
import type { Found } from '../../../store/port.js';
import { formOf, type FhirCall } from '../call.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function searchByPost(call: FhirCall, parts: Parts): Promise<Reply> {
  // Parameters may stand in the URL, in the form, or in both.
  const query = [call.query, await formOf(call)].filter((text) => text !== '').join('&');
  return search({ ...call, query }, parts);
}

export async function search(call: FhirCall, parts: Parts): Promise<Reply> {
  const { registry, repository, cursors, base } = parts;
  const types = call.type === '' ? registry.resourceTypes : [call.type];
  const search = parseSearch(call.query, types, registry, { lenient: call.prefer.lenient, base, now: call.at });
  // A cursor belongs to the types and the query that it was made for.
  const binding = `${call.type}?${search.applied}`;
  const after = search.cursor === undefined ? undefined : cursors.open(search.cursor, binding);
  const { matches, included, total, next, issues } = await repository.search(call, search, after);
  const entry = async (mode: SearchEntry['mode'], found: Found): Promise<SearchEntry> => ({
    fullUrl: `${base}/${found.type}/${found.id}`,
    text: await repository.textInBundle(found),
    mode,
  });
  const entries = await Promise.all([
    ...matches.map((found) => entry('match', found)),
    ...included.map((found) => entry('include', found)),
  ]);
  const links = linksOf(
    `${base}${call.type === '' ? '' : `/${call.type}`}`,
    search,
    next && cursors.seal(next, binding),
  );
  return { status: 200, text: searchset(links, entries, total, [...search.dropped, ...issues]) };
}

/** The self link is what was really applied, not what was asked (R4 search.html#conformance). */
function linksOf(url: string, search: Search, cursor: string | undefined): BundleLink[] {
  const self = search.applied === '' ? url : `${url}?${search.applied}`;
  const links: BundleLink[] = [{ relation: 'self', url: self }];
  if (cursor !== undefined) {
    links.push({ relation: 'next', url: `${self}${search.applied === '' ? '?' : '&'}_cursor=${cursor}` });
  }
  return links;
}
