/** What a patch may not change: which resource it is. (R4 http.html#patch: the result is an update of the same one.) */
import { failure } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { isMembers, sealed } from './tree.js';

/** The edited copy as a resource; its structure is for the validator to judge. */
export function resultOf(before: Resource, after: unknown): Resource {
  if (!isMembers(after)) throw failure('unprocessable', 'The patch must leave a resource: a JSON object.');
  for (const name of ['resourceType', 'id'] as const) {
    if (after[name] !== before[name]) {
      throw failure(
        'unprocessable',
        `A patch cannot change ${name} (here "${String(before[name])}"): it would be another resource.`,
        `${before.resourceType}.${name}`,
      );
    }
  }
  sealed(after);
  return after as Resource;
}
