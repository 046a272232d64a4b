/** Exactly once, whatever falls between the write and its answer. */
import type { Operation } from '../../src/fhir/transaction/operation.js';
import { StoreError, type Store } from '../../src/store/port.js';
import { describeDoors } from './door.js';

const HOUR = 3_600_000;

const create: Operation = {
  index: 0,
  method: 'POST',
  interaction: 'create',
  type: 'Basic',
  query: '',
  resource: { resourceType: 'Basic', code: { text: 'x' } },
  conditions: {},
};

describeDoors('a write that is sent again', (doors) => {
  const once = { key: 'a key', request: 'what it says' };
  const written = async () =>
    await doors.store.count(['Basic'], { node: 'all', of: [] }, { owners: [doors.call.principal.owner] }, 100);

  test('when its answer was lost is answered by what was made', async () => {
    const losing: Store = {
      ...doors.store,
      async write(...given) {
        await doors.store.write(...given);
        throw new StoreError('unknown', 'The line is cut.');
      },
    };
    const first = await doors.over(losing).write(doors.call, create, false, once);
    expect(first).toMatchObject({ created: true, replayed: true });
    const cut = {
      ...losing,
      vault: { ...doors.store.vault, get: () => Promise.reject(new StoreError('unavailable', 'x')) },
    };
    let asked = 0;
    const blind: Store = {
      ...losing,
      vault: { ...cut.vault, get: (key) => ((asked += 1) === 1 ? doors.store.vault.get(key) : cut.vault.get()) },
    };
    const other = { ...once, key: 'another' };
    await expect(doors.over(blind).write(doors.call, create, false, other)).rejects.toMatchObject({ kind: 'unknown' });
    const again = await doors.over().write(doors.call, create, false, other);
    expect(again).toMatchObject({ created: true, replayed: true });
    expect(again.version?.id).not.toBe(first.version?.id);
    expect(await written()).toBe(2);
  });

  test('when nothing was made is made', async () => {
    const failing: Store = { ...doors.store, write: () => Promise.reject(new StoreError('unavailable', 'Down.')) };
    await expect(doors.over(failing).write(doors.call, create, false, once)).rejects.toMatchObject({ status: 503 });
    expect((await doors.over().write(doors.call, create, false, once)).replayed).toBeUndefined();
    expect(await written()).toBe(1);
  });

  test('is remembered for a day', async () => {
    await doors.over().write(doors.call, create, false, once);
    doors.clock.forward(24 * HOUR - 1);
    expect((await doors.over().write(doors.call, create, false, once)).replayed).toBe(true);
    doors.clock.forward(2);
    expect(
      (await doors.over().write(doors.call, create, false, { ...once, request: 'else' })).replayed,
    ).toBeUndefined();
    expect(await written()).toBe(2);
  });

  test('by another client is another write', async () => {
    const { principal } = doors.call;
    await doors.over().write(doors.call, create, false, once);
    for (const other of [
      { ...principal, name: 'somebody else' },
      { ...principal, owner: 'elsewhere', owners: ['elsewhere'] },
    ])
      expect(
        (await doors.over().write({ ...doors.call, principal: other }, create, false, once)).replayed,
      ).toBeUndefined();
  });
});

describeDoors('two processes on one store', (doors) => {
  test('make it once', async () => {
    const [near, far] = [doors.over(), doors.over(await doors.another())];
    for (let round = 0; round < 5; round += 1) {
      const once = { key: `round ${round}`, request: 'x' };
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, n) => (n % 2 === 0 ? near : far).write(doors.call, create, false, once)),
      );
      expect(new Set(answers.map(({ version }) => version?.id)).size).toBe(1);
      expect(answers.filter(({ replayed }) => replayed === undefined)).toHaveLength(1);
    }
  });
});
