/** What the patient's organization is told when somebody breaks the glass: an alert in the record of that patient. */
import { ACT_REASON, type EmergencyPurpose } from '../../access/emergency.js';
import { instantText } from '../../fhir/datetime.js';
import type { Resource } from '../../fhir/types.js';
import type { Instant } from '../../kit/clock.js';

export interface Notice {
  patient: string;
  /** The person's name, and their organization's. */
  name: string;
  organization: string;
  purpose: EmergencyPurpose;
  reason: string;
  at: Instant;
  until: Instant;
}

const CATEGORIES = 'http://terminology.hl7.org/CodeSystem/communication-category';

export function noticeOf({ at, name, organization, patient, purpose, reason, until }: Notice): Resource {
  const who = `${name} (${organization})`;
  const what = `broke the glass: they may read the record of Patient/${patient} from ${instantText(at)} to ${instantText(until)}.`;
  return {
    resourceType: 'Communication',
    status: 'completed',
    category: [{ coding: [{ system: CATEGORIES, code: 'alert', display: 'Alert' }] }],
    priority: 'urgent',
    subject: { reference: `Patient/${patient}` },
    topic: { text: 'Break-glass' },
    sent: instantText(at),
    // They are known at their own organization, whose directory need not name them: no reference that leads nowhere.
    sender: { display: who },
    reasonCode: [{ coding: [{ system: ACT_REASON, code: purpose }] }],
    payload: [{ contentString: `${who} ${what} Reason given: ${reason}` }],
  };
}
