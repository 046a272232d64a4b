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
import { knownOf, recordBy, recordOf, whoOf, type Act, type Known } from './record.js';

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
  /** Patients that one request names at most. */
  most: number;
}

export type OpenTrail = (caller: Caller, asked: Asked) => RequestTrail;

export function createTrails({ log, patientsOf, most }: TrailParts): OpenTrail {
  /** What is told of a principal is the same as long as its token is known. */
  const known = new WeakMap<Principal, Known>();

  function tell({ request, at, from, principal }: Caller, acts: Act[]): AuditRecord {
    if (principal === undefined) return recordOf({ request, at, from, acts });
    let one = known.get(principal);
    if (one === undefined) known.set(principal, (one = knownOf(whoOf(principal))));
    return recordBy(one, request, at, from, acts);
  }

  const means: Means = { patientsOf, most, tell, keep: (record) => log.append([record]) };
  return (caller, asked) => new OwnTrail(means, caller, asked);
}

interface Means {
  patientsOf: PatientsOf;
  most: number;
  tell: (caller: Caller, acts: Act[]) => AuditRecord;
  keep: (record: AuditRecord) => Promise<void>;
}

type Pair = [patient: string, owner: string];

/** A class, because every request has one: what it can do is made once, not for each. */
class OwnTrail implements RequestTrail {
  wrote = false;
  private told = false;
  private count = 0;
  private one: string | undefined = undefined;
  private readonly whom: Pair[] = [];
  private named: Set<string> | undefined = undefined;
  private more = false;
  private parts: Act[] | undefined = undefined;
  private details: Record<string, string> | undefined = undefined;

  constructor(
    protected readonly means: Means,
    protected readonly caller: Caller,
    private asked: Asked,
  ) {}

  turnedOut(more: Partial<Asked>): void {
    this.asked = { ...this.asked, ...more };
  }

  shown(versions: readonly Version[]): void {
    this.count += versions.length;
    const [only] = versions;
    if (isOne(this.asked) && only !== undefined) this.one = nameOf(only);
    this.about(versions);
  }

  about(versions: readonly Version[]): void {
    for (const version of versions) {
      const { patients, more } = this.means.patientsOf(version);
      this.more ||= more;
      for (const patient of patients) this.name(patient, version.owner);
      // Of what is found only patients are told of; of what is read, also whose it is.
      if (patients.length === 0 && isOne(this.asked)) this.name('', version.owner);
    }
  }

  private name(patient: string, owner: string): void {
    const { whom } = this;
    if (whom.length < FEW) {
      if (whom.some(([other, its]) => other === patient && its === owner)) return;
    } else {
      this.named ??= new Set(whom.map((pair) => pair.join(' ')));
      const name = `${patient} ${owner}`;
      if (this.named.has(name)) return;
      if (whom.length === this.means.most) {
        this.more = true;
        return;
      }
      this.named.add(name);
    }
    whom.push([patient, owner]);
  }

  writing(changes: readonly Written[]): AuditRecord[] {
    const acts = changes.map((one) => this.writtenOf(one));
    if (this.asked.kind === 'transaction') acts.unshift({ kind: 'transaction', status: 200 });
    return [this.means.tell(this.caller, acts)];
  }

  private writtenOf({ change, was }: Written): Act {
    const { patients, more } = this.means.patientsOf(change.text === undefined && was !== undefined ? was : change);
    const { owner } = change.text === undefined && was !== undefined ? was : change;
    return {
      kind: WRITES[change.method],
      status: change.method === 'DELETE' ? 204 : was?.text === undefined ? 201 : 200,
      what: nameOf(change),
      of: patients.length === 0 ? [['', owner]] : patients.map((patient): Pair => [patient, owner]),
      ...(more ? { detail: this.unnamed() } : {}),
    };
  }

  written(): void {
    this.wrote = true;
    this.told = true;
  }

  emergency({ happened, patient, owner, purpose, reason }: Emergency): AuditRecord {
    const what = `Patient/${patient}`;
    const of: Pair[] = [[patient, owner]];
    return this.means.tell(this.caller, [{ kind: `emergency-${happened}`, status: 200, what, of, purpose, reason }]);
  }

  detail(name: string, value: string): void {
    this.details = { ...this.details, [name]: value };
  }

  part(asked: Asked): RequestTrail {
    const parts = (this.parts ??= []);
    return new PartTrail(this.means, this.caller, asked, this, parts);
  }

  close(status: number): Promise<void> {
    const acts = this.acts(status);
    return acts.length === 0 ? Promise.resolve() : this.means.keep(this.means.tell(this.caller, acts));
  }

  /** What is left to be told. */
  protected acts(status: number): Act[] {
    const parts = this.parts ?? [];
    return this.told && status < 400 ? parts : [this.own(status), ...parts];
  }

  /** What the request itself was. */
  private own(status: number): Act {
    const { kind, query } = this.asked;
    const [one, shows] = [isOne(this.asked), status < 400];
    const what = this.one ?? this.asked.what;
    const act: Act = { kind, status };
    if (what !== undefined) act.what = what;
    // A condition that found its resource is told by that.
    if (query !== undefined && !(one && what !== undefined)) act.query = query;
    if (this.details !== undefined) act.detail = this.details;
    if (!one && shows && query !== undefined) act.detail = { ...act.detail, count: String(this.count) };
    if (this.more && shows) act.detail = { ...act.detail, ...this.unnamed() };
    if (this.whom.length > 0 && shows) act.of = this.whom;
    return act;
  }

  /** Of more patients than a record names it says so. */
  private unnamed(): Record<string, string> {
    return { patients: `more than ${this.means.most}, and the others are not named` };
  }
}

/** An entry of a batch leaves its acts with the whole. */
class PartTrail extends OwnTrail {
  constructor(
    means: Means,
    caller: Caller,
    asked: Asked,
    private readonly whole: OwnTrail,
    private readonly left: Act[],
  ) {
    super(means, caller, asked);
  }

  override written(): void {
    super.written();
    this.whole.wrote = true;
  }

  override close(status: number): Promise<void> {
    this.left.push(...this.acts(status));
    return Promise.resolve();
  }
}

interface Written {
  change: Version;
  was: Version | undefined;
}

/** So many are looked through one by one. */
const FEW = 8;

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
