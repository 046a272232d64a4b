/**
 * TABLE: what can be told -> how an AuditEvent says it. Interactions have the shapes of IHE's Basic Audit Log Patterns
 * (profiles.ihe.net/ITI/BALP 1.1.4), which have the client as the source of what it sends and as the destination of
 * what it reads; sign-ins, tokens and emergencies have DICOM's codes (PS3.15 A.5), as R4's examples do.
 */
import type { Coding } from '../fhir/types.js';

export interface Kind {
  type: Coding;
  subtype: Coding;
  /** Create, read, update, delete, execute (R4 audit-event-action). */
  action: 'C' | 'R' | 'U' | 'D' | 'E';
  client: Coding;
  server: Coding;
  user: Coding;
  /** The last part of the profile's name, behind `IHE.BasicAudit.` or `IHE.BasicAudit.Patient`. */
  profile?: string;
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
/** Of our own: what no published code says. */
export const EVENTS = 'http://afferent.health/fhir/CodeSystem/audit-event';

const dicom = (code: string, display: string): Coding => ({ system: DCM, code, display });
const own = (code: string, display: string): Coding => ({ system: EVENTS, code, display });

const REST: Coding = { system: `${TERMINOLOGY}/audit-event-type`, code: 'rest', display: 'RESTful Operation' };
const [APPLICATION, SOURCE, DESTINATION] = [
  dicom('110150', 'Application'),
  dicom('110153', 'Source Role ID'),
  dicom('110152', 'Destination Role ID'),
];
const CUSTODIAN: Coding = {
  system: `${TERMINOLOGY}/provenance-participant-type`,
  code: 'custodian',
  display: 'Custodian',
};
const PARTICIPATION = `${TERMINOLOGY}/v3-ParticipationType`;
const RECIPIENT: Coding = { system: PARTICIPATION, code: 'IRCP', display: 'information recipient' };
const AUTHOR: Coding = { system: PARTICIPATION, code: 'AUT', display: 'author (originator)' };
const AUTHORIZATION_SERVER: Coding = {
  system: `${TERMINOLOGY}/extra-security-role-type`,
  code: 'authserver',
  display: 'authorization server',
};

const rest = (code: string, action: Kind['action'], more: Partial<Kind> = {}): Kind => ({
  type: REST,
  subtype: { system: 'http://hl7.org/fhir/restful-interaction', code, display: code },
  action,
  client: SOURCE,
  server: DESTINATION,
  user: RECIPIENT,
  ...more,
});
const shows = { client: DESTINATION, server: SOURCE };

const security = (type: Coding, subtype: Coding): Kind => ({
  type,
  subtype,
  action: 'E',
  client: APPLICATION,
  server: AUTHORIZATION_SERVER,
  user: RECIPIENT,
});
const AUTHENTICATION = dicom('110114', 'User Authentication');
const ALERT = dicom('110113', 'Security Alert');

export const kinds = {
  read: rest('read', 'R', { ...shows, profile: 'Read' }),
  vread: rest('vread', 'R', { ...shows, profile: 'Read' }),
  'history-instance': rest('history-instance', 'R', shows),
  'history-type': rest('history-type', 'R', shows),
  'history-system': rest('history-system', 'R', shows),
  'search-type': rest('search-type', 'E', { profile: 'Query' }),
  'search-system': rest('search-system', 'E', { profile: 'Query' }),
  create: rest('create', 'C', { user: AUTHOR, profile: 'Create' }),
  update: rest('update', 'U', { user: AUTHOR, profile: 'Update' }),
  patch: rest('patch', 'U', { user: AUTHOR, profile: 'Update' }),
  delete: rest('delete', 'D', { client: APPLICATION, server: CUSTODIAN, user: AUTHOR, profile: 'Delete' }),
  transaction: rest('transaction', 'E'),
  batch: rest('batch', 'E'),
  capabilities: rest('capabilities', 'R', shows),
  operation: rest('operation', 'E'),
  /** What never became an interaction: no such URL or method, a head that cannot be read, too much to do. */
  none: { ...rest('', 'E'), subtype: own('request', 'Request that is no interaction') },
  /** Requests of one address in one minute, beyond those that were told of one by one. */
  counted: security(ALERT, own('counted', 'Requests without a valid token, counted')),
  'sign-in': security(AUTHENTICATION, dicom('110122', 'Login')),
  'sign-out': security(AUTHENTICATION, dicom('110123', 'Logout')),
  token: security(AUTHENTICATION, {
    system: 'urn:ihe:event-type-code',
    code: 'ITI-71',
    display: 'Get Access Token',
  }),
  authorize: security(AUTHENTICATION, own('authorize', 'Authorization request')),
  decide: security(AUTHENTICATION, own('decide', 'Access granted or denied to an app')),
  show: security(AUTHENTICATION, own('show', 'Page shown')),
  grants: security(AUTHENTICATION, own('grants', 'Apps with access shown')),
  introspect: security(AUTHENTICATION, {
    system: 'urn:ihe:event-type-code',
    code: 'ITI-102',
    display: 'Introspect Token',
  }),
  revoke: security(AUTHENTICATION, own('revoke', 'Access taken back')),
  register: security(AUTHENTICATION, own('register', 'Client registered')),
  launch: security(AUTHENTICATION, own('launch', 'App launched')),
  launched: security(AUTHENTICATION, own('launched', 'Launched by another EHR')),
  /** A code or refresh token came a second time: somebody else has it. */
  reuse: security(ALERT, own('reuse', 'Code or refresh token used twice')),
  'emergency-start': security(ALERT, dicom('110127', 'Emergency Override Started')),
  'emergency-stop': security(ALERT, dicom('110137', 'Emergency Override Stopped')),
  /** The oldest records went, as their time was over. */
  expired: { ...security(dicom('110101', 'Audit Log Used'), own('expired', 'Oldest records removed')), action: 'D' },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

export const isKind = (name: string): name is KindName => Object.hasOwn(kinds, name);
