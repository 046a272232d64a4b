/** Bytes that are too large for a resource document, addressed by what they are. Two adapters: files and GridFS. */
import type { Readable } from 'node:stream';
import type { Instant } from '../kit/clock.js';

/** The SHA-256 of the bytes in lower-case hexadecimal, and how many they are. */
export interface BlobRef {
  hash: string;
  size: number;
}

export interface Blobs {
  /**
   * Stores the bytes of a stream under their own hash, durably before it resolves; the same bytes twice are stored
   * once. Rejects with `TooManyBytes` as soon as more than `atMost` have come, and leaves nothing behind then, nor
   * when the stream fails. The blob is held from then on: no collector takes it, in whatever process it runs, until
   * the reference that this resolved to is handed to `settled`, or the hold is so old that its process must be gone.
   */
  put(bytes: Readable, atMost: number): Promise<BlobRef>;
  /** What refers to the blob is written: it needs no hold any more. For the very reference that `put` gave. */
  settled(ref: BlobRef): Promise<void>;
  /** The bytes, or those from `start` to `end` (both included); undefined when there is no such blob. */
  get(ref: BlobRef, range?: { start: number; end: number }): Promise<Readable | undefined>;
  /** Every blob that is there throughout, in no order. */
  list(): AsyncIterable<ListedBlob>;
  /**
   * Removes a blob that was put before an instant and is not held, if `isUsed` says no. It is set aside before that is
   * asked, and a put of the same bytes brings it back: whoever refers to it either is seen, or has put it anew.
   * False when it stayed.
   */
  remove(hash: string, terms: RemovalTerms): Promise<boolean>;
  close(): Promise<void>;
}

export interface ListedBlob extends BlobRef {
  /** When it was put, the last time. */
  since: Instant;
}

export interface RemovalTerms {
  before: Instant;
  /** Holds that were taken before this instant count no longer. */
  heldBefore: Instant;
  isUsed: () => Promise<boolean>;
}

export class TooManyBytes extends Error {
  constructor(atMost: number) {
    super(`More than ${String(atMost)} bytes.`);
    this.name = 'TooManyBytes';
  }
}
