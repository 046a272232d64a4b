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
  if (call.request.headers['if-none-exist'] !== undefined) throw notYet('If-None-Exist', 'conditional create');
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
  return {
    contentType,
    bytes: bodyStream(call.request),
    ...(typeof securityContext === 'string' ? { securityContext } : {}),
  };
}

function replyTo(call: FhirCall, { base }: Parts, { version, created, issues }: Written): Reply {
  const headers: Record<string, string> = versionHeaders(version);
  if (created) headers.Location = `${base}/${version.type}/${version.id}/_history/${version.version}`;
  const status = created ? 201 : 200;
  if (call.prefer.return === 'minimal') return { status, headers };
  const text = call.prefer.return === 'OperationOutcome' ? JSON.stringify(operationOutcome(issues)) : version.text;
  return { status, headers, text: text ?? '' };
}

const notYet = (header: string, what: string) =>
  failure('not-supported', `${header} (${what}) is not served yet; nothing was written.`, `http.${header}`);
