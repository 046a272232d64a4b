/** create, update, patch and delete, by id or by condition (R4 http.html#create, #update, #patch, #delete, #ccreate). */
import { failure, operationOutcome } from '../../../fhir/outcome.js';
import type { Operation } from '../../../fhir/transaction/operation.js';
import { assert } from '../../../kit/assert.js';
import { idBrought } from '../../../repository/operations.js';
import type { Asked, Upload, Written } from '../../../repository/repository.js';
import { bodyStream, refuseEncoding, refuseLength } from '../../body.js';
import { patchOf, resourceOf, type FhirCall } from '../call.js';
import { replayedHeader } from '../idempotency.js';
import { isFhirForm } from '../negotiate.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import { locationOf, versionHeaders, type Reply } from '../reply.js';

export async function create(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query);
  for (const header of ['If-Match', 'If-None-Match']) {
    if (call.request.headers[header.toLowerCase()] !== undefined) throw notForCreate(header);
  }
  const ifNoneExist = conditionOf(call);
  if (isUpload(call)) {
    if (ifNoneExist !== undefined) throw notForUpload();
    const once = call.submission?.once();
    return replyTo(call, parts, await parts.repository.writeBytes(call, uploadOf(call), undefined, {}, once));
  }
  const brought = await resourceOf(call, parts.repository);
  const more = { ...brought, query: '', ...(ifNoneExist === undefined ? {} : { ifNoneExist }) };
  return done(call, parts, operationOf(call, 'POST', 'create', more));
}

export async function update(call: FhirCall, parts: Parts): Promise<Reply> {
  if (call.resourceId !== '') formatParameter(call.query);
  if (isUpload(call)) {
    if (call.resourceId === '') throw notForUpload();
    const key = { type: call.type, id: call.resourceId };
    const once = call.submission?.once();
    return replyTo(call, parts, await parts.repository.writeBytes(call, uploadOf(call), key, call.conditions, once));
  }
  const brought = await resourceOf(call, parts.repository);
  const id = idBrought(brought);
  if (call.resourceId !== '' && id !== call.resourceId) {
    const found = typeof id === 'string' ? `has the id ${id.slice(0, 64)}` : 'has no id';
    const say = `The resource ${found}; the URL says ${call.type}/${call.resourceId}. Both must agree.`;
    throw failure('invalid', say, `${call.type}.id`);
  }
  return done(call, parts, operationOf(call, 'PUT', 'update', brought));
}

export async function patch(call: FhirCall, parts: Parts): Promise<Reply> {
  if (call.resourceId !== '') formatParameter(call.query);
  return done(call, parts, operationOf(call, 'PATCH', 'patch', { patch: await patchOf(call) }));
}

export async function remove(call: FhirCall, parts: Parts): Promise<Reply> {
  if (call.resourceId !== '') formatParameter(call.query);
  const { version, replayed } = await written(call, parts, operationOf(call, 'DELETE', 'delete', {}));
  return { status: 204, headers: { ...(version && versionHeaders(version)), ...replayedHeader(replayed) } };
}

/** Once, however often it is sent with one `Idempotency-Key`. */
const written = (call: FhirCall, { repository }: Parts, operation: Asked): Promise<Written> =>
  repository.write(call, operation, false, call.submission?.once());

const done = async (call: FhirCall, parts: Parts, operation: Asked): Promise<Reply> =>
  replyTo(call, parts, await written(call, parts, operation));

/** A request of its own as an operation; without an id in its URL it is conditional on the query. */
function operationOf(
  { type, resourceId, query, conditions }: FhirCall,
  method: Operation['method'],
  interaction: Operation['interaction'],
  more: Partial<Asked>,
): Asked {
  const named = resourceId === '' ? { query } : { id: resourceId, query: '' };
  return { index: 0, method, interaction, type, ...named, conditions, ...more };
}

/** `If-None-Exist`: the query of a search, as it would stand behind the question mark (R4 http.html#ccreate). */
function conditionOf({ request }: FhirCall): string | undefined {
  const header = request.headers['if-none-exist'];
  if (header === undefined) return undefined;
  return String(header).replace(/^\?/, '');
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

async function replyTo(call: FhirCall, parts: Parts, written: Written): Promise<Reply> {
  const { base, repository } = parts;
  const { version, created, issues, replayed } = written;
  assert(version !== undefined, 'What was written has a version.');
  const headers: Record<string, string> = { ...versionHeaders(version), ...replayedHeader(replayed) };
  if (created || !written.changed) headers.Location = locationOf(base, version);
  const status = created ? 201 : 200;
  if (call.prefer.return === 'minimal' || written.withheld === true) return { status, headers };
  if (call.prefer.return === 'OperationOutcome') {
    return { status, headers, text: JSON.stringify(operationOutcome(issues)) };
  }
  return { status, headers, text: [await repository.json(version)] };
}

const notForCreate = (header: string) =>
  failure('not-supported', `${header} means nothing on a create, which has no earlier version.`, `http.${header}`);

const notForUpload = () =>
  failure('not-supported', 'Raw bytes are written by POST /Binary or PUT /Binary/id, without a condition by search.');
