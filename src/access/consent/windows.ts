/** When a resource may be open to an organization, as far as the patient's Consents are concerned. */
import type { Instant } from '../../kit/clock.js';
import { matches } from '../../search/match.js';
import type { Entry } from '../../search/plan.js';
import type { Agreement, Provision } from './consent.js';
import { denied, type Question } from './decide.js';

/** From one instant on, and until, but without, another. */
export interface Window {
  from: Instant;
  until: Instant;
}

export interface Shown {
  type: string;
  id: string;
  /** Its search values, or those of `_security` alone. */
  entries: readonly Entry[];
}

/** Whether the Consents deny the resource. */
export function isDenied(
  agreements: readonly Agreement[],
  { entries, id, type }: Shown,
  question: Omit<Question, 'type'>,
): boolean {
  return matches(denied(agreements, { ...question, type }), { type, id, entries, updated: 0 }, []);
}

/**
 * The parts of a window in which somebody of the organization may see the resource. What is denied to some of its people
 * only stays in: their own plan keeps it from them (`plan.ts`).
 * @param agreements those of one patient whom the resource is about, at the organization that owns it
 */
export function windows(
  agreements: readonly Agreement[],
  shown: Shown,
  organization: string,
  { from, until }: Window,
): Window[] {
  const actor = { kind: 'anyone', organization } as const;
  const turns = agreements.flatMap(({ root }) => boundsOf(root)).filter((at) => at > from && at < until);
  const starts = [from, ...new Set(turns.sort((one, other) => one - other))];
  const open: Window[] = [];
  starts.forEach((start, n) => {
    if (start >= until || isDenied(agreements, shown, { actor, at: start })) return;
    const end = starts[n + 1] ?? until;
    const last = open.at(-1);
    if (last?.until === start) last.until = end;
    else open.push({ from: start, until: end });
  });
  return open;
}

/** The instants at which a provision, or one in it, begins or ceases to count. */
export const boundsOf = ({ exceptions, from, until }: Provision): Instant[] => [
  from,
  until,
  ...exceptions.flatMap(boundsOf),
];

/** The same time, each part of it once. */
export function merged(all: readonly Window[]): Window[] {
  const found: Window[] = [];
  for (const { from, until } of [...all].sort((one, other) => one.from - other.from)) {
    const last = found.at(-1);
    if (last !== undefined && from <= last.until) last.until = Math.max(last.until, until);
    else found.push({ from, until });
  }
  return found;
}
