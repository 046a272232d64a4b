/** The part of the port that the audit trail is kept by. */
import type { Instant } from '../kit/clock.js';
import type { Page, PageRequest, Position } from './port.js';

/**
 * The audit trail: lines that are only ever added, each group of them a link that holds the hash of the one before it.
 * A chain is what one writer adds: SQLite has one, MongoDB one for each process. See `chain.ts` and `../audit/`.
 */
export interface AuditLog {
  /** Resolves when they are kept for good. Those that come together are kept together, as one link. */
  append(records: AuditRecord[]): Promise<void>;
  /** Those of a key, the newest first; of one millisecond chain by chain. `from` and `to` bound when they were kept, both included. */
  scan(key: string, span: { from?: Instant; to?: Instant }, page: PageRequest): Promise<Page<AuditFound>>;
  get(id: string): Promise<AuditEntry | undefined>;
  /** All links, each chain in its order. */
  links(page: PageRequest): Promise<Page<AuditLink>>;
  /** The same in the order of time, chains between each other, as `load` takes them; which keys are lost is not asked. */
  inTime(page: PageRequest): Promise<Page<AuditLink>>;
  /** Takes the whole trail away: for a store that is being filled anew, and that no server has started on. */
  clear(): Promise<void>;
  /** Keeps links of another store exactly as they are, behind those that were loaded before. Their chains go on no more. */
  load(links: readonly AuditLink[]): Promise<void>;
  /** Notes where chains that were loaded have ended. */
  ended(heads: readonly AuditHead[]): Promise<void>;
  /** Where each chain ended, as it was noted apart from the links: at most a second late on MongoDB. */
  heads(): Promise<AuditHead[]>;
  /**
   * Removes whole links from the beginnings of chains, those that were kept before this instant, after adding the record
   * that tells of it. Resolves to how many records are gone.
   */
  expire(before: Instant, told: (cut: AuditHead[]) => AuditRecord): Promise<number>;
}

/** A record that is to be kept. The store never reads its text. */
export interface AuditRecord {
  /** One line. */
  text: string;
  /** What it is found by, each once. */
  keys: string[];
}

/** A record that is kept. */
export interface AuditEntry {
  /** The chain and the record's number in it: `9f86d081884c7d65-17`. */
  id: string;
  /** When it was kept; it never falls within a chain. */
  at: Instant;
  text: string;
}

/** What a scan came to, and where one that goes on behind it begins. */
export interface AuditFound extends AuditEntry {
  place: Position;
}

/** A point of a chain: how many records it has up to there, and the hash of the link that ends there. */
export interface AuditHead {
  chain: string;
  count: number;
  hash: string;
}

export interface AuditLink {
  chain: string;
  /** How many records the chain has before this link. */
  first: number;
  at: Instant;
  /** Its records, a line each, and the keys of each. */
  text: string;
  keys: string[][];
  /** Keys by which a record is no longer found, though its link says so: somebody took them away. */
  lost: string[];
  /** The hash of the link before; '' for the first one. */
  before: string;
  hash: string;
}
