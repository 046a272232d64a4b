/**
 * Break-glass: a person who is not shown a patient's record may read it in an emergency, for a reason that is told to the
 * patient's organization by the same write that lets them. It ends by its time, or when they end it.
 */
import type { Access } from '../../access/constraint.js';
import { ACT_REASON, type EmergencyPurpose } from '../../access/emergency.js';
import type { Audit } from '../../audit/index.js';
import { whoOf, type Act } from '../../audit/record.js';
import type { Call, Grant, Principal } from '../../access/principal.js';
import { failure, FhirError } from '../../fhir/outcome.js';
import type { Clock, Instant } from '../../kit/clock.js';
import { requestId } from '../../kit/id.js';
import { isThere, StoreError, type Found, type Store } from '../../store/port.js';
import { asked, isStoreFailure, tellStoreFailure } from '../failures.js';
import { created } from '../operations.js';
import type { TermsDesk } from '../terms.js';
import { alone } from '../setting.js';
import type { Write } from '../writing.js';
import { noticeOf } from './notice.js';
import type { EmergencyRecord } from './records.js';

export interface Asking {
  /** The patient's id. */
  patient: string;
  purpose: EmergencyPurpose;
  reason: string;
}

export interface Emergencies {
  /** Throws 403, 404, and 409 while one is on; says until when it is. */
  begin(call: Call, asking: Asking): Promise<Instant>;
  /** Throws 404 when none is on. */
  end(call: Call, patient: string): Promise<void>;
  /** Tells the end of those whose time is over; how many those were. */
  tellEnds(): Promise<number>;
}

export interface EmergencyParts {
  store: Store;
  access: Access;
  clock: Clock;
  terms: TermsDesk;
  /** Milliseconds that an emergency lasts. */
  emergencyMs: number;
  write: Write;
  /** Makes records for the audit trail of what no request does; undefined where there is none. */
  audit?: Audit['record'] | undefined;
}

export function createEmergencies(parts: EmergencyParts): Emergencies {
  const { access, audit: record, clock, emergencyMs, store, terms, write } = parts;
  const { emergencies: records } = terms;

  /** Only of what is there now; whoever asks, because it may be anybody's. */
  async function patientOf(id: string): Promise<Found> {
    const key = { type: 'Patient', id };
    const [owner] = await asked(store.ownersOf([key]));
    const [found] = owner === undefined ? [] : await asked(store.read([key], { owners: [owner] }));
    if (isThere(found)) return found;
    throw failure('not-found', `There is no Patient/${id}.`);
  }

  async function begin(call: Call, asking: Asking): Promise<Instant> {
    const grant = demandPerson(call, '$break-glass');
    access.demand(call.principal, 'read', 'Patient');
    const { patient, purpose, reason } = asking;
    const found = await patientOf(patient);
    const { owner } = found;
    await refuseRunning(grant, patient);
    if (await terms.denyEmergency(call.principal, found)) {
      throw failure(
        'forbidden',
        `The patient has refused this in emergencies too (Consent). Nobody was told, and nothing is open.`,
      );
    }
    const from = clock.now();
    const until = from + emergencyMs;
    const { name, owner: organization } = call.principal;
    const begun: EmergencyRecord = {
      id: requestId(),
      grant: grant.id,
      patient,
      owner,
      purpose,
      from,
      until,
      by: whoOf(call.principal),
    };
    const told = { patient, owner, purpose: { system: ACT_REASON, code: purpose }, reason };
    const audit = call.trail === undefined ? [] : [call.trail.emergency({ happened: 'start', ...told })];
    const notice = noticeOf({ ...asking, name, organization, at: from, until });
    try {
      await write(
        { ...call, principal: keeper(name, owner) },
        [{ operation: created(notice.resourceType, notice) }],
        alone,
        () => records.toKeep(begun),
        audit,
      );
    } catch (error) {
      // Of two at the same moment one has it.
      if (error instanceof FhirError) await refuseRunning(grant, patient);
      throw error;
    }
    terms.forget(grant.id);
    return until;
  }

  /** One whose time is over, and whose end is still to be told, is none. */
  async function refuseRunning(grant: Grant, patient: string): Promise<void> {
    const running = await asked(records.find(grant.id, patient));
    if (running === undefined) return;
    if (running.until <= clock.now()) {
      await finish(running);
      return;
    }
    const until = new Date(running.until).toISOString();
    const say = `This token's emergency for Patient/${patient} is on until ${until}, and cannot be made longer.`;
    throw failure(
      'conflict',
      `${say} It ends by itself, or by $break-glass-end; then a new one needs a reason of its own.`,
    );
  }

  async function end(call: Call, patient: string): Promise<void> {
    const grant = demandPerson(call, '$break-glass-end');
    const running = await asked(records.find(grant.id, patient));
    if (running === undefined || running.until <= clock.now() || !(await finish(running)))
      throw failure('not-found', `No emergency of this token is on for Patient/${patient}.`);
  }

  /** Whether this call ended it; of all who try, at whatever process, one does, and tells of it by the same write. */
  async function finish(running: EmergencyRecord): Promise<boolean> {
    const { by, owner, patient, purpose } = running;
    const act: Act = {
      kind: 'emergency-stop',
      status: 200,
      what: `Patient/${patient}`,
      of: [[patient, owner]],
      purpose: { system: ACT_REASON, code: purpose },
    };
    const along = record === undefined ? {} : { audit: [record({ who: by, acts: [act] })] };
    const isFirst = await store.write([], [], undefined, records.toEnd(running), along).then(
      () => true,
      (error: unknown) => {
        if (isStoreFailure(error, 'recorded')) return false;
        throw error instanceof StoreError ? tellStoreFailure(error) : error;
      },
    );
    terms.forget(running.grant);
    await asked(records.remove(running));
    return isFirst;
  }

  async function tellEnds(): Promise<number> {
    let told = 0;
    for await (const record of records.over()) if (await finish(record)) told += 1;
    return told;
  }

  function demandPerson({ principal }: Call, name: string): Grant {
    access.demandOperation(principal, name);
    const { grant } = principal;
    if (grant?.user !== undefined) return grant;
    throw failure('forbidden', `${name} is for people who have signed in: this token speaks for none.`);
  }

  return { begin, end, tellEnds };
}

/** Who keeps the notice: the patient's organization, as the person has no right to write there. */
const keeper = (name: string, owner: string): Principal => ({ name, role: 'operator', owner, owners: [owner] });
