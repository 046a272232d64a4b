/** The trail is no part of the store, so it is searched by itself: what would leave it out without a word is refused. */
import { failure, type Issue } from '../../fhir/outcome.js';
import type { Search } from '../../search/ast.js';
import { lower } from '../../search/lower.js';
import { typesIn } from '../../search/restrict.js';
import type { Work } from '../operations.js';
import type { Setting } from '../setting.js';

export const AUDIT_EVENT = 'AuditEvent';

/** Throws 400, or takes AuditEvents out of a search of all types and says so. */
export function apartFromTrail(search: Search): void {
  const isAlone = search.types.length === 1;
  const isAmong = search.types.includes(AUDIT_EVENT);
  if (search.revincludes.some(({ source }) => source === AUDIT_EVENT)) throw alone('http._revinclude');
  if (typesIn(lower(search)).includes(AUDIT_EVENT)) throw alone('http._has');
  if (isAlone || !isAmong) return;
  if (search.named) throw alone('http._type');
  search.types = search.types.filter((type) => type !== AUDIT_EVENT);
  const left: Issue = {
    severity: 'information',
    code: 'informational',
    diagnostics: `Left out of this search: ${SAY}`,
  };
  search.dropped.push(left);
}

const SAY = 'AuditEvents are the audit trail, which is searched by itself: GET AuditEvent?…';

const alone = (at: string) => failure('not-supported', SAY, at);

/** Nobody writes what was done. Throws 405, also within a Bundle. */
export function refuseTrail(works: readonly Work[], { told }: Setting): void {
  const work = works.find(({ operation }) => operation.type === AUDIT_EVENT);
  if (work === undefined) return;
  const say =
    'AuditEvents are the audit trail: the server alone writes it, and nobody changes it. They can be read and searched.';
  throw told(failure('method-not-allowed', say, undefined, { Allow: 'GET, HEAD' }), work);
}
