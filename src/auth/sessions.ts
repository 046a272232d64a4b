/** Sessions of people at their browser, in the vault: named by the digest of their id, gone when nobody comes by any more. */
import type { Clock } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import type { Vault } from '../store/port.js';
import { createRecords } from './records.js';
import { digest } from './secrets.js';

export interface Kept {
  /** When it began, in milliseconds. */
  began: number;
  /** When it was last put, in milliseconds. */
  seen: number;
  data: Record<string, unknown>;
}

export interface Sessions {
  get(id: string): Promise<Kept | undefined>;
  put(id: string, data: Record<string, unknown>): Promise<void>;
  end(id: string): Promise<void>;
  /** By the digest of its id, as a grant names it. */
  isThere: (name: string) => Promise<boolean>;
}

/** A session is put again only after so much of its idle time: not with every page. */
const REFRESHED = 10;

export function createSessions(vault: Vault, clock: Clock): Sessions {
  const records = createRecords<Kept>(vault, 'session');
  return {
    get: (id) => records.get(digest(id)),
    async put(id, data) {
      const name = digest(id);
      const now = clock.now();
      const there = await records.get(name);
      const same = there !== undefined && JSON.stringify(there.data) === JSON.stringify(data);
      if (same && now - there.seen < limits.sessionIdleMs / REFRESHED) return;
      const began = there?.began ?? now;
      const expires = Math.min(now + limits.sessionIdleMs, began + limits.sessionMs);
      await records.put(name, { began, seen: now, data }, expires);
    },
    async end(id) {
      await records.take(digest(id));
    },
    isThere: async (name) => (await records.get(name)) !== undefined,
  };
}
