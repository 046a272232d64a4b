/**
 * What keeps the server standing when more comes than it can do: how many requests are worked on and wait, how many
 * bytes are held for them, and how slow a line may be. Beyond a bound the answer is 503 at once.
 */
import type { Limits } from '../../kit/limits.js';
import { createAdmission, type Admission } from './admission.js';
import { createHold, type Hold } from './hold.js';
import { createPace, type Pace } from './pace.js';

export interface Traffic {
  admission: Admission;
  /** Bodies that are being read or worked on. */
  bodies: Hold;
  /** Answers that are on their way. */
  answers: Hold;
  pace: Pace;
  limits: Limits;
  close(): void;
}

export function createTraffic(limits: Limits): Traffic {
  const admission = createAdmission(limits);
  const pace = createPace(limits);
  return {
    admission,
    bodies: createHold(limits.bodyBytesHeld, limits.graceMs),
    answers: createHold(limits.answerBytesHeld, limits.graceMs),
    pace,
    limits,
    close() {
      admission.close();
      pace.close();
    },
  };
}
