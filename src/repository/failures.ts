/** A store's failure, told in FHIR's words. */
import { FhirError, issueOf, type Kind } from '../fhir/outcome.js';
import { StoreError, type StoreFailure } from '../store/port.js';

const told: Record<StoreFailure, { kind: Kind; say: string; headers?: Record<string, string> }> = {
  conflict: {
    kind: 'conflict',
    say: 'Somebody else changed this resource at the same time. Nothing was written; read it again, then decide.',
  },
  guard: {
    kind: 'conflict',
    say: 'Others kept changing what a condition of this write finds. Nothing was written; try again.',
    headers: { 'Retry-After': '1' },
  },
  missing: { kind: 'unprocessable', say: 'A reference leads to what is not here. Nothing was written.' },
  referred: { kind: 'conflict', say: 'Others refer to this resource. Nothing was deleted.' },
  unavailable: {
    kind: 'unavailable',
    say: 'The store cannot answer now. If this was a write, nothing was written; try again.',
    headers: { 'Retry-After': '1' },
  },
  unknown: {
    kind: 'unknown',
    say: 'The store did not confirm this write, so it is unknown whether it was made. Read before you repeat it.',
    headers: { 'Retry-After': '5' },
  },
  full: { kind: 'full', say: 'The store has no room left. Nothing was written.' },
  'too-costly': { kind: 'too-costly', say: 'This search touches more than the server is willing to read at once.' },
};

export const isStoreFailure = (error: unknown, reason: StoreFailure): boolean =>
  error instanceof StoreError && error.reason === reason;

export function tellStoreFailure(error: StoreError): FhirError {
  const { kind, say, headers } = told[error.reason];
  const at = error.at === undefined ? '' : ` (${error.at})`;
  const detail = error.reason === 'too-costly' ? ` ${error.message}` : '';
  // The cause is for the log; it may name what the client must not see.
  return new FhirError(kind, [issueOf(kind, `${say}${at}${detail}`)], headers, error);
}

/** Runs a call to the store; whatever it refuses becomes a FhirError. */
export async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof StoreError ? tellStoreFailure(error) : error;
  }
}
