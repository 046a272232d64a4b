/** What can go wrong, in FHIR's words: the one table that turns a kind of failure into a status and an issue code. */

export type Severity = 'fatal' | 'error' | 'warning' | 'information';

/** One entry of OperationOutcome.issue (R4 operationoutcome.html). */
export interface Issue {
  severity: Severity;
  /** A code of the value set issue-type. */
  code: string;
  /** The rule that says so, where it has a code of its own. */
  details?: { coding: { system: string; code: string }[] };
  /** What was found, what is allowed, and how to mend it. */
  diagnostics: string;
  /** FHIRPath expressions of the elements at fault; for a request parameter `http.<name>`. */
  expression?: string[];
}

export const isRefusal = ({ severity }: Issue): boolean => severity === 'error' || severity === 'fatal';

/** Kind of failure -> HTTP status and issue code (R4 http.html, operationoutcome.html). */
const kinds = {
  malformed: { status: 400, code: 'structure' },
  invalid: { status: 400, code: 'invalid' },
  value: { status: 400, code: 'value' },
  'not-supported': { status: 400, code: 'not-supported' },
  'too-costly': { status: 400, code: 'too-costly' },
  unauthenticated: { status: 401, code: 'login' },
  forbidden: { status: 403, code: 'forbidden' },
  'not-found': { status: 404, code: 'not-found' },
  'method-not-allowed': { status: 405, code: 'not-supported' },
  'not-acceptable': { status: 406, code: 'not-supported' },
  'request-timeout': { status: 408, code: 'timeout' },
  conflict: { status: 409, code: 'conflict' },
  deleted: { status: 410, code: 'deleted' },
  precondition: { status: 412, code: 'conflict' },
  'too-large': { status: 413, code: 'too-long' },
  'url-too-long': { status: 414, code: 'too-long' },
  'unsupported-media-type': { status: 415, code: 'not-supported' },
  'precondition-required': { status: 428, code: 'required' },
  'range-not-satisfiable': { status: 416, code: 'value' },
  'headers-too-large': { status: 431, code: 'too-long' },
  unprocessable: { status: 422, code: 'processing' },
  exception: { status: 500, code: 'exception' },
  unavailable: { status: 503, code: 'transient' },
  unknown: { status: 503, code: 'incomplete' },
  full: { status: 507, code: 'no-store' },
} as const satisfies Record<string, { status: number; code: string }>;

export type Kind = keyof typeof kinds;

/** Thrown anywhere, rendered in http/errors alone. */
export class FhirError extends Error {
  readonly kind: Kind;
  readonly issues: Issue[];
  /** Response headers that belong to the failure, such as `Allow` or `Retry-After`. */
  readonly headers: Record<string, string>;

  constructor(kind: Kind, issues: Issue[], headers: Record<string, string> = {}, cause?: unknown) {
    super(issues.map((issue) => issue.diagnostics).join(' '), { cause });
    this.name = 'FhirError';
    this.kind = kind;
    this.issues = issues;
    this.headers = headers;
  }

  get status(): number {
    return kinds[this.kind].status;
  }
}

/** The usual failure: one issue, of the code that the kind has, at at most one place. */
export function failure(kind: Kind, diagnostics: string, at?: string, headers?: Record<string, string>): FhirError {
  return new FhirError(kind, [issueOf(kind, diagnostics, at)], headers);
}

export function issueOf(kind: Kind, diagnostics: string, at?: string): Issue {
  return { severity: 'error', code: kinds[kind].code, diagnostics, ...(at === undefined ? {} : { expression: [at] }) };
}

/** An OperationOutcome resource; it says "ok" when there is nothing to report. */
export function operationOutcome(issues: Issue[]): { resourceType: 'OperationOutcome'; issue: Issue[] } {
  const issue: Issue[] =
    issues.length > 0
      ? issues.map(legible)
      : [{ severity: 'information', code: 'informational', diagnostics: 'All went well.' }];
  return { resourceType: 'OperationOutcome', issue };
}

/** Issues repeat what the client sent; what no FHIR string may hold would make the refusal itself invalid. */
function legible(issue: Issue): Issue {
  if (!ILLEGIBLE.test(issue.diagnostics) && issue.expression?.some((at) => ILLEGIBLE.test(at)) !== true) return issue;
  const plain = (text: string): string => text.replace(ALL_ILLEGIBLE, '\ufffd');
  return {
    ...issue,
    diagnostics: plain(issue.diagnostics),
    ...(issue.expression === undefined ? {} : { expression: issue.expression.map(plain) }),
  };
}

/** Control characters but tab and line ends, and halves of surrogate pairs. */
const ILLEGIBLE = /(?![\t\r\n])[\p{Cc}\p{Cs}]/u;
const ALL_ILLEGIBLE = new RegExp(ILLEGIBLE, 'gu');
