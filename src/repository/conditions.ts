/** What a client demands of the current version before it lets the server write (R4 http.html#concurrency). */
import { failure } from '../fhir/outcome.js';
import { isThere, type Version } from '../store/port.js';

export interface Conditions {
  /** `If-Match`: the ETags one of which the current version must have; `*`: any version. */
  ifMatch?: readonly string[] | '*';
  /** `If-None-Match`: the ETags none of which the current version may have; `*`: there must be none. */
  ifNoneMatch?: readonly string[] | '*';
}

/** Throws 412 unless the current version is what the client expects. */
export function demand({ ifMatch, ifNoneMatch }: Conditions, was: Version | undefined, name: string): void {
  const current = isThere(was) ? String(was.version) : undefined;
  if (current === undefined) {
    if (ifMatch === undefined) return;
    throw failure('precondition', `${name} has no current version, so If-Match cannot hold.`);
  }
  if (ifNoneMatch === '*') {
    throw failure('precondition', `${name} exists (version ${current}), and If-None-Match: * asks that it does not.`);
  }
  if (ifNoneMatch?.includes(current) === true) {
    throw failure('precondition', `${name} is at version ${current}, which If-None-Match rules out.`);
  }
  if (ifMatch !== undefined && ifMatch !== '*' && !ifMatch.includes(current)) {
    const say = `The current version of ${name} is W/"${current}", not ${ifMatch.map((tag) => `W/"${tag}"`).join(', ')}.`;
    throw failure('precondition', `${say} Read it again before you change it.`);
  }
}
