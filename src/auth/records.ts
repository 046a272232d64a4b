/**
 * What the authorization server remembers, in the store's vault: accounts, clients, grants, tokens, sessions. Each kind
 * has its keys under a name of its own. Secrets never get here: tokens are named by their digest.
 */
import type { Clock, Instant } from '../kit/clock.js';
import type { Vault } from '../store/port.js';

export interface Records<T> {
  get(name: string): Promise<T | undefined>;
  put(name: string, value: T, expires?: Instant): Promise<void>;
  /** True for exactly one of all who try, at whatever process. */
  claim(name: string, value: T, expires?: Instant): Promise<boolean>;
  /** Gives the record to exactly one of all who try, and removes it. */
  take(name: string): Promise<T | undefined>;
  /** Those whose names begin so, in the order of their names. */
  list(prefix: string, atMost: number): Promise<{ name: string; value: T }[]>;
}

/** The last millisecond of the year 9999: what does not end by itself. */
export const FOREVER: Instant = 253_402_300_799_999;

/** Records that one question to the vault brings. */
const PAGE = 200;

export function createRecords<T>(vault: Vault, kind: string): Records<T> {
  const keyOf = (name: string): string => `auth:${kind}:${name}`;
  const read = (text: string | undefined): T | undefined => (text === undefined ? undefined : (JSON.parse(text) as T));

  async function list(prefix: string, atMost: number) {
    const [first, found] = [keyOf(prefix), [] as { name: string; value: T }[]];
    for (let after: string | undefined; found.length < atMost;) {
      const page = await vault.list(after, PAGE, first);
      for (const { key, value } of page)
        found.push({ name: key.slice(keyOf('').length), value: JSON.parse(value) as T });
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = last.key;
    }
    return found.slice(0, atMost);
  }

  return {
    get: async (name) => read(await vault.get(keyOf(name))),
    put: (name, value, expires = FOREVER) => vault.put(keyOf(name), JSON.stringify(value), expires),
    claim: (name, value, expires = FOREVER) => vault.putIfAbsent(keyOf(name), JSON.stringify(value), expires),
    take: async (name) => read(await vault.take(keyOf(name))),
    list,
  };
}

/** What all parts of the authorization server work with. */
export interface Ground {
  vault: Vault;
  clock: Clock;
  /** The FHIR base URL: what tokens are for. */
  base: string;
  /** The server's own name in OAuth; its endpoints stand below it. */
  issuer: string;
}
