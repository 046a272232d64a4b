/** read: the current version of a resource (R4 http.html#read). */
import { indent } from '../../../kit/json.js';
import { isHeaderSafe } from '../../../repository/binary.js';
import { jsonOf, type Version } from '../../../store/port.js';
import type { FhirCall } from '../call.js';
import { FHIR_JSON, isFhirForm, wantsFhirForm } from '../negotiate.js';
import { subsetOf, type Subset } from '../../../fhir/subset.js';
import { formatParameter, renderingParameters, subsetParameters } from '../parameters.js';
import type { Parts } from '../parts.js';
import { notModified } from '../prefer.js';
import { wholeOrParts } from '../ranges.js';
import { versionHeaders, type Reply } from '../reply.js';

export async function read(call: FhirCall, parts: Parts): Promise<Reply> {
  const { subset, query } = subsetParameters(call, parts.registry.definitions);
  formatParameter(query);
  const version = await parts.repository.read(call, { type: call.type, id: call.resourceId });
  return replyWith(query === call.query ? call : { ...call, query }, parts, version, subset);
}

/** One version, as resource or, for a Binary, as the bytes that it stands for. */
export function replyWith(call: FhirCall, parts: Parts, version: Version, subset?: Subset): Reply {
  const headers = versionHeaders(version);
  if (version.type === 'Binary') return binary(call, parts, version, headers);
  if (isKnown(call, version)) return { status: 304, headers };
  const text =
    subset === undefined ? [jsonOf(version)] : subsetOf(version.text ?? '', subset, parts.registry.definitions);
  return { status: 200, headers, text };
}

const isKnown = (call: FhirCall, { version, updated }: Version): boolean => notModified(call.headers, version, updated);

function binary(call: FhirCall, { repository }: Parts, version: Version, versioned: Record<string, string>): Reply {
  const { contentType = '' } = JSON.parse(version.text ?? '{}') as { contentType?: string };
  if (wantsFhirForm(call.headers.accept, formatParameter(call.query), contentType)) {
    const headers = { ...versioned, Vary: 'Accept' };
    if (isKnown(call, version)) return { status: 304, headers };
    const { pretty } = renderingParameters(call.query);
    const form = repository.binaryAsJson(call, version, (json) => (pretty ? `${indent(json)}\n` : json));
    return { status: 200, headers, bytes: { ...form, contentType: `${FHIR_JSON}; charset=utf-8` } };
  }
  // Strong, as If-Range needs it: the bytes of a version never change. The JSON form keeps the weak one.
  const headers = { ...versioned, ETag: `"${version.version}"`, Vary: 'Accept' };
  if (isKnown(call, version)) return { status: 304, headers };
  return wholeOrParts(call.method, call.headers, {
    size: version.blob?.size ?? 0,
    contentType: isFhirForm(contentType) || !isHeaderSafe(contentType) ? 'application/octet-stream' : contentType,
    // Bytes that others uploaded must never run in the origin of this server.
    headers: { ...headers, 'Content-Disposition': 'attachment', 'Content-Security-Policy': 'sandbox' },
    // An earlier version may be of the same second, unless there is none, or the URL names this one.
    datedAlone: version.version === 1 || call.versionId !== '',
    open: (range) => repository.bytes(call, version, range),
  });
}
