/** The trail of a request, from its caller to the record that is kept before the answer goes out. */
import type { IncomingMessage } from 'node:http';
import type { Principal } from '../../access/principal.js';
import type { Audit } from '../../audit/index.js';
import { isKind, type KindName } from '../../audit/kinds.js';
import type { Asked, RequestTrail } from '../../audit/trail.js';
import { failure } from '../../fhir/outcome.js';
import type { Target } from './dispatch.js';

/** What is known of a request for its record. */
export interface Traced {
  id: string;
  at: number;
  interaction: string;
  target?: Target;
  trail?: RequestTrail;
}

/** With a trusted proxy before it, Express knows who is behind that; who names nobody comes from where the line does. */
export function addressOf(request: IncomingMessage & { ip?: string }): string {
  const line = request.socket.remoteAddress ?? '';
  return request.headers['x-forwarded-for'] === undefined ? line : (request.ip ?? line);
}

export function askedOf({ interaction, target }: Pick<Traced, 'interaction' | 'target'>, url: string): Asked {
  const kind: KindName = isKind(interaction) ? interaction : 'none';
  const { type = '', resourceId = '', versionId = '' } = target ?? {};
  const asked: Asked = { kind };
  if (resourceId !== '' && !kind.startsWith('search'))
    asked.what = `${type}/${resourceId}${versionId === '' ? '' : `/_history/${versionId}`}`;
  if ((resourceId === '' && type !== '') || /^(search|history|operation|none)/.test(kind)) asked.query = url.slice(1);
  return asked;
}

/**
 * Keeps the record of a request that was worked on. What shows or changes something and cannot be told of is not
 * answered: rejects with 503 then. A refusal shows nothing, and is told all the same.
 */
export async function keepTrail(
  audit: Audit,
  traced: Traced,
  request: IncomingMessage,
  status: number,
  authenticate: () => Promise<Principal | undefined>,
): Promise<void> {
  const { id, at, trail } = traced;
  try {
    if (trail !== undefined) {
      await trail.close(status);
      return;
    }
    const asked = askedOf(traced, request.url ?? '/');
    const caller = { request: id, at, from: addressOf(request) };
    const principal = asked.kind === 'capabilities' ? undefined : await authenticate();
    if (principal === undefined) await audit.strangers.tell(caller, asked, status);
    else await audit.open({ ...caller, principal }, asked).close(status);
  } catch (error) {
    if (status >= 400) throw error;
    throw unkept(trail?.wrote === true, error);
  }
}

function unkept(wrote: boolean, cause: unknown) {
  const say = 'The audit trail cannot be written now, and what it does not tell of is not shown.';
  const failed = wrote
    ? failure('unknown', `${say} What was to be written is written, at least in part: read before you repeat it.`)
    : failure('unavailable', `${say} Nothing was written; try again.`, undefined, { 'Retry-After': '5' });
  return Object.assign(failed, { cause });
}
