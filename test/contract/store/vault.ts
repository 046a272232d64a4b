/** The vault: small records that expire, with one winner where many reach for one. */
import type { Bench } from '../store.js';

export function vaultContract({ promise, opened, clock }: Bench): void {
  const vault = () => opened().store.vault;
  const soon = () => clock.now() + 1000;
  const count = async (tries: Promise<unknown>[], won: (result: unknown) => boolean) =>
    (await Promise.all(tries)).filter(won).length;

  promise('gives back what was put, the last of it', async () => {
    expect(await vault().get('a')).toBeUndefined();
    await vault().put('a', 'one', soon());
    await vault().put('a', 'two', soon());
    expect(await vault().get('a')).toBe('two');
    expect(await vault().get('A')).toBeUndefined();
  });

  promise('keeps any text under any key', async () => {
    for (const odd of ['$a.b', '', `'"\\`, '日本\u{1F600}', '__proto__', '{"a":1.10}', 'x'.repeat(10_000)]) {
      const key = `odd ${odd.slice(0, 500)}`;
      await vault().put(key, odd, soon());
      expect(await vault().get(key)).toBe(odd);
    }
  });

  promise('a record past its time is not there', async () => {
    await vault().put('short', 'x', clock.now() + 1000);
    await vault().put('long', 'y', clock.now() + 5000);
    clock.forward(999);
    expect(await vault().get('short')).toBe('x');
    clock.forward(2);
    expect(await vault().get('short')).toBeUndefined();
    expect(await vault().take('short')).toBeUndefined();
    expect(await vault().get('long')).toBe('y');
  });

  promise('puts only where nothing is', async () => {
    expect(await vault().putIfAbsent('claim', 'first', soon())).toBe(true);
    expect(await vault().putIfAbsent('claim', 'second', soon())).toBe(false);
    expect(await vault().get('claim')).toBe('first');
    clock.forward(1001);
    expect(await vault().putIfAbsent('claim', 'third', soon())).toBe(true);
    expect(await vault().get('claim')).toBe('third');
  });

  promise('takes a record once', async () => {
    await vault().put('code', 'secret', soon());
    expect(await vault().take('code')).toBe('secret');
    expect(await vault().take('code')).toBeUndefined();
    expect(await vault().get('code')).toBeUndefined();
    expect(await vault().putIfAbsent('code', 'again', soon())).toBe(true);
  });

  promise('of sixty-four that take one record one gets it', async () => {
    for (let round = 0; round < 5; round += 1) {
      await vault().put(`one${round}`, 'x', soon());
      const takers = Array.from({ length: 64 }, () => vault().take(`one${round}`));
      expect(await count(takers, (taken) => taken === 'x')).toBe(1);
    }
  });

  promise('of sixty-four that claim one key one wins, expired record or not', async () => {
    const claim = () => Array.from({ length: 64 }, (_, n) => vault().putIfAbsent('race', String(n), soon()));
    expect(await count(claim(), (won) => won === true)).toBe(1);
    clock.forward(1001);
    expect(await count(claim(), (won) => won === true)).toBe(1);
  });
}
