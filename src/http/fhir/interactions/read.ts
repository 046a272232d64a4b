/** read: the current version of a resource (R4 http.html#read). */
import type { Version } from '../../../store/port.js';
import type { FhirCall } from '../call.js';
import { isFhirForm, wantsFhirForm } from '../negotiate.js';
import { notModified } from '../prefer.js';
import { versionHeaders, type Reply } from '../reply.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';

export async function read(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query);
  const version = await parts.repository.read(call, { type: call.type, id: call.resourceId });
  return replyWith(call, parts, version);
}

/** One version, as resource or, for a Binary, as the bytes that it stands for. */
export async function replyWith(call: FhirCall, parts: Parts, version: Version): Promise<Reply> {
  const headers = versionHeaders(version);
  if (notModified(call.request.headers, version.version, version.updated)) return { status: 304, headers };
  if (version.type !== 'Binary') return { status: 200, headers, text: version.text ?? '' };
  return binary(call, parts, version, headers);
}

async function binary(
  call: FhirCall,
  { repository }: Parts,
  version: Version,
  headers: Record<string, string>,
): Promise<Reply> {
  const { contentType = 'application/octet-stream' } = JSON.parse(version.text ?? '{}') as { contentType?: string };
  const negotiated = { ...headers, Vary: 'Accept' };
  if (wantsFhirForm(call.request.headers.accept, formatParameter(call.query), contentType)) {
    return { status: 200, headers: negotiated, text: await repository.binaryAsJson(version) };
  }
  return {
    status: 200,
    // Bytes that others uploaded must never run in the origin of this server.
    headers: { ...negotiated, 'Content-Disposition': 'attachment', 'Content-Security-Policy': 'sandbox' },
    bytes: {
      stream: () => repository.bytes(version),
      size: version.blob?.size ?? 0,
      contentType: isFhirForm(contentType) ? 'application/octet-stream' : contentType,
    },
  };
}
