/** The audit trail of a server: who asked for what, kept before they are answered. (docs/sharing.md, docs/operation.md) */
import type { Clock } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { AuditLog, AuditRecord } from '../store/port.js';
import { createPatientsOf } from './patients.js';
import { recordOf, type Told } from './record.js';
import { createStrangers, type Strangers } from './strangers.js';
import { createTrails, type OpenTrail } from './trail.js';

export interface Audit {
  /** Begins the trail of a request whose caller is known. */
  open: OpenTrail;
  strangers: Strangers;
  /** A record of what is no request: for a write to keep, or to be told by itself. */
  record: (told: Partial<Told> & Pick<Told, 'acts'>) => AuditRecord;
  tell(told: Partial<Told> & Pick<Told, 'acts'>): Promise<void>;
  close(): Promise<void>;
}

export interface AuditParts {
  log: AuditLog;
  clock: Clock;
  base: string;
  /** How many days records are kept. */
  days: number;
  /** Told when the oldest could not be removed. */
  lost: (error: unknown) => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** How often the oldest records are looked at. */
const EXPIRY_MS = 60 * 60 * 1000;

export function createAudit({ log, clock, base, days, lost }: AuditParts): Audit {
  const patientsOf = createPatientsOf(base, limits.auditPatients);
  const open = createTrails({ log, patientsOf, most: limits.auditPatients });
  const strangers = createStrangers(log, open, clock);
  const record: Audit['record'] = (told) => recordOf({ at: clock.now(), ...told });
  const timer = setInterval(() => void expire().catch(lost), EXPIRY_MS);
  timer.unref();

  /** Some at a time, until none is too old. */
  async function expire(): Promise<void> {
    const before = clock.now() - days * DAY_MS;
    for (;;) {
      const gone = await log.expire(before, (cut) => record({ acts: [{ kind: 'expired', status: 200 }], cut }));
      if (gone === 0) return;
    }
  }

  return {
    open,
    strangers,
    record,
    tell: (told) => log.append([record(told)]),
    async close() {
      clearInterval(timer);
      await strangers.close().catch(lost);
    },
  };
}
