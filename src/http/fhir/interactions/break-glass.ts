/**
 * `Patient/[id]/$break-glass` and `$break-glass-end`: an emergency, and its end
 * (conformance/OperationDefinition-patient-break-glass.json).
 */
import { ACT_REASON, EMERGENCY_PURPOSES, type EmergencyPurpose } from '../../../access/emergency.js';
import { instantText } from '../../../fhir/datetime.js';
import { failure, operationOutcome } from '../../../fhir/outcome.js';
import type { Coding, Element, Resource } from '../../../fhir/types.js';
import { limits } from '../../../kit/limits.js';
import { readResource } from '../../../repository/prepare/body.js';
import { readBody } from '../../body.js';
import type { FhirCall } from '../call.js';
import { demandJson } from '../negotiate.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function breakGlass(call: FhirCall, { repository }: Parts): Promise<Reply> {
  demandPatient(call, '$break-glass');
  const bytes = await readBody(call, 'formBytes');
  if (bytes.length === 0)
    throw failure('malformed', 'The body is empty; Parameters with reason and purpose were expected.');
  demandJson(call.request.headers['content-type']);
  const { purpose, reason } = given(readResource(bytes, 'Parameters'));
  const until = await repository.emergencies.begin(call, { patient: call.resourceId, purpose, reason });
  const parameter = [{ name: 'until', valueInstant: instantText(until) }];
  return { status: 200, text: JSON.stringify({ resourceType: 'Parameters', parameter }) };
}

export async function endBreakGlass(call: FhirCall, { repository }: Parts): Promise<Reply> {
  demandPatient(call, '$break-glass-end');
  const bytes = await readBody(call, 'formBytes');
  if (bytes.length > 0) {
    demandJson(call.request.headers['content-type']);
    refuseOthers(readResource(bytes, 'Parameters'), {});
  }
  await repository.emergencies.end(call, call.resourceId);
  const say = `The emergency for Patient/${call.resourceId} has ended.`;
  const issue = { severity: 'information', code: 'informational', diagnostics: say } as const;
  return { status: 200, text: JSON.stringify(operationOutcome([issue])) };
}

function demandPatient({ query, type }: FhirCall, name: string): void {
  formatParameter(query);
  if (type !== 'Patient') throw failure('not-found', `${name} is about a Patient; ${type} has no such operation.`);
}

interface Given {
  reason: string;
  purpose: EmergencyPurpose;
}

/** TABLE: parameter -> how it is read. Each is given once. */
const PARAMETERS: { [Name in keyof Given]: (value: Element, at: string) => Given[Name] } = {
  reason({ valueString }, at) {
    const reason = typeof valueString === 'string' ? valueString.trim() : '';
    if (reason !== '' && reason.length <= limits.emergencyReasonCharacters && !UNREADABLE.test(reason)) return reason;
    const say = `The reason is a valueString of 1 to ${limits.emergencyReasonCharacters} characters`;
    throw failure('value', `${say}, in words: the patient's organization reads it.`, at);
  },
  purpose({ valueCoding }, at) {
    const { code, system } = (valueCoding ?? {}) as Coding;
    const purpose = EMERGENCY_PURPOSES.find((one) => one === code);
    if (purpose !== undefined && (system === undefined || system === ACT_REASON)) return purpose;
    throw failure('value', `The purpose is a valueCoding of ${ACT_REASON}: ${EMERGENCY_PURPOSES.join(' or ')}.`, at);
  },
};

/** What no FHIR string may hold. */
const UNREADABLE = /(?![\t\r\n])[\p{Cc}\p{Cs}]/u;

function given(body: Resource): Given {
  const found = refuseOthers(body, PARAMETERS);
  const read = <Name extends keyof Given>(name: Name): Given[Name] => {
    const one = found.get(name);
    if (one === undefined) throw failure('invalid', `The parameter "${name}" is missing.`, 'Parameters.parameter');
    return PARAMETERS[name](one.value, one.at);
  };
  return { purpose: read('purpose'), reason: read('reason') };
}

/** The parameters by name. Throws for what is none of these, or comes twice. */
function refuseOthers({ parameter }: Resource, known: object): Map<string, { value: Element; at: string }> {
  const found = new Map<string, { value: Element; at: string }>();
  if (parameter !== undefined && !Array.isArray(parameter))
    throw failure('malformed', 'Parameters.parameter must be an array.', 'Parameters.parameter');
  for (const [n, one] of ((parameter ?? []) as (Element | null)[]).entries()) {
    const [name, at] = [String(one?.name), `Parameters.parameter[${n}]`];
    if (one === null || !Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(' and ');
      const say = `The parameter "${name.slice(0, 60)}" means nothing here; ${names === '' ? 'none is taken' : `${names} are taken`}.`;
      throw failure('not-supported', say, at);
    }
    if (found.has(name)) throw failure('invalid', `"${name}" may be given once.`, at);
    found.set(name, { value: one, at });
  }
  return found;
}
