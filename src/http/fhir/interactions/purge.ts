/** `Patient/[id]/$purge`: erasure, for the operator (conformance/OperationDefinition-patient-purge.json). */
import { failure, operationOutcome, type Issue } from '../../../fhir/outcome.js';
import { limits } from '../../../kit/limits.js';
import type { FhirCall } from '../call.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function purge(call: FhirCall, { repository }: Parts): Promise<Reply> {
  formatParameter(call.query);
  if (call.type !== 'Patient')
    throw failure('not-found', `$purge erases a Patient; ${call.type} has no such operation.`);
  // What is left of the time is for the erasing itself, which is not broken off.
  const end = performance.now() + limits.requestMs / 2;
  const { resources, versions, blobs, record, warnings } = await repository.purge(
    call,
    { type: call.type, id: call.resourceId },
    () => performance.now() > end,
  );
  const say = `Patient/${call.resourceId} is erased: ${resources} resources, ${versions} versions, ${blobs} blobs.`;
  const done: Issue = {
    severity: 'information',
    code: 'informational',
    diagnostics: `${say} ${record.type}/${record.id} says so.`,
  };
  return { status: 200, text: JSON.stringify(operationOutcome([done, ...bounded(warnings)])) };
}

function bounded(warnings: Issue[]): Issue[] {
  const [shown, rest] = [warnings.slice(0, limits.issues), warnings.length - limits.issues];
  if (rest <= 0) return shown;
  return [...shown, { severity: 'warning', code: 'informational', diagnostics: `${rest} more are like these.` }];
}
