/** What one transaction adds to the audit trail: all that its writes and appends have to tell becomes one link. */
import type { Clock } from '../../kit/clock.js';
import { headOf, linkAfter, newChain } from '../chain.js';
import type { AuditHead, AuditRecord } from '../port.js';
import type { Connection } from './connection.js';
import { sql } from './sql.js';

/** What a transaction has to tell. */
export interface Ledger {
  /** Called as the last thing of a job, which can no longer fail then. */
  add: (records: readonly AuditRecord[]) => void;
  /** At the beginning of a transaction, and when one was rolled back: nothing is to be told yet. */
  clear: () => void;
  /** Inside the transaction, before its commit. */
  seal: () => void;
}

/** @param sealed told how many records a transaction was given */
export function createLedger({ get, run }: Connection, clock: Clock, sealed: (records: number) => void): Ledger {
  let records: AuditRecord[] = [];

  function seal(): void {
    if (records.length === 0) return;
    const { at: before, ...head } = lastOf(get(sql`SELECT value FROM note WHERE name = ${NOTE}`)?.value);
    const { link, listed } = linkAfter(head, records, Math.max(clock.now(), before));
    const { chain, first, at, text, hash } = link;
    run(sql`
      INSERT INTO audit_link (chain, first, at, text, keys, before, hash)
      VALUES (${chain}, ${first}, ${at}, ${text}, ${listed}, ${link.before}, ${hash})`);
    const last: Last = { ...headOf(link), at };
    run(sql`INSERT OR REPLACE INTO note (name, value) VALUES (${NOTE}, ${JSON.stringify(last)})`);
    sealed(records.length);
    records = [];
  }

  return {
    add: (more) => void records.push(...more),
    clear: () => {
      records = [];
    },
    seal,
  };
}

/** Where the chain ended, and when; what the next link begins from. */
export interface Last extends AuditHead {
  at: number;
}

export const lastOf = (value: unknown): Last =>
  typeof value === 'string' ? (JSON.parse(value) as Last) : { ...newChain(), at: 0 };

/** The head of the chain, among the notes. */
export const NOTE = 'audit';
