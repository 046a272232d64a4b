/** The only reader of process.env: one table of name, parser, default and meaning; `afferent --help` prints it. */
import { LOG_LEVELS, type LogLevel } from './kit/log.js';
import { baseUrl, integer, listOf, network, oneOf, origin, registrationToken, text } from './kit/settings.js';

export interface Config {
  host: string;
  port: number;
  dataDir: string;
  store: 'sqlite' | 'mongodb';
  mongodbUrl: string;
  mongodbDatabase: string;
  mongodbFields: 'on' | 'off';
  baseUrl: string;
  logLevel: LogLevel;
  /** A file that log lines are added to; empty: standard output. */
  logFile: string;
  integrity: 'enforce' | 'warn' | 'off';
  requireIfMatch: boolean;
  requireQuestionnaire: boolean;
  /** How long an emergency lasts. */
  breakGlassMinutes: number;
  conditionalDelete: 'single' | 'multiple';
  /** Days that a completed referral stays open to whom it named. */
  referralDays: number;
  /** Files in PEM; both, or neither. */
  tlsCert: string;
  tlsKey: string;
  /** Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  trustProxy: string[];
  authorization: 'open' | 'smart';
  /** Whether every request leaves a record; undefined: with authorization it does. */
  audit: 'on' | 'off' | undefined;
  auditDays: number;
  /** Login at another OpenID Provider; its issuer is empty where there is none. */
  openidIssuer: string;
  openidClientId: string;
  openidClientSecret: string;
  openidAudience: string;
  /** The initial access token for clients that register themselves; empty: none may. */
  registrationToken: string;
  /** Hosts that may be asked for a client's keys though they are no public ones. */
  outboundHosts: string[];
  /** Origins whose pages may call FHIR and the token endpoints. */
  corsOrigins: string[];
}

interface Row<T> {
  name: string;
  fallback: string;
  meaning: string;
  parse: (text: string) => T;
}

export const settings: { [Key in keyof Config]: Row<Config[Key]> } = {
  host: {
    name: 'HOST',
    fallback: '127.0.0.1',
    meaning: 'Address to listen on. Beyond loopback it takes AUTHORIZATION=smart, and TLS here or at a proxy.',
    parse: text,
  },
  port: {
    name: 'PORT',
    fallback: '3000',
    meaning: 'Port to listen on; 0 takes a free one.',
    parse: integer(0, 65_535),
  },
  dataDir: { name: 'DATA_DIR', fallback: './data', meaning: 'Folder of the SQLite file and the blobs.', parse: text },
  store: {
    name: 'STORE',
    fallback: 'sqlite',
    meaning: 'Where resources live: sqlite (a file in DATA_DIR) or mongodb (MONGODB_URL).',
    parse: oneOf(['sqlite', 'mongodb'] as const),
  },
  mongodbUrl: {
    name: 'MONGODB_URL',
    fallback: 'mongodb://127.0.0.1:27017/?replicaSet=rs0',
    meaning: 'A replica set, of one node or more. Read when STORE=mongodb.',
    parse: text,
  },
  mongodbDatabase: {
    name: 'MONGODB_DATABASE',
    fallback: 'afferent',
    meaning: 'Database for resources and blobs. Read when STORE=mongodb.',
    parse: text,
  },
  mongodbFields: {
    name: 'MONGODB_FIELDS',
    fallback: 'off',
    meaning:
      'on: resources stand there as fields too (`resource`), for queries of your own; a create costs a quarter more.',
    parse: oneOf(['on', 'off'] as const),
  },
  baseUrl: {
    name: 'BASE_URL',
    fallback: '',
    meaning: 'The FHIR base URL that links show; empty: http://HOST:PORT/fhir.',
    parse: baseUrl,
  },
  logLevel: {
    name: 'LOG_LEVEL',
    fallback: 'info',
    meaning: `One of ${LOG_LEVELS.join(', ')}.`,
    parse: oneOf(LOG_LEVELS),
  },
  logFile: {
    name: 'LOG_FILE',
    fallback: '',
    meaning: 'File that log lines are added to; empty: standard output.',
    parse: text,
  },
  integrity: {
    name: 'REFERENTIAL_INTEGRITY',
    fallback: 'enforce',
    meaning: 'References to resources of this server must lead somewhere: enforce, warn or off.',
    parse: oneOf(['enforce', 'warn', 'off'] as const),
  },
  requireIfMatch: {
    name: 'REQUIRE_IF_MATCH',
    fallback: 'false',
    meaning: 'true: who changes a resource must say which version they saw.',
    parse: (text) => oneOf(['true', 'false'] as const)(text) === 'true',
  },
  requireQuestionnaire: {
    name: 'REQUIRE_QUESTIONNAIRE',
    fallback: 'false',
    meaning: 'true: a QuestionnaireResponse is stored only when its Questionnaire is here to check it by.',
    parse: (text) => oneOf(['true', 'false'] as const)(text) === 'true',
  },
  breakGlassMinutes: {
    name: 'BREAK_GLASS_MINUTES',
    fallback: '60',
    meaning: 'How long whoever breaks the glass may read that one patient’s record.',
    parse: integer(1, 24 * 60),
  },
  conditionalDelete: {
    name: 'CONDITIONAL_DELETE',
    fallback: 'single',
    meaning: 'What DELETE Type?query may delete: single (412 for several) or multiple.',
    parse: oneOf(['single', 'multiple'] as const),
  },
  referralDays: {
    name: 'REFERRAL_DAYS',
    fallback: '30',
    meaning: 'Days that a completed referral stays open to the organization that it was made to.',
    parse: integer(0, 36_500),
  },
  tlsCert: {
    name: 'TLS_CERT',
    fallback: '',
    meaning: 'Certificate chain (PEM file), with TLS_KEY: the server speaks https. A new file is taken up by itself.',
    parse: text,
  },
  tlsKey: { name: 'TLS_KEY', fallback: '', meaning: 'Private key (PEM file) of TLS_CERT.', parse: text },
  trustProxy: {
    name: 'TRUST_PROXY',
    fallback: '',
    meaning:
      "Addresses or networks (10.0.0.0/8) of proxies before this server, with commas between: their X-Forwarded-For and X-Forwarded-Proto are believed, nobody else's.",
    parse: listOf(network),
  },
  authorization: {
    name: 'AUTHORIZATION',
    fallback: 'open',
    meaning: 'open: whoever calls is the operator, on loopback only. smart: SMART on FHIR; everybody brings a token.',
    parse: oneOf(['open', 'smart'] as const),
  },
  audit: {
    name: 'AUDIT',
    fallback: '',
    meaning:
      'on: every request leaves a record in the audit trail before it is answered. Empty: on when AUTHORIZATION=smart.',
    parse: (text) => (text === '' ? undefined : oneOf(['on', 'off'] as const)(text)),
  },
  auditDays: {
    name: 'AUDIT_DAYS',
    fallback: '2190',
    meaning: 'Days that records of the audit trail are kept: six years as a rule.',
    parse: integer(1, 36_500),
  },
  openidIssuer: {
    name: 'OPENID_ISSUER',
    fallback: '',
    meaning: 'An OpenID Provider where people may sign in; their accounts name it. Read when AUTHORIZATION=smart.',
    parse: baseUrl,
  },
  openidClientId: { name: 'OPENID_CLIENT_ID', fallback: '', meaning: 'Our client_id there.', parse: text },
  openidClientSecret: { name: 'OPENID_CLIENT_SECRET', fallback: '', meaning: 'Our secret there.', parse: text },
  openidAudience: {
    name: 'OPENID_AUDIENCE',
    fallback: '',
    meaning: 'What that provider wants to know as aud, if anything (a SMART server: its FHIR base).',
    parse: text,
  },
  registrationToken: {
    name: 'REGISTRATION_TOKEN',
    fallback: '',
    meaning: 'Apps whose makers know this token may register themselves (RFC 7591); empty: none may.',
    parse: registrationToken,
  },
  outboundHosts: {
    name: 'OUTBOUND_HOSTS',
    fallback: '',
    meaning:
      'Hosts (host or host:port, with commas between) that are asked for a client’s keys though they are not public, and without TLS.',
    parse: listOf(text),
  },
  corsOrigins: {
    name: 'CORS_ORIGINS',
    fallback: '',
    meaning: 'Origins (https://app.example) whose pages may call FHIR, with commas between.',
    parse: listOf(origin),
  },
};

/** Not a stack trace but a sentence for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const read = <T>({ name, fallback, parse }: Row<T>): T => {
    const given = environment[name];
    try {
      return parse(given === undefined || given === '' ? fallback : given);
    } catch (error) {
      throw new ConfigError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return {
    host: read(settings.host),
    port: read(settings.port),
    dataDir: read(settings.dataDir),
    store: read(settings.store),
    mongodbUrl: read(settings.mongodbUrl),
    mongodbDatabase: read(settings.mongodbDatabase),
    mongodbFields: read(settings.mongodbFields),
    baseUrl: read(settings.baseUrl),
    logLevel: read(settings.logLevel),
    logFile: read(settings.logFile),
    integrity: read(settings.integrity),
    requireIfMatch: read(settings.requireIfMatch),
    requireQuestionnaire: read(settings.requireQuestionnaire),
    breakGlassMinutes: read(settings.breakGlassMinutes),
    conditionalDelete: read(settings.conditionalDelete),
    referralDays: read(settings.referralDays),
    tlsCert: read(settings.tlsCert),
    tlsKey: read(settings.tlsKey),
    trustProxy: read(settings.trustProxy),
    corsOrigins: read(settings.corsOrigins),
    authorization: read(settings.authorization),
    audit: read(settings.audit),
    auditDays: read(settings.auditDays),
    openidIssuer: read(settings.openidIssuer),
    openidClientId: read(settings.openidClientId),
    openidClientSecret: read(settings.openidClientSecret),
    openidAudience: read(settings.openidAudience),
    registrationToken: read(settings.registrationToken),
    outboundHosts: read(settings.outboundHosts),
  };
}

export function settingsTable(): string {
  const rows = Object.values(settings).map(({ name, fallback, meaning }) => [name, fallback, meaning] as const);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, fallback, meaning]) => `  ${name.padEnd(width)}  ${meaning} (${fallback || 'empty'})`)
    .join('\n');
}

/** With authorization there are people to account for. */
export const isAudited = ({ audit, authorization }: Config): boolean =>
  audit === undefined ? authorization === 'smart' : audit === 'on';
