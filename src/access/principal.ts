/** Who calls. Every door of the repository asks for a Call; there is no way to a resource without one. */
import type { Instant } from '../kit/clock.js';
import type { Reach } from '../store/port.js';

export interface Principal {
  /** A name for logs and audit, never a secret. */
  name: string;
  role: 'operator';
  /** The organization that owns what this caller writes. */
  owner: string;
  /** The organizations whose versions this caller sees. */
  owners: readonly string[];
}

/** One request as the repository sees it. */
export interface Call {
  /** The request's id, which the answer carries as `X-Request-Id`. */
  id: string;
  at: Instant;
  principal: Principal;
}

/** The only organization of open mode. */
const HOME = 'home';

/**
 * The caller in open mode, where nobody signs in: the operator at their own machine. The server's roof allows it on
 * a loopback address only.
 */
export const operator: Principal = { name: 'operator', role: 'operator', owner: HOME, owners: [HOME] };

/** What this caller can see; whatever else there is does not exist for them. */
export const reachOf = (call: Call): Reach => ({ owners: [...call.principal.owners] });
