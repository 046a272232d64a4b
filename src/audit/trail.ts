/**
 * What one request leaves behind. Whatever the repository shows or writes for it is told here; what goes with a write
 * is kept by that write, and the rest before the answer's first byte. So an answer that was sent has its record, and one
 * that has none was never sent.
 */
import type { Principal } from '../access/principal.js';
import type { Emergency, Trail } from '../access/trail.js';
import type { AuditLog, AuditRecord, Version } from '../store/port.js';
import type { KindName } from './kinds.js';
import type { PatientsOf } from './patients.js';
import { recordBy, recordOf, whoOf, type Act, type Told, type Who } from './record.js';

export interface RequestTrail extends Trail {
  /** What it turned out to be: a batch, or a search whose parameters came in a form. */
  turnedOut(asked: Partial<Asked>): void;
  /** An entry of a batch: an interaction of its own in the same request. `close` tells what became of it. */
  part(asked: Asked): RequestTrail;
  /** Keeps what is left to be told, if anything is. Rejects when it cannot be kept. */
  close(status: number): Promise<void>;
  /** Whether a write of it is made: then nobody may be told that nothing was. */
  readonly wrote: boolean;
}

export interface Asked {
  kind: KindName;
  /** `Type/id` or `Type/id/_history/n`, as the URL names it. */
  what?: string;
  /** Behind the base URL, with the query; for what finds. */
  query?: string;
}

/** Who asks: a request has one even when nobody is known. */
export interface Caller {
  request: string;
  at: number;
  from: string;
  principal?: Principal;
}

export interface TrailParts {
  log: AuditLog;
  patientsOf: PatientsOf;
}

export type OpenTrail = (caller: Caller, asked: Asked) => RequestTrail;

export function createTrails({ log, patientsOf }: TrailParts): OpenTrail {
  /** What is told of a principal is the same as long as its token is known. */
  const known = new WeakMap<Principal, { who: Who; json: string }>();

  function tell({ request, at, from, principal }: Caller, acts: Act[]): AuditRecord {
    const told: Told = { request, at, from, acts };
    if (principal === undefined) return recordOf(told);
    let one = known.get(principal);
    if (one === undefined) {
      const who = whoOf(principal);
      known.set(principal, (one = { who, json: JSON.stringify(who) }));
    }
    return recordBy({ ...told, who: one.who }, one.json);
  }

  return function open(caller, asked) {
    return createTrail(caller, asked, {
      patientsOf,
      tell: (acts) => tell(caller, acts),
      keep: (acts) => log.append([tell(caller, acts)]),
    });
  };
}

interface Means {
  patientsOf: PatientsOf;
  tell: (acts: Act[]) => AuditRecord;
  keep: (acts: Act[]) => Promise<void>;
}

function createTrail(caller: Caller, first: Asked, { patientsOf, tell, keep }: Means): RequestTrail {
  let asked = first;
  const whom = new Map<string, [patient: string, owner: string]>();
  const parts: Act[] = [];
  const details: Record<string, string> = {};
  let [one, count, wrote, told]: [string | undefined, number, boolean, boolean] = [undefined, 0, false, false];

  function whoseIs(version: Version): [string, string][] {
    const { owner } = version;
    const patients = patientsOf(version);
    return patients.length === 0 ? [['', owner]] : patients.map((patient) => [patient, owner]);
  }

  function about(versions: readonly Version[]): void {
    for (const version of versions)
      for (const pair of whoseIs(version)) {
        // Of what is found only patients are told of; of what is read, also whose it is.
        if (pair[0] !== '' || isOne(asked)) whom.set(pair.join(' '), pair);
      }
  }

  function shown(versions: readonly Version[]): void {
    count += versions.length;
    const [only] = versions;
    if (isOne(asked) && only !== undefined) one = nameOf(only);
    about(versions);
  }

  const written = ({ change, was }: { change: Version; was: Version | undefined }): Act => ({
    kind: WRITES[change.method],
    status: change.method === 'DELETE' ? 204 : was?.text === undefined ? 201 : 200,
    what: nameOf(change),
    of: whoseIs(change.text === undefined && was !== undefined ? was : change),
  });

  function writing(changes: readonly { change: Version; was: Version | undefined }[]): AuditRecord[] {
    const acts = changes.map(written);
    return [tell(asked.kind === 'transaction' ? [{ kind: 'transaction', status: 200 }, ...acts] : acts)];
  }

  /** What the request itself was. */
  function own(status: number): Act {
    const { kind, query } = asked;
    const what = one ?? asked.what;
    const isFound = !isOne(asked) && status < 400;
    return {
      kind,
      status,
      ...(what === undefined ? {} : { what }),
      // A condition that found its resource is told by that.
      ...(query === undefined || (isOne(asked) && what !== undefined) ? {} : { query }),
      ...(isFound && query !== undefined ? { detail: { ...details, count: String(count) } } : detailed(details)),
      ...(whom.size === 0 || status >= 400 ? {} : { of: [...whom.values()] }),
    };
  }

  const emergency = ({ happened, patient, owner, purpose, reason }: Emergency): AuditRecord =>
    tell([
      {
        kind: `emergency-${happened}`,
        status: 200,
        what: `Patient/${patient}`,
        of: [[patient, owner]],
        purpose,
        reason,
      },
    ]);

  return {
    turnedOut(more) {
      asked = { ...asked, ...more };
    },
    shown,
    about,
    emergency,
    writing,
    written() {
      [wrote, told] = [true, true];
    },
    detail(name, value) {
      details[name] = value;
    },
    part(entry) {
      const trail = createTrail(caller, entry, {
        patientsOf,
        tell,
        keep: (acts) => {
          parts.push(...acts);
          return Promise.resolve();
        },
      });
      return {
        ...trail,
        get wrote() {
          return trail.wrote;
        },
        written: () => {
          trail.written();
          wrote = true;
        },
      };
    },
    close: async (status) => {
      if (told && parts.length === 0 && status < 400) return;
      const acts = told && status < 400 ? parts : [own(status), ...parts];
      await keep(acts);
    },
    get wrote() {
      return wrote;
    },
  };
}

const detailed = (detail: Record<string, string>) => (Object.keys(detail).length === 0 ? {} : { detail });

/** What shows or changes one resource, which the record then names. */
const ONE: ReadonlySet<KindName> = new Set([
  'read',
  'vread',
  'create',
  'update',
  'patch',
  'delete',
  'history-instance',
]);
const isOne = ({ kind }: Asked): boolean => ONE.has(kind);

const WRITES = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

const nameOf = ({ type, id, version }: Version): string => `${type}/${id}/_history/${version}`;
