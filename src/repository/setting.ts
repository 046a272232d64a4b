/** Where the operations of a write stand: what somebody is told about one of them says where it is. */
import { FhirError, type Issue } from '../fhir/outcome.js';
import type { Told, Where } from './resolve.js';

/** Where the operations stand: alone in a request, or as the entries of a transaction. */
export interface Setting {
  where: Where;
  told: Told;
  /** Whether links may stand for what other entries write, or for what a search finds. */
  linked: boolean;
}

/** An operation that is a request of its own. */
export const alone: Setting = {
  where: (_operation, element) => `http.${element}`,
  told: (error) => error,
  linked: false,
};

/** The entries of a transaction: each error says which entry it is about. */
export const inTransaction: Setting = {
  linked: true,
  where: ({ index }, element) => `Bundle.entry[${index}].${REQUEST[element] ?? element}`,
  told(error, { operation: { index } }) {
    if (!(error instanceof FhirError)) return error;
    const issues = error.issues.map((issue): Issue => ({
      ...issue,
      expression: issue.expression?.map((at) => below(index, at)) ?? [`Bundle.entry[${index}]`],
    }));
    return new FhirError(error.kind, issues, error.headers, error);
  },
};

/** TABLE: a header, or a part of the URL -> the element of an entry that stands for it (R4 bundle.html). */
const REQUEST: Record<string, string> = {
  'If-Match': 'request.ifMatch',
  'If-None-Exist': 'request.ifNoneExist',
  url: 'request.url',
  id: 'resource.id',
};

/** `Patient.name[0]` as it stands in the Bundle. */
function below(index: number, at: string): string {
  if (at.startsWith('Bundle.entry[') || at.startsWith('http.')) return at;
  const dot = at.indexOf('.');
  return `Bundle.entry[${index}].resource${dot < 0 ? '' : at.slice(dot)}`;
}
