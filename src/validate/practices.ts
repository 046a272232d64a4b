/** What R4 recommends and does not demand: told by `$validate`, which people ask, and not at every write. */
import type { Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';

const withoutNarrative: ReadonlySet<string> = new Set(['Binary', 'Bundle', 'Parameters']);

/** R4 domainresource.html, dom-6. Contained resources should have none of their own. (references.html#contained) */
export function practiceIssues({ resourceType, text }: Resource): Issue[] {
  if (text !== undefined || withoutNarrative.has(resourceType)) return [];
  const diagnostics = 'A resource should have a narrative, for those who cannot read its elements (dom-6).';
  return [{ severity: 'warning', code: 'invariant', diagnostics, expression: [resourceType] }];
}
