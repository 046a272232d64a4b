/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** The only source of time; tests hand in one that they move. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => Date.now() };
