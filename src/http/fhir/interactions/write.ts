/** create, update and delete (R4 http.html#create, #update, #delete). */
import { failure, operationOutcome } from '../../../fhir/outcome.js';
import type { Upload, Written } from '../../../repository/repository.js';
import { bodyStream, refuseEncoding, refuseLength } from '../../body.js';
import { resourceOf, type FhirCall } from '../call.js';
import { isFhirForm } from '../negotiate.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import { versionHeaders, type Reply } from '../reply.js';

export async function create(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query);
  for (const header of ['If-None-Exist', 'If-Match', 'If-None-Match']) {
    if (call.request.headers[header.toLowerCase()] !== undefined) throw notServed(header);
  }
  const written = isUpload(call)
    ? await parts.repository.writeBytes(call, uploadOf(call))
    : await parts.repository.create(call, await resourceOf(call));
  return replyTo(call, parts, written);
}

export async function update(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query);
  const key = { type: call.type, id: call.resourceId };
  const written = isUpload(call)
    ? await parts.repository.writeBytes(call, uploadOf(call), key, call.conditions)
    : await parts.repository.update(call, key, await resourceOf(call), call.conditions);
  return replyTo(call, parts, written);
}

export async function remove(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query);
  const deleted = await parts.repository.delete(call, { type: call.type, id: call.resourceId }, call.conditions);
  return { status: 204, ...(deleted === undefined ? {} : { headers: versionHeaders(deleted) }) };
}

const isUpload = (call: FhirCall): boolean =>
  call.type === 'Binary' && !isFhirForm(call.request.headers['content-type']);

function uploadOf(call: FhirCall): Upload {
  const { 'content-type': contentType, 'x-security-context': securityContext } = call.request.headers;
  if (contentType === undefined) {
    throw failure('unsupported-media-type', 'A Binary needs a Content-Type, such as image/jpeg.', 'http.Content-Type');
  }
  refuseEncoding(call.request);
  refuseLength(call.request, 'binaryBytes');
  if (call.request.headers['content-length'] === '0') {
    throw failure(
      'malformed',
      `The body is empty: the bytes of a ${contentType.slice(0, 60)} were expected.`,
      'Binary',
    );
  }
  return {
    contentType,
    bytes: bodyStream(call),
    ...(typeof securityContext === 'string' ? { securityContext } : {}),
  };
}

async function replyTo(call: FhirCall, parts: Parts, { version, created, issues }: Written): Promise<Reply> {
  const { base, repository } = parts;
  const headers: Record<string, string> = versionHeaders(version);
  if (created) headers.Location = `${base}/${version.type}/${version.id}/_history/${version.version}`;
  const status = created ? 201 : 200;
  if (call.prefer.return === 'minimal') return { status, headers };
  if (call.prefer.return === 'OperationOutcome') {
    return { status, headers, text: JSON.stringify(operationOutcome(issues)) };
  }
  return { status, headers, text: await repository.textInBundle(version) };
}

const notServed = (header: string) =>
  failure('not-supported', `${header} is not served on a create yet; nothing was written.`, `http.${header}`);
