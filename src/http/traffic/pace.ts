/** Cuts lines that move too little: one timer for all of them, which looks what each has moved since it looked last. */
import type { Limits } from '../../kit/limits.js';

export interface Pace {
  /** `moved` counts bytes, and is Infinity while it is the server that is slow. Returns what ends the watch. */
  watch(moved: () => number, cut: () => void): () => void;
  close(): void;
}

interface Line {
  moved: () => number;
  cut: () => void;
  before: number;
  /** Looks since it last moved enough. */
  behind: number;
}

/** Looks in each period: what comes between two of them is noticed late by one. */
const LOOKS = 4;

export function createPace({ paceBytes, paceMs }: Limits): Pace {
  const lines = new Set<Line>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    for (const line of lines) {
      const now = line.moved();
      if (now - line.before >= paceBytes || now === Infinity) {
        line.before = now === Infinity ? line.before : now;
        line.behind = 0;
        continue;
      }
      line.behind += 1;
      if (line.behind < LOOKS) continue;
      lines.delete(line);
      line.cut();
    }
    if (lines.size === 0) stop();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    watch(moved, cut) {
      const line: Line = { moved, cut, before: 0, behind: 0 };
      const first = moved();
      line.before = first === Infinity ? 0 : first;
      lines.add(line);
      timer ??= setInterval(look, paceMs / LOOKS).unref();
      return () => {
        lines.delete(line);
        if (lines.size === 0) stop();
      };
    },
    close: stop,
  };
}
