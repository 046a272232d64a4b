/**
 * A record: what was done, by whom, on what, about which patients. It is one line of JSON as short as may be, since every
 * request writes one; `event.ts` makes AuditEvents of it when somebody reads them.
 */
import { HOME, type Principal } from '../access/principal.js';
import type { Instant } from '../kit/clock.js';
import type { AuditHead, AuditRecord } from '../store/port.js';
import type { KindName } from './kinds.js';

export interface Told {
  /** `X-Request-Id` of the answer. */
  request?: string;
  /** When it began. */
  at: Instant;
  /** Undefined when nobody showed a token that is valid. */
  who?: Who;
  /** The network address that it came from. */
  from?: string;
  acts: Act[];
  /** Where chains were cut, as the time of their oldest records was over. */
  cut?: AuditHead[];
}

export interface Who {
  /** A user name, or the client_id of a service. */
  name: string;
  role: string;
  owner: string;
  client?: string;
  user?: string;
  fhirUser?: string;
  grant?: string;
}

export interface Act {
  kind: KindName;
  /** Of HTTP. */
  status: number;
  /** `Type/id`, with `/_history/n` where a version is known. */
  what?: string;
  /** As it was asked: what stands behind the base URL. */
  query?: string;
  /** Patients, each with the organization whose resource says so; '' where it is about no patient. */
  of?: [patient: string, owner: string][];
  /** Why, where it had to be said: `purposeOfUse` and words. */
  purpose?: { system: string; code: string };
  reason?: string;
  detail?: Record<string, string>;
}

/** What it is found by: owners whose auditors see it, patients, persons, resources. Each once. */
export function keysOf({ who, acts }: Pick<Told, 'who' | 'acts'>): string[] {
  return keysWith(keysOfWho(who), acts);
}

function keysOfWho(who: Who | undefined): string[] {
  const keys = [`o:${who?.owner ?? HOME}`];
  const { fhirUser } = who ?? {};
  if (fhirUser !== undefined) keys.push(`a:${fhirUser}`);
  // R4's parameter `patient` means patients who did something, too.
  if (fhirUser?.startsWith('Patient/') === true) keys.push(keyOfResource(fhirUser));
  return keys;
}

function keysWith(begin: readonly string[], acts: readonly Act[]): string[] {
  const keys = new Set(begin);
  for (const { what, of } of acts) {
    if (what !== undefined) keys.add(keyOfResource(what));
    if (of === undefined) continue;
    for (const [patient, owner] of of) {
      keys.add(`o:${owner}`);
      if (patient !== '') keys.add(`p:${patient}`);
    }
  }
  return [...keys];
}

/** A patient is found by one key, as whom it is about and as what was read. */
export function keyOfResource(what: string): string {
  const version = what.indexOf('/', what.indexOf('/') + 1);
  const name = version === -1 ? what : what.slice(0, version);
  return name.startsWith('Patient/') ? `p:${name.slice('Patient/'.length)}` : `e:${name}`;
}

export function whoOf({ name, role, owner, grant }: Principal): Who {
  if (grant === undefined) return { name, role, owner };
  const { client, user, fhirUser, id } = grant;
  return {
    name,
    role,
    owner,
    client,
    ...(user === undefined ? {} : { user }),
    ...(fhirUser === undefined ? {} : { fhirUser }),
    grant: id,
  };
}

export const recordOf = (told: Told): AuditRecord => ({ text: JSON.stringify(told), keys: keysOf(told) });

/** What is told of a caller in each of many records, made once. */
export interface Known {
  json: string;
  keys: string[];
}

export function knownOf(who: Who): Known {
  return { json: JSON.stringify(who), keys: keysOfWho(who) };
}

/** The same for a caller who is known: what most requests write. The id of a request is the server's own. */
export function recordBy({ json, keys }: Known, request: string, at: Instant, from: string, acts: Act[]): AuditRecord {
  const said = `"request":"${request}","at":${at},"from":${JSON.stringify(from)},"acts":${JSON.stringify(acts)}`;
  return { text: `{"who":${json},${said}}`, keys: keysWith(keys, acts) };
}
