/** Every bound of the server in one place, so that nothing a client sends can grow without end. */

const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;

export const limits = {
  /** Bytes of one resource as JSON. MongoDB holds 16 MB a document, and the text stands there beside its fields. */
  resourceBytes: 5 * MB,
  /** Bytes of one Bundle as JSON. */
  bundleBytes: 64 * MB,
  /** Bytes of one Binary, streamed to the blob store. */
  binaryBytes: 1 * GB,
  /** Bytes of a Binary that may travel as base64 inside JSON. */
  binaryInJsonBytes: 32 * MB,
  /** Bytes of a body that carries a Binary as JSON: base64 adds a third. */
  binaryJsonBodyBytes: 44 * MB,
  /** Bytes of the form that POST _search reads. */
  formBytes: 64 * KB,
  /** Bytes of a Binary that a Bundle carries inline; a larger one is marked SUBSETTED and read by its own URL. */
  binaryInBundleBytes: 256 * KB,
  /** Levels of objects and arrays in one JSON body. */
  depth: 64,
  /** Resources on one page. */
  pageSize: 1000,
  /** Resources on a page when the client does not say. */
  pageSizeDefault: 20,
  /** Resources that one page may include beside its matches. */
  includes: 1000,
  /** How often `:iterate` follows what was included. */
  includeDepth: 8,
  /** Bytes of a request's URL. */
  urlBytes: 16 * KB,
  /** Bytes of all of a request's headers. */
  headerBytes: 16 * KB,
  /** Parameters in one query, repeated ones counted each. */
  parameters: 200,
  /** Values of one parameter, separated by commas. */
  orValues: 1000,
  /** Search values that one query stands for: an id without a type counts once for each type it may mean. */
  alternatives: 10_000,
  /** Characters of one value of a search parameter. */
  valueCharacters: 8 * KB,
  /** Keys that one sort may name. */
  sortKeys: 5,
  /** Matches that a total counts before it stops counting. */
  total: 1_000_000,
  /** Issues that one OperationOutcome reports. */
  issues: 100,
  /** Resources on one side of a chain or `_has`. */
  joinTargets: 10_000,
  /** Milliseconds that one request may take. */
  requestMs: 30_000,
  /** Milliseconds that a graceful stop waits for requests under way. */
  drainMs: 30_000,
  /** Attempts of a write without `If-Match` that meets another writer. */
  writeAttempts: 8,
} as const;

export type LimitName = keyof typeof limits;
