/** history of a resource, of a type and of the whole server (R4 http.html#history). */
import { historyBundle, type BundleLink, type HistoryEntry } from '../../../fhir/bundle.js';
import type { HistoryScope, Version } from '../../../store/port.js';
import type { FhirCall } from '../call.js';
import { historyParameters } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function history(call: FhirCall, { repository, cursors, base }: Parts): Promise<Reply> {
  const asked = historyParameters(call.query);
  const scope: HistoryScope = {
    ...(call.type === '' ? {} : { type: call.type }),
    ...(call.resourceId === '' ? {} : { id: call.resourceId }),
    ...asked.scope,
  };
  const path = ['', call.type, call.resourceId, '_history'].filter((part, at) => at === 0 || part !== '').join('/');
  // A cursor belongs to the history that it was made for.
  const binding = `${path}?${asked.applied}`;
  const after = asked.cursor === undefined ? undefined : cursors.open(asked.cursor, binding);
  const page = await repository.history(call, scope, { size: asked.count, ...(after === undefined ? {} : { after }) });
  const self = `${base}${path}${asked.applied === '' ? '' : `?${asked.applied}`}`;
  const links: BundleLink[] = [{ relation: 'self', url: self }];
  if (page.next !== undefined) {
    const cursor = cursors.seal(page.next, binding);
    links.push({ relation: 'next', url: `${self}${asked.applied === '' ? '?' : '&'}_cursor=${cursor}` });
  }
  const entries = await Promise.all(
    page.items.map(async (version) => entryOf(base, version, version.text && (await repository.textInBundle(version)))),
  );
  const whole = page.next === undefined && after === undefined;
  return { status: 200, text: historyBundle(links, entries, whole ? entries.length : undefined) };
}

/** What the request was that made this version, and how it was answered. */
function entryOf(base: string, version: Version, text: string | undefined): HistoryEntry {
  const created = version.method === 'POST' || (version.method === 'PUT' && version.version === 1);
  return {
    fullUrl: `${base}/${version.type}/${version.id}`,
    text,
    method: version.method,
    url: version.method === 'POST' ? version.type : `${version.type}/${version.id}`,
    status: created ? '201 Created' : version.text === undefined ? '204 No Content' : '200 OK',
    etag: `W/"${version.version}"`,
    lastModified: new Date(version.updated).toISOString(),
  };
}
