/** What was asked of a server and what it said of it: kept by the clients, outside of anything that is killed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

export type Fate = 'done' | 'refused' | 'unknown';

export class Ledger {
  /** `Basic/1/_history/2` -> the hash of the text that was acknowledged; of a deletion: DELETED. */
  readonly acknowledged = new Map<string, string>();
  /** The marker of each write -> what became of it, and how many versions have it if it was done. */
  readonly markers = new Map<string, { fate: Fate; versions: number }>();
  /** `Basic/1`: whose deletion may have taken place. */
  readonly perhapsDeleted = new Set<string>();
  /** Milliseconds from each kill to the first write that was asked for after it and acknowledged. */
  readonly outages: number[] = [];
  #struck: number | undefined;

  struck(): void {
    this.#struck = performance.now();
  }

  /** @param asked when it was asked for */
  acknowledge(name: string, version: number, text: string | undefined, asked: number): void {
    const key = `${name}/_history/${version}`;
    assert.ok(!this.acknowledged.has(key), `${key} was acknowledged twice`);
    this.acknowledged.set(key, hashOf(text));
    if (this.#struck === undefined || asked < this.#struck) return;
    this.outages.push(performance.now() - this.#struck);
    this.#struck = undefined;
  }

  mark(marker: string, fate: Fate, versions: number): void {
    this.markers.set(marker, { fate, versions });
  }
}

export const DELETED = 'deleted';

export const hashOf = (text: string | undefined): string =>
  text === undefined ? DELETED : createHash('sha256').update(text).digest('base64').slice(0, 22);
