/** The one thing that a purge leaves: an AuditEvent of who erased which patient and how much, without any content. */
import type { Call } from '../../access/principal.js';
import { instantText } from '../../fhir/datetime.js';
import type { Resource } from '../../fhir/types.js';
import { timeOrderedId } from '../../kit/id.js';
import type { Entry } from '../../search/plan.js';
import type { Change, Key } from '../../store/port.js';
import { nameOf } from '../operations.js';
import { finalText, stamped } from '../version.js';

export interface Tally {
  resources: number;
  versions: number;
  blobs: number;
}

interface Terms {
  patient: Key;
  tally: Tally;
  at: number;
  base: string;
}

export function recordOf(
  call: Call,
  extract: (resource: Resource) => Entry[],
  { patient, tally, at, base }: Terms,
): Change {
  const id = timeOrderedId(at);
  const name = nameOf(patient);
  const { owner, role, name: who } = call.principal;
  const event: Resource = {
    resourceType: 'AuditEvent',
    type: {
      system: `${TERMINOLOGY}/iso-21089-lifecycle`,
      code: 'destroy',
      display: 'Destroy/Delete Record Lifecycle Event',
    },
    subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'operation', display: 'operation' }],
    action: 'D',
    recorded: instantText(at),
    outcome: '0',
    agent: [{ who: { identifier: { value: who }, display: who }, role: [{ text: role }], requestor: true }],
    source: { observer: { display: 'Afferent', identifier: { system: 'urn:ietf:rfc:3986', value: base } } },
    entity: [
      {
        // No literal reference: it would lead nowhere, and make this record a member of what is erased.
        what: {
          type: patient.type,
          identifier: { system: 'urn:ietf:rfc:3986', value: `${base}/${name}` },
          display: name,
        },
        type: { system: `${TERMINOLOGY}/audit-entity-type`, code: '1', display: 'Person' },
        role: { system: `${TERMINOLOGY}/object-role`, code: '1', display: 'Patient' },
        lifecycle: {
          system: `${TERMINOLOGY}/dicom-audit-lifecycle`,
          code: '15',
          display: 'Permanent erasure / Physical destruction',
        },
        detail: Object.entries(tally).map(([type, count]) => ({ type, valueString: String(count) })),
      },
    ],
  };
  const resource = stamped(event, { id, version: 1, updated: at });
  return {
    type: 'AuditEvent',
    id,
    version: 1,
    updated: at,
    owner,
    method: 'POST',
    text: finalText(resource),
    entries: extract(resource),
  };
}

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
