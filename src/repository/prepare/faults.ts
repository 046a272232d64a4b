/** What is wrong with a resource by itself, whatever else is stored. */
import { failure, FhirError, isRefusal, type Issue } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { checkInTurns } from '../../validate/questionnaire.js';
import type { Validator } from '../../validate/validator.js';

/** Throws what refuses the resource; what does not is returned, to be told with the answer. */
export function refuseFaults(validator: Validator, resource: Resource): Issue[] {
  const issues = validator.validate(resource);
  const refusals = issues.filter(isRefusal);
  if (refusals.length > 0) throw new FhirError(refusals.every(isRule) ? 'unprocessable' : 'invalid', issues);
  refuseSubset(resource);
  return issues;
}

/** The same; others have their turns while what takes long is read. */
export const refuseFaultsInTurns = async (validator: Validator, resource: Resource): Promise<Issue[]> =>
  resource.resourceType === 'Questionnaire'
    ? checkInTurns(resource, () => refuseFaults(validator, resource))
    : refuseFaults(validator, resource);

/** 400 is for what is no resource of R4, 422 for what breaks a rule of what it means (R4 http.html#update). */
const isRule = ({ details }: Issue): boolean => details !== undefined;

/** A part that is written back as the whole would erase the rest (R4 search.html#summary). */
function refuseSubset(resource: Resource): void {
  const tags = (resource.meta?.tag ?? []) as { code?: string }[];
  if (!tags.some(({ code }) => code === 'SUBSETTED')) return;
  const say = 'This is tagged SUBSETTED: a part of a resource. Read the whole before you change it.';
  throw failure('invalid', say, `${resource.resourceType}.meta.tag`);
}
