/** search by GET and by POST: of one type, of all, and in a compartment (R4 http.html#search). */
import { subjectOf } from '../../../access/principal.js';
import { searchset, type SearchEntry } from '../../../fhir/bundle.js';
import { subsetOf } from '../../../fhir/subset.js';
import { textOfPiece, type Piece } from '../../../kit/pieces.js';
import { compartmentOf } from '../../../search/compartment.js';
import { parseSearch } from '../../../search/parse.js';
import type { Found } from '../../../store/port.js';
import { formOf, type FhirCall } from '../call.js';
import { pageLinks } from '../links.js';
import { negotiate } from '../negotiate.js';
import { renderingParameters, renderingQuery } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function searchByPost(call: FhirCall, parts: Parts): Promise<Reply> {
  // Parameters may stand in the URL, in the form, or in both.
  const form = await formOf(call);
  const query = [call.query, form].filter((text) => text !== '').join('&');
  if (form !== '') call.trail?.turnedOut({ query: `${call.request.url?.slice(1).split('?')[0] ?? ''}?${query}` });
  const reply = await search({ ...call, query }, parts);
  const { format, pretty } = renderingParameters(form);
  return {
    ...reply,
    ...(format === undefined ? {} : { format: negotiate(undefined, format) }),
    ...(pretty ? { pretty } : {}),
  };
}

export async function search(call: FhirCall, parts: Parts): Promise<Reply> {
  const { registry, repository, cursors, base } = parts;
  const { type, resourceId, member } = call;
  const compartment = member === '' ? undefined : compartmentOf(type, resourceId, member, registry);
  const types = compartment?.types ?? (type === '' ? registry.resourceTypes : [type]);
  const search = parseSearch(call.query, types, registry, { lenient: call.prefer.lenient, base, now: call.at });
  if (compartment !== undefined) search.conditions.push(compartment.condition);
  const path = ['', type, resourceId, member].filter((part, at) => at === 0 || part !== '').join('/');
  // A cursor belongs to the caller, the types and the query that it was made for.
  const binding = `${subjectOf(call.principal)}${path}?${search.applied}`;
  const after = search.cursor === undefined ? undefined : cursors.open(search.cursor, binding);
  const paging = { gone: call.gone, ...(after === undefined ? {} : { after }) };
  const { matches, included, total, next } = await repository.search(call, search, paging);
  const { subset } = search;
  const entry = (mode: SearchEntry['mode'], found: Found, text: Piece): SearchEntry => {
    // The elements that a client names are those of what it searches.
    const whole = subset === undefined || (mode === 'include' && subset.kind === 'elements');
    return {
      fullUrl: `${base}/${found.type}/${found.id}`,
      text: whole ? text : subsetOf(textOfPiece(text), subset, registry.definitions),
      mode,
    };
  };
  const entries: SearchEntry[] = [];
  for (const [mode, some] of [
    ['match', matches],
    ['include', included],
  ] as const)
    for (const found of some) {
      const text = repository.json(found);
      // One after another: each Binary opens a file. Nobody waits for what is there.
      entries.push(entry(mode, found, text instanceof Promise ? await text : text));
    }
  const links = pageLinks({
    url: `${base}${path}`,
    applied: search.applied,
    rendering: renderingQuery(call.query),
    cursor: next && cursors.seal(next, binding),
  });
  return { status: 200, text: searchset(links, entries, total, search.dropped) };
}
