/** What Consents say, as rows: who may see a resource of this type and label at this moment, and what decides it. */
import { actorsBy } from '../../src/access/consent/actors.js';
import { readConsent, type Agreement } from '../../src/access/consent/consent.js';
import type { Actor } from '../../src/access/consent/decide.js';
import { doubtsOf } from '../../src/access/consent/doubts.js';
import { isDenied, windows } from '../../src/access/consent/windows.js';
import type { Resource } from '../../src/fhir/types.js';

const base = 'https://here/fhir';
const types = new Set(['Observation', 'Media', 'Patient']);

/** Who owns what, and what it says; A keeps the Consents. */
const there = new Map<string, { owner: string; resource: Resource }>(
  [
    ['Organization/a', 'A'],
    ['Organization/b', 'B'],
    ['Practitioner/a1', 'A'],
    ['Practitioner/b1', 'B'],
    ['Practitioner/b2', 'B'],
    ['PractitionerRole/b1r', 'B', { practitioner: { reference: 'Practitioner/b1' } }],
    ['PractitionerRole/empty', 'B'],
    [
      'CareTeam/t',
      'A',
      {
        participant: [
          { member: { reference: 'PractitionerRole/b1r' } },
          { member: { reference: 'Organization/c' } },
          { member: { reference: 'CareTeam/t' } },
        ],
      },
    ],
    ['Organization/c', 'C'],
  ].map(([name, owner, more]) => [
    name as string,
    { owner: owner as string, resource: { ...(more as object) } as Resource },
  ]),
);
const reading = {
  actorsOf: actorsBy(({ type, id }) => there.get(`${type}/${id}`), base),
  isType: (code: string) => types.has(code),
  base,
};

type Provision = Record<string, unknown>;
const actor = (...names: string[]) => names.map((reference) => ({ role: {}, reference: { reference } }));
const code = (value: string, system?: string) => ({ code: value, ...(system === undefined ? {} : { system }) });
const action = (value: string) => [{ coding: [code(value)] }];

const DAY = Date.UTC(2026, 5, 15);
function agreed(provision: Provision | undefined, more: object = {}, updated = 0): Agreement {
  const consent = {
    resourceType: 'Consent',
    status: 'active',
    patient: { reference: 'Patient/p' },
    provision,
    ...more,
  };
  const read = readConsent(consent, { owner: 'A', updated }, reading);
  if (read === undefined) throw new Error('says nothing');
  return read;
}

const CALLERS: Record<string, Actor> = {
  a1: { kind: 'caller', organization: 'A', people: ['Practitioner/a1'] },
  b1: { kind: 'caller', organization: 'B', people: ['Practitioner/b1'] },
  b2: { kind: 'caller', organization: 'B', people: ['Practitioner/b2'] },
  b: { kind: 'caller', organization: 'B', people: [] },
  c: { kind: 'caller', organization: 'C', people: [] },
  anyB: { kind: 'anyone', organization: 'B' },
  anyC: { kind: 'anyone', organization: 'C' },
};
const label = (value: string, system = '') => [{ param: '_security', value, detail: system }];

/** Those of the callers to whom an Observation, or what `about` says, is denied. */
function deniedTo(
  agreements: Agreement[],
  { type = 'Observation', entries = label(''), at = DAY, emergency = false } = {},
) {
  const names = Object.keys(CALLERS);
  return names
    .filter((name) => isDenied(agreements, { type, id: '1', entries }, { actor: CALLERS[name]!, at, emergency }))
    .join(' ');
}

const OUTSIDE = 'b1 b2 b c anyB anyC';
const OF_B = 'b1 b2 b anyB';

describe('C-01 a provision', () => {
  const deny = (more: Provision = {}): Provision => ({ type: 'deny', ...more });
  const permit = (more: Provision = {}): Provision => ({ type: 'permit', ...more });
  const except = (...provision: Provision[]) => ({ provision });

  test.each<[string, Provision | undefined, string]>([
    ['none: nothing is said', undefined, ''],
    ['a refusal without actor is about everybody outside', deny(), OUTSIDE],
    ['a permission refuses nobody', permit(), ''],
    ['one organization', deny({ actor: actor('Organization/b') }), OF_B],
    ['the organization that keeps it', deny({ actor: actor('Organization/a') }), 'a1'],
    ['two organizations', deny({ actor: actor('Organization/b', 'Organization/c') }), OUTSIDE],
    ['a person outside', deny({ actor: actor('Practitioner/b1') }), 'b1'],
    ['a person inside', deny({ actor: actor('Practitioner/a1') }), 'a1'],
    ['a role is who has it', deny({ actor: actor('PractitionerRole/b1r') }), 'b1'],
    ['a care team is who is in it', deny({ actor: actor('CareTeam/t') }), 'b1 c anyC'],
    ['all but one organization', deny(except(permit({ actor: actor('Organization/b') }))), 'c anyC'],
    [
      'all of B but one person',
      deny({ actor: actor('Organization/b'), ...except(permit({ actor: actor('Practitioner/b1') })) }),
      'b2 b',
    ],
    ['all but one person', deny(except(permit({ actor: actor('Practitioner/b1') }))), 'b2 b c anyC'],
    ['everybody may, but one person inside', permit(except(deny({ actor: actor('Practitioner/a1') }))), 'a1'],
    ['everybody may, but not those outside', permit(except(deny())), OUTSIDE],
    [
      'an exception to an exception',
      deny(except(permit({ actor: actor('Organization/b'), ...except(deny({ actor: actor('Practitioner/b2') })) }))),
      'b2 c anyC',
    ],
    ['an exception within one person', permit({ actor: actor('Practitioner/b1'), ...except(deny()) }), 'b1'],
    [
      'of two exceptions that disagree the refusal holds',
      permit(except(deny({ actor: actor('Organization/b') }), permit({ actor: actor('Practitioner/b1') }))),
      OF_B,
    ],
    ['its class', deny({ class: [code('Observation')] }), OUTSIDE],
    ['another class', deny({ class: [code('Media', 'http://hl7.org/fhir/resource-types')] }), ''],
    ['all but its class', deny(except(permit({ class: [code('Observation')] }))), ''],
    ['a label that it has not', deny({ securityLabel: [code('R')] }), ''],
    ['a purpose that is asked for', deny({ purpose: [code('HRESCH'), code('TREAT')] }), OUTSIDE],
    ['another purpose', deny({ purpose: [code('HRESCH')] }), ''],
    ['a purpose of emergencies alone', deny({ purpose: [code('ETREAT')] }), ''],
    ['seeing among its actions', deny({ action: [...action('correct'), ...action('access')] }), OUTSIDE],
    ['period that has begun', deny({ period: { start: '2026-06' } }), OUTSIDE],
    ['period that is over', deny({ period: { end: '2026-06-14' } }), ''],
    ['period that ends today', deny({ period: { end: '2026-06-15' } }), OUTSIDE],
    ['period to come', deny({ period: { start: '2026-06-16' } }), ''],
    ['exception in its period', deny(except(permit({ period: { start: '2026', end: '2026' } }))), ''],
    ['exception out of its period', deny(except(permit({ period: { end: '2025' } }))), OUTSIDE],
    // What cannot be judged: a refusal holds as if it were not there, a permission does not hold.
    ...['code', 'data', 'dataPeriod'].map((name): [string, Provision, string] => [
      `refusal with ${name}`,
      deny({ [name]: [{}] }),
      OUTSIDE,
    ]),
    ['refusal of another action', deny({ action: action('correct') }), OUTSIDE],
    ['refusal of a class that is no type', deny({ class: [code('11488-4', 'http://loinc.org')] }), OUTSIDE],
    ['refusal of a class that is misspelt', deny({ class: [code('Observatoin')] }), OUTSIDE],
    ['refusal to whom nobody knows', deny({ actor: [{ role: {}, reference: { display: 'my neighbour' } }] }), OUTSIDE],
    [
      'refusal to somebody inside and to whom nobody knows',
      deny({ actor: actor('Practitioner/a1', 'Group/g') }),
      `a1 ${OUTSIDE}`,
    ],
    ['refusal to a Device', deny({ actor: actor('Device/d') }), OUTSIDE],
    ['refusal to a role of nobody', deny({ actor: actor('PractitionerRole/empty') }), OUTSIDE],
    ['refusal to a type that is a word of JavaScript', deny({ actor: actor('constructor/d') }), OUTSIDE],
    ['permission with data', deny(except(permit({ data: [{}] }))), OUTSIDE],
    ['permission of another action', deny(except(permit({ action: action('collect') }))), OUTSIDE],
    ['permission to whom nobody knows', deny(except(permit({ actor: actor('Group/g') }))), OUTSIDE],
    ['refusal within a permission that cannot be judged', permit({ code: [{}], ...except(deny()) }), OUTSIDE],
  ])('%s', (_name, provision, expected) => expect(deniedTo([agreed(provision)])).toBe(expected));

  test.each<[string, string, Provision | undefined, string]>([
    ['opting out denies', 'OPTOUT', undefined, OUTSIDE],
    ['opting out but for what the provision permits', 'OPTOUT', permit({ actor: actor('Organization/b') }), 'c anyC'],
    ['opting in denies nothing', 'OPTIN', undefined, ''],
    ['opting in but for what the provision denies', 'OPTIN', deny({ actor: actor('Organization/c') }), 'c anyC'],
    ['a root without type is of its policy', 'OPTOUT', { actor: actor('Organization/b') }, OF_B],
    ['a policy that is not known says nothing', 'other', { actor: actor('Organization/b') }, ''],
    ['and leaves it to the exceptions', 'other', except(deny({ actor: actor('Organization/c') })), 'c anyC'],
  ])('%s', (_name, policy, provision, expected) =>
    expect(deniedTo([agreed(provision, { policyRule: { coding: [code(policy)] } })])).toBe(expected),
  );

  test.each<[string, object, Provision, string]>([
    ['label with its system', label('R', 'urn:s'), { securityLabel: [code('R', 'urn:s')] }, OUTSIDE],
    ['label of another system', label('R', 'urn:o'), { securityLabel: [code('R', 'urn:s')] }, ''],
    ['label of any system', label('R', 'urn:o'), { securityLabel: [code('V'), code('R')] }, OUTSIDE],
    ['exception by label', label('R'), except(permit({ securityLabel: [code('R')] })), ''],
    ['exception by another label', label('V'), except(permit({ securityLabel: [code('R')] })), OUTSIDE],
  ])('%s', (_name, entries, provision, expected) =>
    expect(deniedTo([agreed(deny(provision))], { entries: entries as ReturnType<typeof label> })).toBe(expected),
  );

  test.each<[string, Agreement[], string]>([
    ['the newest decides', [agreed(deny(), { dateTime: '2025' }), agreed(permit(), { dateTime: '2026' })], ''],
    ['whatever their order', [agreed(permit(), { dateTime: '2025' }), agreed(deny(), { dateTime: '2024' })], ''],
    [
      'of one day the later written',
      [agreed(deny(), { dateTime: '2025' }, 2), agreed(permit(), { dateTime: '2025' }, 1)],
      OUTSIDE,
    ],
    [
      'without a date when it was written',
      [agreed(permit(), { dateTime: '2025-01-01' }), agreed(deny(), {}, Date.UTC(2025, 1, 1))],
      OUTSIDE,
    ],
    [
      'one that says nothing of it leaves it to an older one',
      [agreed(permit({ class: [code('Media')] }), { dateTime: '2026' }), agreed(deny(), { dateTime: '2025' })],
      OUTSIDE,
    ],
    [
      'so for each caller',
      [agreed(permit({ actor: actor('Organization/b') }), { dateTime: '2026' }), agreed(deny(), { dateTime: '2025' })],
      'c anyC',
    ],
    [
      'a permission to one person opens to that one',
      [agreed(permit({ actor: actor('Practitioner/b1') }), { dateTime: '2026' }), agreed(deny(), { dateTime: '2025' })],
      'b2 b c anyC',
    ],
    [
      'a permission that names nobody says nothing of the people inside',
      [agreed(permit(), { dateTime: '2026' }), agreed(deny({ actor: actor('Practitioner/a1') }), { dateTime: '2025' })],
      'a1',
    ],
    [
      'a permission that cannot be judged does not',
      [agreed(permit({ data: [{}] }), { dateTime: '2026' }), agreed(deny(), { dateTime: '2025' })],
      OUTSIDE,
    ],
  ])('%s', (_name, agreements, expected) => expect(deniedTo(agreements)).toBe(expected));

  test.each([
    ['is not active', { status: 'inactive' }],
    ['is entered in error', { status: 'entered-in-error' }],
    ['names no patient', { patient: undefined }],
    ['names a patient elsewhere', { patient: { reference: 'https://else/fhir/Patient/p' } }],
  ])('a Consent that %s says nothing', (_name, more) => expect(() => agreed(deny(), more)).toThrow('says nothing'));

  test.each<[string, Provision, string]>([
    ['an ordinary refusal is what it overrides', deny(), ''],
    ['also one for treatment', deny({ purpose: [code('TREAT')] }), ''],
    ['one for emergency treatment wins', deny({ purpose: [code('TREAT'), code('ETREAT')] }), OUTSIDE],
    [
      'one for breaking the glass wins',
      deny({ actor: actor('Practitioner/a1', 'Practitioner/b1'), purpose: [code('BTG')] }),
      'a1 b1',
    ],
    ['also within an ordinary one', deny(except(deny({ purpose: [code('BTG')] }))), OUTSIDE],
    ['also within a permission', permit(except(deny({ purpose: [code('ETREAT')] }))), OUTSIDE],
  ])('G-01 in an emergency %s', (_name, provision, expected) =>
    expect(deniedTo([agreed(provision)], { emergency: true })).toBe(expected),
  );

  const at = (text: string) => Date.parse(text);
  test.each<[string, Agreement[], string]>([
    ['nothing is denied', [], '2026-01-01/2027-01-01'],
    ['all is denied', [agreed(deny())], ''],
    [
      'denied in March',
      [agreed(deny({ period: { start: '2026-03', end: '2026-03' } }))],
      '2026-01-01/2026-03-01 2026-04-01/2027-01-01',
    ],
    [
      'permitted from May on',
      [agreed(deny(except(permit({ period: { start: '2026-05-01' } }))))],
      '2026-05-01/2027-01-01',
    ],
    [
      'a newer one permits until July',
      [agreed(deny(), { dateTime: '2020' }), agreed(permit({ period: { end: '2026-06-30' } }), { dateTime: '2021' })],
      '2026-01-01/2026-07-01',
    ],
    [
      'turns that change nothing',
      [agreed(permit({ period: { start: '2026-02', end: '2026-09' } }))],
      '2026-01-01/2027-01-01',
    ],
    ['denied to one of its people only', [agreed(deny({ actor: actor('Practitioner/b1') }))], '2026-01-01/2027-01-01'],
  ])('open to an organization when %s', (_name, agreements, expected) => {
    const whole = { from: at('2026-01-01'), until: at('2027-01-01') };
    const open = windows(agreements, { type: 'Observation', id: '1', entries: [] }, 'B', whole);
    const day = (instant: number) => new Date(instant).toISOString().slice(0, 10);
    expect(open.map(({ from, until }) => `${day(from)}/${day(until)}`).join(' ')).toBe(expected);
  });

  test.each<[string, Provision, string[]]>([
    ['nothing', { type: 'deny', provision: [{ type: 'permit', class: [code('Media')] }] }, []],
    ['code', deny({ code: [{}] }), ['Consent.provision.code']],
    [
      'another action, below',
      deny(except(permit({ action: action('correct') }))),
      ['Consent.provision.provision[0].action'],
    ],
    ['a class', deny({ class: [code('Observation'), code('other')] }), ['Consent.provision.class[1]']],
    [
      'actors',
      deny({ actor: [...actor('Organization/b', 'Device/d'), { reference: { display: 'x' } }] }),
      ['Consent.provision.actor[1].reference', 'Consent.provision.actor[2].reference'],
    ],
    [
      'a label without a code',
      deny({ securityLabel: [{ display: 'secret' }] }),
      ['Consent.provision.securityLabel[0]'],
    ],
    ['no type and no policy', {}, ['Consent.provision']],
  ])('whoever writes it is warned of %s', (_name, provision, expected) => {
    const consent = { resourceType: 'Consent', status: 'active', patient: { reference: 'Patient/p' }, provision };
    const doubts = doubtsOf(consent, reading);
    expect(doubts.map(({ expression }) => expression?.[0])).toEqual(expected);
    expect(doubts.every(({ severity }) => severity === 'warning')).toBe(true);
  });
});
