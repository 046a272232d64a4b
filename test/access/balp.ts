/**
 * The constraints of IHE's Basic Audit Log Patterns (profiles.ihe.net/ITI/BALP 1.1.4), as rows written down from the
 * published StructureDefinitions. An event is held against the profiles that it names.
 */

interface Shape {
  subtypes: string[];
  action: string;
  client: string;
  server: string;
  /** The codes of which the user's type has one. */
  users: string[];
  /** Exactly one entity of type 2: what was touched, or the query. */
  entity: 'data' | 'query';
}

const [READS, WRITES] = [['IRCP'], ['AUT', 'INF', 'CST']];

const SHAPES: Record<string, Shape> = {
  Read: { subtypes: ['read', 'vread'], action: 'R', client: '110152', server: '110153', users: READS, entity: 'data' },
  Create: { subtypes: ['create'], action: 'C', client: '110153', server: '110152', users: WRITES, entity: 'data' },
  Update: {
    subtypes: ['update', 'patch'],
    action: 'U',
    client: '110153',
    server: '110152',
    users: WRITES,
    entity: 'data',
  },
  Delete: { subtypes: ['delete'], action: 'D', client: '110150', server: 'custodian', users: WRITES, entity: 'data' },
  Query: {
    subtypes: ['search', 'search-type', 'search-system'],
    action: 'E',
    client: '110153',
    server: '110152',
    users: READS,
    entity: 'query',
  },
};

const BASE = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.';

/** What an event breaks of the profiles that it names, and of what holds for all. */
export function brokenShapes(event: any): string[] {
  const broken: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) broken.push(what);
  };
  const agents = (code: string): any[] =>
    event.agent.filter(({ type }: any) => type?.coding.some((coding: any) => coding.code === code));
  const entities = (code: string): any[] => (event.entity ?? []).filter(({ type }: any) => type?.code === code);
  must(typeof event.recorded === 'string', 'recorded 1..1');
  must(event.source?.observer !== undefined, 'source.observer 1..1');
  for (const url of event.meta.profile ?? []) {
    const name: string = url.slice(BASE.length);
    must(url.startsWith(BASE), `a profile of BALP: ${url}`);
    if (name === 'OAUTHaccessTokenUse.Minimal') {
      const users = agents('UserOauthAgent');
      must(users.length >= 1, 'agent:oUser 1..*');
      for (const user of users) {
        must(user.requestor === true, 'agent:oUser.requestor = true');
        must(user.policy?.length === 1, 'agent:oUser.policy 1..1');
        must(user.policy?.[0].startsWith('urn:ietf:params:oauth:jti:'), 'agent:oUser.policy is a jti');
        must(user.network === undefined && user.media === undefined, 'agent:oUser.network and media 0..0');
      }
      continue;
    }
    const shape = SHAPES[name.replace(/^Patient/, '')];
    if (shape === undefined) {
      broken.push(`a profile that is known: ${url}`);
      continue;
    }
    must(event.type.code === 'rest', 'type = rest');
    must(
      event.subtype.some(({ code }: any) => shape.subtypes.includes(code)),
      'subtype',
    );
    must(event.action === shape.action, `action = ${shape.action}`);
    must(event.outcome === '0', 'outcome = 0');
    must(event.agent.length >= 2, 'agent 2..*');
    for (const side of [shape.client, shape.server]) {
      const [only, ...more] = agents(side);
      must(only !== undefined && more.length === 0, `agent of type ${side} 1..1`);
      must(
        only?.who !== undefined && only.network !== undefined && only.media === undefined,
        `agent ${side}: who, network`,
      );
    }
    const users = shape.users.flatMap(agents);
    must(users.length <= 1, 'agent:user 0..1');
    for (const user of users) {
      must(user.who !== undefined && user.requestor === true, 'agent:user: who, requestor');
      must(user.network === undefined && user.media === undefined, 'agent:user.network and media 0..0');
    }
    const [object, ...others] = entities('2');
    must(object !== undefined && others.length === 0, `entity:${shape.entity} 1..1`);
    if (shape.entity === 'query') {
      must(object?.role.code === '24' && typeof object.query === 'string', 'entity:query has role and query');
      must(object?.what === undefined && object?.detail === undefined, 'entity:query: what, detail 0..0');
    } else
      must(['3', '4', '20'].includes(object?.role.code) && object.what !== undefined, 'entity:data has role and what');
    must(entities('XrequestId').length <= 1, 'entity:transaction 0..1');
    const patients = entities('1');
    must(patients.length === (name.startsWith('Patient') ? 1 : 0), 'entity:patient, exactly where the profile says so');
    for (const one of patients)
      must(
        one.role.code === '1' && (one.what?.reference ?? '').startsWith('Patient/'),
        'entity:patient has role and what',
      );
  }
  return broken;
}
