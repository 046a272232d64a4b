/**
 * The links of the audit trail, the same in every store: what a link is hashed over, and how its lines are told apart.
 * Whoever alters, removes, inserts or moves a line has to make all later hashes anew, and the heads that are kept apart
 * tell of that.
 */
import { hash as digest, randomBytes } from 'node:crypto';
import type { Instant } from '../kit/clock.js';
import type { AuditEntry, AuditHead, AuditLink, AuditRecord } from './port.js';

/** 64 random bits: two processes never begin the same chain. */
export const newChain = (): AuditHead => ({ chain: randomBytes(8).toString('hex'), count: 0, hash: '' });

/** What a link says before it has a hash. */
type Said = Omit<AuditLink, 'hash' | 'lost'>;

/**
 * SHA-256 over all of it, the hash before it included; only the records are more than one line.
 * @param listed the keys as JSON, where that is made already
 */
export function hashOf({ chain, first, at, text, keys, before }: Said, listed = JSON.stringify(keys)): string {
  return digest('sha256', `${before}\n${chain} ${first} ${at}\n${listed}\n${text}`);
}

/** The link that follows a head, and its keys as JSON. */
export function linkAfter(
  { chain, count, hash }: AuditHead,
  records: readonly AuditRecord[],
  at: Instant,
): { link: AuditLink; listed: string } {
  let text = '';
  for (const record of records) text += text === '' ? record.text : `\n${record.text}`;
  const keys = records.map((record) => record.keys);
  const listed = JSON.stringify(keys);
  const said = { chain, first: count, at, text, keys, before: hash };
  return { link: { ...said, lost: [], hash: hashOf(said, listed) }, listed };
}

export const linesOf = (text: string): string[] => text.split('\n');

/** Where a chain is once it has this link. */
export const headOf = ({
  chain,
  first,
  keys,
  hash,
}: Omit<AuditLink, 'lost' | 'text' | 'at' | 'before'>): AuditHead => ({
  chain,
  count: first + keys.length,
  hash,
});

export function entryOf(
  { chain, first, at, text }: Pick<AuditLink, 'chain' | 'first' | 'at' | 'text'>,
  line: number,
): AuditEntry {
  return { id: `${chain}-${first + line}`, at, text: linesOf(text)[line] ?? '' };
}

/** The chain and the number; undefined for what no store has given out. */
export function placeOf(id: string): { chain: string; number: number } | undefined {
  const [, chain, number] = /^([0-9a-f]{16})-(0|[1-9][0-9]{0,14})$/.exec(id) ?? [];
  return chain === undefined ? undefined : { chain, number: Number(number) };
}
