/**
 * A record as R4 AuditEvents, in the shapes of IHE's Basic Audit Log Patterns: one for each act and each patient that it
 * was about, so that nobody who is shown an event about one patient learns of another. (BALP 1.1.4, PatientQuery)
 */
import { HOME } from '../access/principal.js';
import { instantText } from '../fhir/datetime.js';
import type { Coding, Resource } from '../fhir/types.js';
import type { AuditEntry } from '../store/port.js';
import { EVENTS, kinds, type Kind } from './kinds.js';
import type { Act, Told, Who } from './record.js';

export interface Event {
  resource: Resource & { id: string };
  /** The organizations whose auditors see it. */
  owners: string[];
}

const BALP = 'https://profiles.ihe.net/ITI/BALP';
const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
const URI = 'urn:ietf:rfc:3986';

const SYSTEM_OBJECT: Coding = { system: `${TERMINOLOGY}/audit-entity-type`, code: '2', display: 'System Object' };
const PERSON: Coding = { system: `${TERMINOLOGY}/audit-entity-type`, code: '1', display: 'Person' };
const objectRole = (code: string, display: string): Coding => ({ system: `${TERMINOLOGY}/object-role`, code, display });
const [PATIENT, DOMAIN_RESOURCE, QUERY] = [
  objectRole('1', 'Patient'),
  objectRole('4', 'Domain Resource'),
  objectRole('24', 'Query'),
];

/** In the order of its acts and their patients: an id names the same one for good. */
export function eventsOf(entry: AuditEntry, base: string): Event[] {
  const told = JSON.parse(entry.text) as Told;
  const events: Event[] = [];
  for (const act of told.acts)
    for (const [patient, owners] of patientsOf(act)) {
      const id = events.length === 0 ? entry.id : `${entry.id}.${events.length}`;
      const resource = { resourceType: 'AuditEvent', id, ...eventOf(entry, told, act, patient, base) };
      events.push({ resource, owners: [...new Set([told.who?.owner ?? HOME, ...owners])] });
    }
  return events;
}

/** The record that an event is part of. */
export const recordIdOf = (id: string): string => id.replace(/\..*$/, '');

/** Patient -> the organizations that have it; `undefined` where it is about none. */
function patientsOf({ of = [] }: Act): Map<string | undefined, string[]> {
  const found = new Map<string | undefined, string[]>();
  for (const [patient, owner] of of) {
    if (patient === '') continue;
    found.set(patient, [...(found.get(patient) ?? []), owner]);
  }
  if (found.size === 0)
    found.set(
      undefined,
      of.map(([, owner]) => owner),
    );
  return found;
}

function eventOf(entry: AuditEntry, told: Told, act: Act, patient: string | undefined, base: string) {
  const kind: Kind = kinds[act.kind];
  const recorded = instantText(entry.at);
  const { purpose } = act;
  return {
    meta: { versionId: '1', lastUpdated: recorded, ...profiles(kind, told, act, patient) },
    type: kind.type,
    subtype: [kind.subtype],
    action: kind.action,
    // When it began, as what is recorded is recorded at its end.
    period: { start: instantText(told.at) },
    recorded,
    outcome: outcomeOf(act.status),
    ...outcomeText(act),
    ...(purpose === undefined ? {} : { purposeOfEvent: [{ coding: [purpose] }] }),
    agent: agentsOf(kind, told, act, base),
    source: {
      site: base,
      observer: server(base),
      type: [{ system: `${TERMINOLOGY}/security-source-type`, code: '4', display: 'Application Server' }],
    },
    ...entities(told, act, patient, base),
  };
}

/** Which profiles it keeps to: those of BALP are for what went well. */
function profiles({ profile }: Kind, { who }: Told, { status }: Act, patient: string | undefined) {
  if (profile === undefined || status >= 400) return {};
  const shape = `${BALP}/StructureDefinition/IHE.BasicAudit.${patient === undefined ? '' : 'Patient'}${profile}`;
  const token = `${BALP}/StructureDefinition/IHE.BasicAudit.OAUTHaccessTokenUse.Minimal`;
  return { profile: who?.user === undefined ? [shape] : [shape, token] };
}

/** R4 audit-event-outcome: success, minor failure, serious failure, major failure. */
const outcomeOf = (status: number): string =>
  status < 400 ? '0' : status < 500 ? '4' : status === 503 || status === 507 ? '12' : '8';

function outcomeText({ status, reason, detail = {} }: Act) {
  const details = Object.entries(detail).map(([name, value]) => `${name}: ${value}`);
  const said = [...(status >= 400 ? [`HTTP ${status}`] : []), ...(reason === undefined ? [] : [reason]), ...details];
  return said.length === 0 ? {} : { outcomeDesc: said.join('; ') };
}

const server = (base: string) => ({ identifier: { system: URI, value: base }, display: 'Afferent' });

function agentsOf(kind: Kind, { who, from = '' }: Told, { purpose }: Act, base: string) {
  const person = who?.user !== undefined;
  const name = who?.client ?? (who === undefined ? 'unknown' : who.name);
  const address = from === '' ? {} : { network: { address: from, type: '2' } };
  return [
    {
      type: { coding: [kind.client] },
      who: { identifier: { value: name } },
      ...(person || who === undefined ? {} : { ...roleOf(who), name: who.name }),
      requestor: !person,
      ...address,
    },
    { type: { coding: [kind.server] }, who: server(base), requestor: false, network: { address: base, type: '5' } },
    ...(person
      ? [{ ...userOf(kind, who), ...(purpose === undefined ? {} : { purposeOfUse: [{ coding: [purpose] }] }) }]
      : []),
  ];
}

/** Also the one for whom the token speaks: by its grant, as tokens themselves are nowhere kept. */
function userOf(kind: Kind, who: Who) {
  const { user = '', fhirUser, name, grant } = who;
  const coding = [kind.user, { system: `${BALP}/CodeSystem/UserAgentTypes`, code: 'UserOauthAgent' }];
  return {
    type: { coding },
    who: fhirUser === undefined ? { identifier: { value: user } } : { reference: fhirUser },
    altId: user,
    name,
    ...roleOf(who),
    requestor: true,
    ...(grant === undefined ? {} : { policy: [`urn:ietf:params:oauth:jti:${encodeURIComponent(grant)}`] }),
  };
}

const roleOf = ({ role, owner }: Who) => ({
  role: [
    { coding: [{ system: ROLES, code: role }] },
    ...(owner === '' ? [] : [{ coding: [{ system: ORGANIZATIONS, code: owner }] }]),
  ],
});

/** What somebody is here, and for whom they act. */
const ROLES = EVENTS.replace('audit-event', 'role');
const ORGANIZATIONS = EVENTS.replace('audit-event', 'organization');

function entities({ request }: Told, { what, query }: Act, patient: string | undefined, base: string) {
  const list: object[] = [];
  if (what !== undefined) list.push({ what: { reference: what }, type: SYSTEM_OBJECT, role: DOMAIN_RESOURCE });
  if (query !== undefined)
    list.push({ type: SYSTEM_OBJECT, role: QUERY, query: Buffer.from(`${base}/${query}`).toString('base64') });
  if (patient !== undefined) list.push({ what: { reference: `Patient/${patient}` }, type: PERSON, role: PATIENT });
  if (request !== undefined) {
    const type = { system: `${BALP}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' };
    list.push({ what: { identifier: { value: request } }, type });
  }
  return list.length === 0 ? {} : { entity: list };
}
