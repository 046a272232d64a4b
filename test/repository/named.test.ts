/** One look a moment says of most callers that no Consent concerns them; of whom it cannot say so, it does not. */
import type { Principal } from '../../src/access/principal.js';
import { insideOf, someOf, toOf } from '../../src/repository/consents/concerned.js';
import { createNamed } from '../../src/repository/consents/named.js';
import { limits } from '../../src/kit/limits.js';
import type { Store } from '../../src/store/port.js';

const caller: Principal = { name: 'desk', role: 'coordinator', owner: 'ward', owners: ['ward'] };
const doctor = { fhirUser: 'Practitioner/d' };

/** Answers with these names, and counts the looks. */
function storeOf(names: () => Promise<Set<string> | undefined>) {
  const asked: unknown[][] = [];
  const sharing = {
    named: (...given: unknown[]) => {
      asked.push(given);
      return names();
    },
  };
  return { asked, store: { sharing } as unknown as Store };
}

const noneOf = async (names: string[] | undefined, grant: { fhirUser?: string } = doctor) => {
  const { store } = storeOf(() => Promise.resolve(names && new Set(names)));
  return createNamed(store, { now: () => 5000 }).noneSince(caller, grant);
};

test.each([
  ['nobody is named', []],
  ['another person', [toOf('Practitioner/e')]],
  ['another organization', [insideOf('other'), someOf('other')]],
])('none concerns the caller where %s', async (_name, names) => {
  expect(await noneOf(names)).toBe(5000);
});

test.each([
  ['themselves', [toOf('Practitioner/d')]],
  ['the people of their organization', [insideOf('ward')]],
  ['some people of it', [someOf('ward')]],
  ['any role', [toOf('PractitionerRole/r')]],
  ['any team', [toOf('CareTeam/t')]],
])('one may where it names %s', async (_name, names) => {
  expect(await noneOf(names)).toBeUndefined();
});

test('whoever is nobody in FHIR has no role and is in no team', async () => {
  expect(await noneOf([toOf('PractitionerRole/r'), toOf('CareTeam/t')], {})).toBe(5000);
  expect(await noneOf([insideOf('ward')], {})).toBeUndefined();
});

test('where more are named than are listed, each caller is looked for', async () => {
  expect(await noneOf(undefined)).toBeUndefined();
});

test('all callers of a moment share a look; a change, or its time, ends it', async () => {
  let now = 1000;
  const { asked, store } = storeOf(() => Promise.resolve(new Set<string>()));
  const named = createNamed(store, { now: () => now });
  const none = () => named.noneSince(caller, doctor);
  expect(await Promise.all([none(), none()])).toEqual([1000, 1000]);
  now += limits.termsTrustMs - 1;
  expect(await none()).toBe(1000);
  expect(asked).toEqual([['Consent', ':', limits.namedByConsents]]);
  now += 1;
  expect(await none()).toBe(now);
  named.forget();
  expect(await none()).toBe(now);
  expect(asked).toHaveLength(3);
});

test('a look that failed is not believed', async () => {
  let fails = true;
  const { store } = storeOf(() => (fails ? Promise.reject(new Error('gone')) : Promise.resolve(new Set<string>())));
  const named = createNamed(store, { now: () => 7 });
  await expect(named.noneSince(caller, doctor)).rejects.toThrow('gone');
  fails = false;
  expect(await named.noneSince(caller, doctor)).toBe(7);
});
