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
  referred: {
    kind: 'conflict',
    say: 'Nothing was written. Delete or change what refers to it before, or in the same transaction:',
  },
  recorded: {
    kind: 'unavailable',
    say: 'The same request was being answered at this moment. Send it again to get that answer.',
    headers: { 'Retry-After': '1' },
  },
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

/** Of these the store's own message is for the client too: it names nothing that they may not see. */
const telling: ReadonlySet<StoreFailure> = new Set(['too-costly', 'referred']);

export const isStoreFailure = (error: unknown, reason: StoreFailure): boolean =>
  error instanceof StoreError && error.reason === reason;

export function tellStoreFailure(error: StoreError): FhirError {
  const { kind, say, headers } = told[error.reason];
  const at = error.at === undefined || telling.has(error.reason) ? '' : ` (${error.at})`;
  const detail = telling.has(error.reason) ? ` ${error.message}` : '';
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
