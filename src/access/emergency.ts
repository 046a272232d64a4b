/**
 * An emergency: who broke the glass sees one patient's record for a while, at the organization that keeps it. It is for
 * reading alone, with the token's grant that it was begun with, and ends by its time. (docs/sharing.md)
 */
import type { Instant } from '../kit/clock.js';

export interface Emergency {
  id: string;
  /** The patient's id. */
  patient: string;
  /** The organization whose patient it is. */
  owner: string;
  from: Instant;
  until: Instant;
}

/** Why somebody broke the glass: emergency treatment, or breaking the glass itself. (v3-ActReason) */
export const EMERGENCY_PURPOSES = ['ETREAT', 'BTG'] as const;
export type EmergencyPurpose = (typeof EMERGENCY_PURPOSES)[number];

export const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
