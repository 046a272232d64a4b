/** Any error becomes an OperationOutcome; this and `fhir/outcome` alone know about statuses. */
import { FhirError, failure, operationOutcome } from '../../fhir/outcome.js';
import { JsonError } from '../../kit/json.js';
import { StoreError } from '../../store/port.js';
import { tellStoreFailure } from '../../repository/failures.js';
import type { Reply } from './reply.js';

export function replyToError(error: unknown, requestId: string): Reply & { unexpected: boolean } {
  const known = told(error);
  const failed =
    known ??
    failure(
      'exception',
      `Something went wrong inside the server. The operator finds it in the log as request ${requestId}.`,
    );
  return {
    status: failed.status,
    headers: failed.headers,
    text: JSON.stringify(operationOutcome(failed.issues)),
    unexpected: known === undefined,
  };
}

function told(error: unknown): FhirError | undefined {
  if (error instanceof FhirError) return error;
  if (error instanceof JsonError)
    return failure('malformed', error.message, error.path === '' ? undefined : error.path);
  if (error instanceof StoreError) return tellStoreFailure(error);
  // Express refuses a path whose percent-encoding is broken before any route sees it.
  if (error instanceof URIError) return failure('malformed', 'The path is not properly percent-encoded.');
  return undefined;
}
