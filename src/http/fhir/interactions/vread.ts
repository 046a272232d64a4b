/** vread: one version of a resource (R4 http.html#vread). */
import { failure } from '../../../fhir/outcome.js';
import type { FhirCall } from '../call.js';
import { formatParameter, subsetParameters } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';
import { replyWith } from './read.js';

/** Version ids are the numbers 1, 2, 3 …; anything else was never given out. */
const VERSION_ID = /^[1-9][0-9]{0,14}$/;

export async function vread(call: FhirCall, parts: Parts): Promise<Reply> {
  const { subset, query } = subsetParameters(call, parts.registry.definitions);
  formatParameter(query);
  if (!VERSION_ID.test(call.versionId)) {
    throw failure('not-found', `There is no ${call.type}/${call.resourceId}/_history/${call.versionId}.`);
  }
  const key = { type: call.type, id: call.resourceId };
  const version = await parts.repository.vread(call, key, Number(call.versionId));
  return replyWith({ ...call, query }, parts, version, subset);
}
