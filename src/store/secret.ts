/** A secret shared by all processes on one store, so that a page or a session begun at one goes on at another. */
import { assert } from '../kit/assert.js';
import type { Clock } from '../kit/clock.js';
import { unguessableToken } from '../kit/id.js';
import type { Vault } from './port.js';

const YEAR_MS = 365 * 24 * 3600 * 1000;

export async function sharedSecret(name: 'cursor-key' | 'session-secret', vault: Vault, clock: Clock): Promise<string> {
  await vault.putIfAbsent(name, unguessableToken(), clock.now() + YEAR_MS);
  const key = await vault.get(name);
  assert(key !== undefined, 'it was just put into the vault');
  return key;
}
