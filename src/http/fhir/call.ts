/** An HTTP request becomes a FhirCall; from here on nothing knows Express. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Call, Principal } from '../../access/principal.js';
import type { RequestTrail } from '../../audit/trail.js';
import { failure } from '../../fhir/outcome.js';
import type { Patch } from '../../fhir/transaction/operation.js';
import type { Resource, ResourceType } from '../../fhir/types.js';
import { parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';
import { parseMediaType } from '../../kit/media-type.js';
import type { Conditions } from '../../repository/conditions.js';
import type { Brought, Repository } from '../../repository/repository.js';
import { readBody, type Arrival } from '../body.js';
import type { Submission } from './idempotency.js';
import { demandJson, FHIR_JSON, type Format } from './negotiate.js';
import type { Prefer } from './prefer.js';

export interface FhirCall extends Call, Arrival {
  method: string;
  /** What the URL's path names; '' where the route has no such part. */
  type: ResourceType;
  resourceId: string;
  versionId: string;
  member: string;
  /** The raw query string, without `?`; of POST _search, joined with that of the form. */
  query: string;
  format: Format;
  prefer: Prefer;
  conditions: Conditions;
  /** With an `Idempotency-Key`. */
  submission?: Submission;
  /** Aborted when the client goes away before it is answered. */
  gone: () => AbortSignal;
  /** Tells the operator of what should not happen, where the request itself goes on. */
  unexpected: (error: unknown) => void;
  /** The request's headers; of an entry of a Bundle, what stands there for them. */
  headers: IncomingHttpHeaders;
  /** Read for bodies and raw Binaries only. */
  request: IncomingMessage;
  principal: Principal;
  trail?: RequestTrail;
}

/** What the body brings. Throws 415, 413, 408, and 400 with the place of what cannot be read. */
export async function resourceOf(call: FhirCall, repository: Repository): Promise<Brought> {
  demandJson(call.request.headers['content-type']);
  const bytes = await readBody(call, call.type === 'Binary' ? 'binaryJsonBodyBytes' : 'resourceBytes');
  if (bytes.length === 0) throw failure('malformed', `The body is empty; a ${call.type} was expected.`);
  return repository.bring(call.type, bytes);
}

/** The patch in the body: JSON Patch under its own media type, FHIRPath Patch as Parameters (R4 http.html#patch). */
export async function patchOf(call: FhirCall): Promise<Patch> {
  const contentType = call.request.headers['content-type'];
  const isJsonPatch = parseMediaType(contentType ?? '')?.essence === JSON_PATCH;
  if (!isJsonPatch) {
    const known = FHIRPATH_PATCH.has(parseMediaType(contentType ?? '')?.essence ?? '');
    if (!known) {
      const say = `A patch is ${JSON_PATCH}, or Parameters as ${FHIR_JSON}; not ${(contentType ?? 'a body without a type').slice(0, 60)}.`;
      throw failure('unsupported-media-type', say, 'http.Content-Type');
    }
    demandJson(contentType);
  }
  const bytes = await readBody(call, 'resourceBytes');
  if (bytes.length === 0) throw failure('malformed', 'The body is empty; a patch was expected.');
  const value = parseJson(bytes, limits.depth);
  if (isJsonPatch) return { kind: 'json', document: value };
  if ((value as Partial<Resource> | null)?.resourceType === 'Parameters') {
    return { kind: 'fhirpath', parameters: value as Resource };
  }
  throw failure('invalid', `A FHIRPath Patch is a Parameters resource; a JSON Patch is sent as ${JSON_PATCH}.`);
}

const JSON_PATCH = 'application/json-patch+json';
const FHIRPATH_PATCH: ReadonlySet<string> = new Set([FHIR_JSON, 'application/json']);

/** The fields of an application/x-www-form-urlencoded body, still encoded. */
export async function formOf(call: FhirCall): Promise<string> {
  const contentType = call.request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const { 'content-length': length, 'transfer-encoding': encoding } = call.request.headers;
  if (contentType === undefined && (length === undefined || length === '0') && encoding === undefined) return '';
  if (contentType !== 'application/x-www-form-urlencoded') {
    throw failure(
      'unsupported-media-type',
      `POST _search takes application/x-www-form-urlencoded, not ${(contentType ?? 'a body without a type').slice(0, 60)}.`,
      'http.Content-Type',
    );
  }
  return (await readBody(call, 'formBytes')).toString('utf8');
}
