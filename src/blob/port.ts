/** Bytes that are too large for a resource document, addressed by what they are. Two adapters: files and GridFS. */
import type { Readable } from 'node:stream';

/** The SHA-256 of the bytes in lower-case hexadecimal, and how many they are. */
export interface BlobRef {
  hash: string;
  size: number;
}

export interface Blobs {
  /**
   * Stores the bytes of a stream under their own hash, durably before it resolves; the same bytes twice are stored
   * once. Rejects with `TooManyBytes` as soon as more than `atMost` have come, and leaves nothing behind then, nor
   * when the stream fails.
   */
  put(bytes: Readable, atMost: number): Promise<BlobRef>;
  /** The bytes, or those from `start` to `end` (both included); undefined when there is no such blob. */
  get(ref: BlobRef, range?: { start: number; end: number }): Promise<Readable | undefined>;
  close(): Promise<void>;
}

export class TooManyBytes extends Error {
  constructor(atMost: number) {
    super(`More than ${String(atMost)} bytes.`);
    this.name = 'TooManyBytes';
  }
}
