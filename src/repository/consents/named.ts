/**
 * Whom the Consents of all organizations concern one by one. Mostly that is nobody, or few: so one look a moment says of
 * most callers that nothing is denied to them, and they need none of their own. It counts for as long as the terms of a
 * caller do, and what this process writes ends it at once.
 */
import type { Grant, Principal } from '../../access/principal.js';
import type { Clock, Instant } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import type { Store } from '../../store/port.js';
import { insideOf, someOf, toOf } from './concerned.js';

export interface Named {
  /** Since when it is known that no Consent concerns this caller; undefined where one may. */
  noneSince(principal: Principal, grant: Pick<Grant, 'fhirUser'>): Promise<Instant | undefined>;
  /** What was looked at, or is being looked at now, is not believed any more. */
  forget(): void;
}

interface Look {
  at: Instant;
  /** Undefined where they are too many to be listed. */
  names: Promise<ReadonlySet<string> | undefined>;
}

export function createNamed(store: Store, clock: Clock): Named {
  let last: Look | undefined;

  function look(): Look {
    const at = clock.now();
    if (last !== undefined && at - last.at < limits.termsTrustMs) return last;
    const fresh: Look = { at, names: store.sharing.named('Consent', toOf(''), limits.namedByConsents) };
    fresh.names.catch(() => {
      if (last === fresh) last = undefined;
    });
    last = fresh;
    return fresh;
  }

  return {
    async noneSince({ owner }, { fhirUser }) {
      const { at, names: looking } = look();
      const names = await looking;
      if (names === undefined) return undefined;
      if (names.size === 0) return at;
      const own = [insideOf(owner), someOf(owner), ...(fhirUser === undefined ? [] : [toOf(fhirUser)])];
      if (own.some((name) => names.has(name))) return undefined;
      // Which roles a person has, and in which teams they are, is not known here.
      const byRole = fhirUser !== undefined && [...names].some((name) => ROLE_OR_TEAM.test(name));
      return byRole ? undefined : at;
    },
    forget: () => (last = undefined),
  };
}

const ROLE_OR_TEAM = /^:(?:PractitionerRole|CareTeam)\//;
