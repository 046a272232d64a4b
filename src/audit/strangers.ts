/**
 * Requests with no valid token. Ten of an address in a minute are told of one by one; those beyond are counted, and told
 * of together when the minute is over, so that nobody fills the trail by asking in vain.
 */
import type { Clock } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { AuditLog } from '../store/port.js';
import { recordOf } from './record.js';
import type { Asked, Caller, OpenTrail } from './trail.js';

export interface Strangers {
  /** Whether one more of this address is told of by itself; else it is counted. */
  admit(from: string, status: number): boolean;
  /** Resolves when it is kept, or counted. */
  tell(caller: Caller, asked: Asked, status: number): Promise<void>;
  /** One that was refused before anybody looked at it. */
  count(from: string, status: number): void;
  /** Tells of what was counted so far. */
  close(): Promise<void>;
}

/** What one address did in one minute. */
interface Seen {
  minute: number;
  told: number;
  /** Status -> how often. */
  counted: Map<number, number>;
}

const MINUTE_MS = 60_000;

/** Stands for all addresses beyond those that are kept apart. */
const OTHERS = 'others';

export function createStrangers(log: AuditLog, open: OpenTrail, clock: Clock): Strangers {
  const seen = new Map<string, Seen>();
  const minuteOf = () => Math.floor(clock.now() / MINUTE_MS);
  const timer = setInterval(() => void flush(minuteOf()).catch(() => undefined), MINUTE_MS);
  timer.unref();

  function of(from: string): Seen {
    const name = seen.has(from) || seen.size < limits.auditAddresses ? from : OTHERS;
    const there = seen.get(name);
    const minute = minuteOf();
    if (there?.minute === minute) return there;
    if (there !== undefined) void flush(minute).catch(() => undefined);
    const one = { minute, told: 0, counted: new Map<number, number>() };
    seen.set(name, one);
    return one;
  }

  function count(from: string, status: number): void {
    const { counted } = of(from);
    counted.set(status, (counted.get(status) ?? 0) + 1);
  }

  /** Those of minutes that are over. What cannot be kept now is tried again. */
  async function flush(before: number): Promise<void> {
    const over = [...seen].filter(([, { minute }]) => minute < before);
    for (const [from] of over) seen.delete(from);
    const records = over.flatMap(([from, { minute, counted }]) => {
      if (counted.size === 0) return [];
      const detail = Object.fromEntries([...counted].map(([status, times]) => [`status ${status}`, String(times)]));
      return [recordOf({ at: minute * MINUTE_MS, from, acts: [{ kind: 'counted', status: 401, detail }] })];
    });
    await log.append(records).catch((error: unknown) => {
      for (const [from, one] of over) if (!seen.has(from)) seen.set(from, one);
      throw error;
    });
  }

  function admit(from: string, status: number): boolean {
    const one = of(from);
    one.told += 1;
    if (one.told <= limits.auditStrangers) return true;
    count(from, status);
    return false;
  }

  return {
    admit,
    count,
    async tell(caller, asked, status) {
      if (admit(caller.from, status)) await open(caller, asked).close(status);
    },
    async close() {
      clearInterval(timer);
      await flush(Infinity);
    },
  };
}
