/** What a client demands of the current version before it lets the server write (R4 http.html#concurrency). */
import { failure } from '../fhir/outcome.js';
import type { Version } from '../store/port.js';

export interface Conditions {
  /** `If-Match`: the version that the client believes is current; `*`: any. */
  ifMatch?: number | '*';
  /** `If-None-Match: *` on a write: only when there is no such resource. */
  ifAbsent?: boolean;
}

/** Throws 412 unless the current version is what the client expects. */
export function demand(conditions: Conditions, was: Version | undefined, name: string): void {
  const current = was?.text === undefined ? undefined : was.version;
  if (conditions.ifAbsent === true && current !== undefined) {
    throw failure('precondition', `${name} exists (version ${current}), and If-None-Match: * asks that it does not.`);
  }
  if (conditions.ifMatch === undefined) return;
  if (current === undefined) {
    throw failure('precondition', `${name} has no current version, so If-Match cannot hold.`);
  }
  if (conditions.ifMatch !== '*' && conditions.ifMatch !== current) {
    throw failure(
      'precondition',
      `The current version of ${name} is ${current}, not ${conditions.ifMatch}. Read it again before you change it.`,
    );
  }
}
