/** The audit trail: what is appended and what a write keeps along, found by its keys, in chains that hold. */
import { hashOf, linesOf } from '../../../src/store/chain.js';
import type { AuditEntry, AuditLink, AuditRecord, Position } from '../../../src/store/port.js';
import type { Bench } from '../store.js';

export function auditContract({ promise, opened, places, clock }: Bench): void {
  const log = () => opened().store.audit;
  const record = (text: string, ...keys: string[]): AuditRecord => ({ text: JSON.stringify({ text }), keys });
  const textOf = ({ text }: AuditEntry): string => (JSON.parse(text) as { text: string }).text;

  async function found(key: string, size = 1000, span: { from?: number; to?: number } = {}): Promise<string[]> {
    const all: string[] = [];
    let after: Position | undefined;
    do {
      const page = await log().scan(key, span, { size, ...(after === undefined ? {} : { after }) });
      expect(page.items.length).toBeLessThanOrEqual(size);
      all.push(...page.items.map(textOf));
      after = page.next;
    } while (after !== undefined);
    return all;
  }

  async function links(): Promise<AuditLink[]> {
    const all: AuditLink[] = [];
    let after: Position | undefined;
    do {
      const page = await log().links({ size: 7, ...(after === undefined ? {} : { after }) });
      all.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return all;
  }

  /** A write's record may come a moment after the write, on a store that brings it there from the write's own place. */
  async function soon(key: string, count: number): Promise<string[]> {
    for (let tries = 0; tries < 100; tries += 1) {
      const all = await found(key);
      if (all.length >= count) return all;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return found(key);
  }

  promise('what is appended is found by each of its keys, the newest first, page by page', async () => {
    const { name } = places();
    const [a, b] = [`o:${name}-a`, `o:${name}-b`];
    for (const text of ['1', '2', '3']) await log().append([record(text, a, b), record(`${text}+`, a)]);
    expect(await found(a)).toEqual(['3+', '3', '2+', '2', '1+', '1']);
    for (const size of [1, 2, 3, 4, 5, 6]) expect(await found(a, size)).toEqual(['3+', '3', '2+', '2', '1+', '1']);
    for (const size of [1, 2]) expect(await found(b, size)).toEqual(['3', '2', '1']);
    expect(await found(`o:${name}-c`)).toEqual([]);
  });

  promise('stays found while and after a store puts many in order, page by page', async () => {
    const { name } = places();
    const key = `o:${name}`;
    const texts = Array.from({ length: 700 }, (_, n) => String(n));
    for (let at = 0; at < texts.length; at += 10)
      await log().append(texts.slice(at, at + 10).map((text) => record(text, key)));
    for (const size of [33, 1000]) expect(await found(key, size)).toEqual([...texts].reverse());
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await found(key, 101)).toEqual([...texts].reverse());
  });

  promise('is found within a time, both ends included', async () => {
    const { name } = places();
    const key = `o:${name}`;
    const times: number[] = [];
    for (const text of ['1', '2', '3']) {
      clock.forward(1000);
      times.push(clock.now());
      await log().append([record(text, key)]);
    }
    const [first = 0, second = 0, third = 0] = times;
    expect(await found(key, 10, { from: second })).toEqual(['3', '2']);
    expect(await found(key, 1, { to: second })).toEqual(['2', '1']);
    expect(await found(key, 10, { from: first + 1, to: third - 1 })).toEqual(['2']);
    expect(await found(key, 10, { from: third + 1 })).toEqual([]);
    expect(await found(key, 10, { to: first - 1 })).toEqual([]);
  });

  promise('is read by its id, and what was never given out is not there', async () => {
    const { name } = places();
    await log().append([record('1', `o:${name}`), record('2', `o:${name}`)]);
    const { items } = await log().scan(`o:${name}`, {}, { size: 5 });
    for (const { place: _place, ...entry } of items) expect(await log().get(entry.id)).toEqual(entry);
    const id = items[0]?.id ?? '';
    for (const other of [`${id}9`, id.replace(/^./, 'g'), `${'0'.repeat(16)}-0`, id.slice(0, 16), '', 'x'])
      expect(await log().get(other)).toBeUndefined();
  });

  promise('what comes together is all kept, once, in links that hold', async () => {
    const { name } = places();
    const texts = Array.from({ length: 200 }, (_, n) => String(n));
    await Promise.all(texts.map((text) => log().append([record(text, `o:${name}`)])));
    expect((await found(`o:${name}`)).sort()).toEqual([...texts].sort());
    const all = await links();
    for (const [n, link] of all.entries()) {
      const before = all[n - 1];
      expect(link).toMatchObject({ hash: hashOf(link), lost: [] });
      expect(linesOf(link.text)).toHaveLength(link.keys.length);
      if (before?.chain !== link.chain) continue;
      expect(link).toMatchObject({ before: before.hash, first: before.first + before.keys.length });
      expect(link.at).toBeGreaterThanOrEqual(before.at);
    }
  });

  promise('the record of a write is there when the write is, once', async () => {
    const place = places();
    const key = `o:${place.name}`;
    const audit = [record('create', key)];
    await opened().store.write([place.change('Patient/a', 1)], [], undefined, undefined, { audit });
    await opened().store.write([place.change('Patient/a', 2)], [], undefined, undefined, {
      audit: [record('update', key), record('more', key)],
    });
    const changes = [place.change('Patient/b', 1), place.change('Patient/c', 1)];
    await opened().store.write(changes, [], undefined, undefined, { audit: [record('both', key)] });
    expect([...(await soon(key, 4))].sort()).toEqual(['both', 'create', 'more', 'update']);
  });

  promise('of sixteen writes at once that of each is there, and of one that is refused none', async () => {
    const place = places();
    const key = `o:${place.name}`;
    const write = (id: string, text: string) =>
      opened().store.write([place.change(`Patient/${id}`, 1, { method: 'POST' })], [], undefined, undefined, {
        audit: [record(text, key)],
      });
    await Promise.all(Array.from({ length: 16 }, (_, n) => write(`n${n}`, `n${n}`)));
    await Promise.all(['n1', 'n2'].map((id) => expect(write(id, 'no')).rejects.toMatchObject({ reason: 'conflict' })));
    await Promise.all([write('m', 'yes'), expect(write('n1', 'no')).rejects.toMatchObject({ reason: 'conflict' })]);
    expect((await soon(key, 17)).sort()).toEqual([...Array.from({ length: 16 }, (_, n) => `n${n}`), 'yes'].sort());
  });

  promise('the head of a chain is noted apart, and the chain goes on when the store is opened again', async () => {
    const { name } = places();
    await log().append([record('before', `o:${name}`)]);
    const bench = opened();
    if (bench.reopen === undefined) return;
    bench.store = await bench.reopen();
    // It may be another chain by now, and what two chains keep in one instant has no order.
    clock.forward(1);
    await log().append([record('after', `o:${name}`)]);
    expect(await found(`o:${name}`)).toEqual(['after', 'before']);
    const all = await links();
    for (const { chain, count, hash } of await log().heads()) {
      const end = all.find((link) => link.chain === chain && link.first + link.keys.length === count);
      expect(end?.hash).toBe(hash);
    }
  });

  promise('the oldest go as whole links, after a record that tells of it', async () => {
    const { name } = places();
    const key = `o:${name}`;
    await log().append([record('old', key)]);
    clock.forward(1000);
    const before = clock.now();
    await log().append([record('young', key)]);
    let told = 0;
    for (let gone = 1; gone > 0;) {
      gone = await log().expire(before, (cut) => {
        told += 1;
        expect(cut.length).toBeGreaterThan(0);
        for (const { count, hash } of cut) expect([count > 0, hash.length]).toEqual([true, 64]);
        return record('told', key);
      });
    }
    expect(told).toBeGreaterThan(0);
    expect(await found(key)).toEqual([...Array.from({ length: told }, () => 'told'), 'young']);
    expect(await log().expire(before, () => record('no', key))).toBe(0);
    for (const link of await links()) expect(link.at).toBeGreaterThanOrEqual(before);
  });
}
