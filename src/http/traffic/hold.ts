/**
 * How many bytes are held in memory for requests, all together. When the bound is reached, those that wait longest for
 * their client lose their place first, so that a few slow lines cannot keep everybody else out.
 */

export interface Hold {
  /** `cut` ends what waits for its client; it is called at most once. */
  open(cut: () => void): Held;
  bytes(): number;
}

export interface Held {
  /** False when there is no room, not even after others were cut. */
  grow(bytes: number): boolean;
  /** From here on it waits for nobody but the server: it is not cut any more. */
  settle(): void;
  release(): void;
}

interface Entry {
  bytes: number;
  since: number;
  cut: () => void;
}

/** Who is younger than `graceMs` is no slow client yet. */
export function createHold(atMost: number, graceMs: number): Hold {
  let total = 0;
  /** In the order of their beginning. */
  const waiting = new Set<Entry>();

  /** The entry may be one of those that are cut. */
  function makeRoom(): void {
    const old = performance.now() - graceMs;
    for (const entry of waiting) {
      if (total <= atMost || entry.since > old) return;
      release(entry);
      entry.cut();
    }
  }

  function release(entry: Entry): void {
    waiting.delete(entry);
    total -= entry.bytes;
    entry.bytes = 0;
  }

  function open(cut: () => void): Held {
    const entry: Entry = { bytes: 0, since: performance.now(), cut };
    waiting.add(entry);
    return {
      grow(bytes) {
        entry.bytes += bytes;
        total += bytes;
        if (total > atMost) makeRoom();
        return total <= atMost;
      },
      settle: () => waiting.delete(entry),
      release: () => release(entry),
    };
  }

  return { open, bytes: () => total };
}
