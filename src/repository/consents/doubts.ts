/** Whoever writes a Consent, or asks whether they could, hears what of it is judged otherwise than it is written. */
import { doubtsOf } from '../../access/consent/doubts.js';
import type { Definitions } from '../../fhir/definitions.js';
import type { Issue } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';

export function createDoubts({
  base,
  definitions,
}: {
  base: string;
  definitions: Pick<Definitions, 'resourceTypes'>;
}): (resource: object | string) => Issue[] {
  const types = new Set(definitions.resourceTypes);
  return (resource) => {
    const read = typeof resource === 'string' ? parseJson(resource, limits.depth) : resource;
    return doubtsOf(read as Resource, { base, isType: (code) => types.has(code) });
  };
}
