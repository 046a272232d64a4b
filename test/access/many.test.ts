/** AU-01: whom a resource is about, and that a record says so when it does not name all of them. */
import { createPatientsOf } from '../../src/audit/patients.js';
import { eventsOf } from '../../src/audit/event.js';
import { createTrails, type Asked } from '../../src/audit/trail.js';
import type { AuditLog, AuditRecord, Version } from '../../src/store/port.js';

const BASE = 'https://here.example/fhir';
const MOST = 12;
const groupOf = (...members: string[]): Version => ({
  type: 'Group',
  id: 'g',
  version: 1,
  updated: 0,
  owner: 'north',
  method: 'POST',
  text: JSON.stringify({ note: 'Ä Patient/none', member: members.map((reference) => ({ entity: { reference } })) }),
});
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `Patient/p${n}`);
const inBytes = ({ text = '', ...rest }: Version): Version => ({ ...rest, text: undefined, utf8: Buffer.from(text) });

/** The events that a request leaves which is shown these. */
async function told(asked: Asked, versions: Version[], status = 200) {
  const kept: AuditRecord[] = [];
  const log = { append: (some: AuditRecord[]) => Promise.resolve(void kept.push(...some)) } as unknown as AuditLog;
  const open = createTrails({ log, patientsOf: createPatientsOf(BASE, MOST), most: MOST });
  const trail = open({ request: 'r', at: 0, from: 'x' }, asked);
  trail.shown(versions);
  await trail.close(status);
  return kept.flatMap(({ text }) => eventsOf({ id: 'c-0', at: 0, text }, BASE)).map(({ resource }) => resource as any);
}

test.each([
  ['relative and absolute', ['Patient/a', `${BASE}/Patient/b`], ['a', 'b']],
  ['each once', ['Patient/a', 'Patient/a', 'Patient/b'], ['a', 'b']],
  ['a version', ['Patient/a/_history/3'], ['a']],
  ['none of elsewhere', ['https://other.example/fhir/Patient/a', 'urn:uuid:Patient/b', 'RelatedPerson/c'], []],
  ['many, each once', [...numbered(11), ...numbered(11)], numbered(11).map((name) => name.slice(8))],
])('AU-01 a resource is about the patients that it refers to: %s', (_name, references, patients) => {
  const patientsOf = createPatientsOf(BASE, MOST);
  for (const version of [groupOf(...references), inBytes(groupOf(...references))])
    expect(patientsOf(version)).toEqual({ patients, more: false });
});

test.each([
  ['read', { kind: 'read', what: 'Group/g' }, [groupOf(...numbered(13))]],
  ['search', { kind: 'search-type', query: 'Group' }, [groupOf(...numbered(12)), groupOf('Patient/other')]],
] as [string, Asked, Version[]][])(
  'AU-01 a %s of more patients than are named says so',
  async (_name, asked, versions) => {
    const events = await told(asked, versions);
    expect(events).toHaveLength(MOST);
    for (const { outcomeDesc } of events)
      expect(outcomeDesc).toContain(`patients: more than ${MOST}, and the others are not named`);
    for (const { outcomeDesc = '' } of await told(asked, [groupOf(...numbered(12))]))
      expect(outcomeDesc).not.toContain('more than');
  },
);
