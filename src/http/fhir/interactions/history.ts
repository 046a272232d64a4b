/** history of a resource, of a type and of the whole server (R4 http.html#history). */
import { subjectOf } from '../../../access/principal.js';
import { historyBundle, type HistoryEntry } from '../../../fhir/bundle.js';
import { subsetOf } from '../../../fhir/subset.js';
import { textOfPiece, type Piece } from '../../../kit/pieces.js';
import { isThere, type HistoryScope, type Version } from '../../../store/port.js';
import type { FhirCall } from '../call.js';
import { pageLinks } from '../links.js';
import { historyParameters, renderingQuery, subsetParameters } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function history(call: FhirCall, { repository, registry, cursors, base }: Parts): Promise<Reply> {
  const { definitions } = registry;
  const { subset, query, applied: part } = subsetParameters(call, definitions);
  const asked = historyParameters(query);
  const applied = [asked.applied, part].filter((text) => text !== '').join('&');
  const scope: HistoryScope = {
    ...(call.type === '' ? {} : { type: call.type }),
    ...(call.resourceId === '' ? {} : { id: call.resourceId }),
    ...asked.scope,
  };
  const path = ['', call.type, call.resourceId, '_history'].filter((part, at) => at === 0 || part !== '').join('/');
  // A cursor belongs to the caller and the history that it was made for.
  const binding = `${subjectOf(call.principal)}${path}?${applied}`;
  const after = asked.cursor === undefined ? undefined : cursors.open(asked.cursor, binding);
  const request = { size: asked.count, gone: call.gone, ...(after === undefined ? {} : { after }) };
  const page = await repository.history(call, scope, request);
  const links = pageLinks({
    url: `${base}${path}`,
    applied,
    rendering: renderingQuery(call.query),
    cursor: page.next && cursors.seal(page.next, binding),
  });
  // One after another: each Binary opens a file.
  const entries: HistoryEntry[] = [];
  for (const version of page.items) {
    const text = isThere(version) ? await repository.json(version) : undefined;
    entries.push(entryOf(base, version, text && subset ? subsetOf(textOfPiece(text), subset, definitions) : text));
  }
  const whole = page.next === undefined && after === undefined;
  return { status: 200, text: historyBundle(links, entries, whole ? entries.length : undefined) };
}

/** What the request was that made this version, and how it was answered. */
function entryOf(base: string, version: Version, text: Piece | undefined): HistoryEntry {
  const created = version.method === 'POST' || (version.method === 'PUT' && version.version === 1);
  return {
    fullUrl: `${base}/${version.type}/${version.id}`,
    text,
    method: version.method,
    url: version.method === 'POST' ? version.type : `${version.type}/${version.id}`,
    status: created ? '201 Created' : !isThere(version) ? '204 No Content' : '200 OK',
    etag: `W/"${version.version}"`,
    lastModified: new Date(version.updated).toISOString(),
  };
}
