/**
 * What is open: a resource may be seen by others than its owner, from one instant on, until and without another. Who
 * asks does so in the name of some (an organization, and `*`, which is everybody) at one instant.
 */
import type { Instant } from '../kit/clock.js';

export interface OpenedTo {
  /** Organizations; `*`: what is open to everybody. */
  to: readonly string[];
  at: Instant;
}

/** Without a bound: 0 and `Number.MAX_SAFE_INTEGER`. */
export interface Openness {
  to: string;
  from: Instant;
  until: Instant;
}

export const isOpen = (openings: readonly Openness[] | undefined, asked: OpenedTo | undefined): boolean =>
  asked !== undefined &&
  (openings?.some(({ to, from, until }) => from <= asked.at && asked.at < until && asked.to.includes(to)) ?? false);
