/** What a token means is looked at again while it is in use, so that nobody waits for it; what has ended never comes back. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Principal } from '../../src/access/principal.js';
import { createBearer } from '../../src/auth/bearer.js';
import type { Clients } from '../../src/auth/clients.js';
import type { Grants } from '../../src/auth/grants.js';
import { limits } from '../../src/kit/limits.js';

const base = 'https://fhir.example/fhir';

function bench() {
  let [now, isThere, looks, clientLooks] = [1_000_000, true, 0, 0];
  let held: Promise<unknown> = Promise.resolve();
  let ended: (id: string) => void = () => undefined;
  const grant = { id: 'g', client: 'c', audience: base, name: 'n', organization: 'o', role: 'specialist', context: {} };
  const grants = {
    whenEnded: (tell: typeof ended) => (ended = tell),
    async access() {
      looks += 1;
      const found = isThere ? { grant, token: { scope: 'user/*.rs', expires: now + 3_600_000 } } : undefined;
      await held;
      return found;
    },
  };
  const clients = { find: () => Promise.resolve((clientLooks += 1) > 0 ? {} : undefined) };
  const authenticate = createBearer({
    grants: grants as unknown as Grants,
    clients: clients as unknown as Clients,
    clock: { now: () => now },
    base,
  });
  return {
    ask: (token = 'token'): Principal | Promise<Principal> => authenticate({ authorization: `Bearer ${token}` }, ''),
    pass: (ms: number) => (now += ms),
    hold: (until: Promise<unknown>): void => {
      held = until;
    },
    /** It ends in this very process. */
    end: (): void => {
      isThere = false;
      ended('g');
    },
    vanish: () => (isThere = false),
    looks: () => [looks, clientLooks],
  };
}

test('a token that is in use is looked at before its time is over, and nobody waits', async () => {
  const { ask, pass, looks } = bench();
  const first = await ask();
  pass(limits.tokenTrustMs * 0.8);
  expect(ask()).toBe(first);
  expect(ask()).toBe(first);
  await pause(0);
  expect(looks()).toEqual([2, 2]);
  pass(limits.tokenTrustMs * 0.5);
  expect(ask()).not.toBeInstanceOf(Promise);
  expect(looks()).toEqual([2, 2]);
});

test('one that nobody used meanwhile is waited for', async () => {
  const { ask, pass, vanish } = bench();
  await ask();
  pass(limits.tokenTrustMs);
  vanish();
  await expect(ask()).rejects.toMatchObject({ kind: 'unauthenticated' });
});

test('what is gone elsewhere is refused as soon as that is seen', async () => {
  const { ask, pass, vanish } = bench();
  await ask();
  vanish();
  pass(limits.tokenTrustMs * 0.9);
  expect(ask()).not.toBeInstanceOf(Promise);
  await pause(0);
  await expect(ask()).rejects.toMatchObject({ kind: 'unauthenticated' });
});

test.each([0.8, 1])('a grant that ends while its token is looked at is not known after it (%d)', async (part) => {
  const { ask, pass, hold, end, looks } = bench();
  await ask();
  pass(limits.tokenTrustMs * part);
  let go: () => void = () => undefined;
  hold(new Promise<void>((resolve) => (go = resolve)));
  const asking = Promise.resolve(ask());
  end();
  go();
  expect((await asking).name).toBe('n');
  await pause(0);
  await expect(ask()).rejects.toMatchObject({ kind: 'unauthenticated' });
  expect(looks()[0]).toBe(3);
});

test('tokens of one client that are looked at within a moment ask for it once', async () => {
  const { ask, pass, looks } = bench();
  await Promise.all(['a', 'b', 'c'].map((token) => Promise.resolve(ask(token))));
  expect(looks()).toEqual([3, 1]);
  pass(250);
  await ask('d');
  expect(looks()).toEqual([4, 2]);
});
