/** Tokens and passwords: what is handed out once and kept only as what can be compared with it. */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { limits } from '../kit/limits.js';

/** A secret's SHA-256: enough for 256 random bits, which nobody tries out. The vault holds tokens only in this form. */
export const digest = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Takes the same time whatever differs, and where. */
export const isSame = (one: string, other: string): boolean =>
  timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest());

/** What scrypt takes beside the limit N, the rounds: blocks, and how often. */
const COST = { r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const KEY_BYTES = 32;

type Cost = Record<keyof typeof COST | 'N', number>;

const derive = promisify<string, Buffer, number, Cost, Buffer>(scrypt);

/** `scrypt$N$r$p$salt$key`: what it cost stands with it, so that a later cost does not lock anybody out. */
export async function hashPassword(password: string, N: number = limits.passwordRounds): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password.normalize('NFKC'), salt, KEY_BYTES, { ...COST, N });
  return ['scrypt', N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [, N, r, p, salt = '', kept = ''] = hash.split('$');
  const cost = { N: Number(N), r: Number(r), p: Number(p), maxmem: COST.maxmem };
  const key = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), KEY_BYTES, cost);
  return timingSafeEqual(key, Buffer.from(kept, 'base64url'));
}

/** Compared with where there is no account, so that no name is told by how long the answer takes. */
export const nobodysHash = (N: number): string => `scrypt$${N}$${COST.r}$${COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;
