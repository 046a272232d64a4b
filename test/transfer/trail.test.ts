/** The audit trail goes along with a backup, a restore and a move: its records, their ids and order, and hashes that hold. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyTrail } from '../../src/audit/verify.js';
import { systemClock } from '../../src/kit/clock.js';
import { linkAfter, newChain, headOf } from '../../src/store/chain.js';
import type { AuditFound, AuditHead, AuditLink, AuditLog, AuditRecord } from '../../src/store/port.js';
import { backup } from '../../src/transfer/backup.js';
import { fill } from '../../src/transfer/fill.js';
import { checkedFolder } from '../../src/transfer/folder.js';
import { storeSource, type Data } from '../../src/transfer/source.js';
import { copyTrail, type TrailSource } from '../../src/transfer/trail.js';
import { indexing, kinds, openWorld, version, write, type Kind, type World } from './world.js';

const quiet = () => undefined;
let folder: string;
let open: World[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afferent-trail-'));
  open = [];
});
afterEach(async () => {
  for (const world of open) await world.close();
  await rm(folder, { recursive: true });
});
async function world(kind: Kind): Promise<World> {
  const opened = await openWorld(kind);
  open.push(opened);
  return opened;
}

const record = (said: string, ...keys: string[]): AuditRecord => ({ text: JSON.stringify({ said }), keys });
const plain = ({ id, at, text }: AuditFound) => ({ id, at, text });
const found = async (log: AuditLog, key: string, span = {}) =>
  (await log.scan(key, span, { size: 100 })).items.map(plain);

async function save(source: Data, target: Data): Promise<void> {
  const to = await mkdtemp(join(folder, 'backup-'));
  await backup(await storeSource(source), to, systemClock, quiet);
  await fill('restore', (await checkedFolder(to, quiet)).source, target, indexing, quiet);
}
const move = async (source: Data, target: Data) => fill('move', await storeSource(source), target, indexing, quiet);

describe.each(kinds)('from %s', (kind) => {
  test.each([
    ['restored', save],
    ['moved', move],
  ] as const)('a trail that is %s holds, says the same by each way to it, and goes on', async (_how, bring) => {
    const source = await world(kind);
    await write(source, version('Patient', 'a', 1));
    for (let n = 0; n < 40; n += 1)
      await source.store.audit.append([record(`${n}`, 'o:x', `p:${n % 3}`), record(`${n}+`, 'o:x')]);
    const kept = (await verifyTrail(source.store.audit)).heads;
    const was = await found(source.store.audit, 'p:1');
    for (const other of kinds) {
      const target = await world(other);
      await bring(source, target);
      const log = target.store.audit;
      expect(await verifyTrail(log, kept)).toMatchObject({ records: 80, heads: kept, findings: [] });
      expect(await found(log, 'p:1')).toEqual(was);
      for (const entry of was) expect(await log.get(entry.id)).toEqual(entry);
      await log.append([record('after', 'p:1')]);
      expect((await found(log, 'p:1')).slice(1)).toEqual(was);
      expect(await verifyTrail(log, kept)).toMatchObject({ records: 81, findings: [] });
    }
  });

  test('moved once more it has what was kept since, and none twice', async () => {
    const [source, target] = [await world(kind), await world(kinds.find((one) => one !== kind) ?? kind)];
    await write(source, version('Patient', 'a', 1));
    await source.store.audit.append([record('one', 'o:x')]);
    await move(source, target);
    await source.store.audit.append([record('two', 'o:x')]);
    expect(await move(source, target)).toMatchObject({ audit: 2 });
    expect(await found(target.store.audit, 'o:x')).toEqual(await found(source.store.audit, 'o:x'));
    expect((await verifyTrail(target.store.audit)).findings).toEqual([]);
  });

  test('a store that holds only a trail is not moved into', async () => {
    const [source, target] = [await world(kind), await world(kind)];
    await target.store.audit.append([record('one', 'o:x')]);
    await expect(move(source, target)).rejects.toThrow(/not empty/);
    expect(await found(target.store.audit, 'o:x')).toHaveLength(1);
  });
});

/** Chains of two processes whose links lie between each other in time: at 1000, 1001, … by turns. */
function twoChains(): { links: AuditLink[]; heads: AuditHead[] } {
  const heads = [newChain(), newChain()];
  const links = Array.from({ length: 8 }, (_, n) => {
    const said = [record(`${n}`, 'o:x', `p:${n}`), record(`${n}+`, 'o:x')];
    const { link } = linkAfter(heads[n % 2]!, said, 1000 + n);
    heads[n % 2] = headOf(link);
    return link;
  });
  return { links, heads };
}
const sourceOf = (links: AuditLink[], heads: AuditHead[]): TrailSource => ({
  heads: () => Promise.resolve(heads),
  async *links() {
    for (const link of links) yield await Promise.resolve(link);
  },
});

test.each(kinds)('chains of several processes lie in %s as they did: by time, and each by itself', async (kind) => {
  const { store } = await world(kind);
  const log = store.audit;
  const { links, heads } = twoChains();
  expect(await copyTrail(sourceOf(links, heads), log, quiet)).toBe(16);
  const verdict = await verifyTrail(log, heads);
  expect(verdict).toMatchObject({ records: 16, links: 8, findings: [] });
  expect((await log.heads()).map(({ chain }) => chain).sort()).toEqual(heads.map(({ chain }) => chain).sort());
  const said = (entries: { text: string }[]) => entries.map(({ text }) => JSON.parse(text).said);
  expect(said(await found(log, 'o:x'))).toEqual([7, 6, 5, 4, 3, 2, 1, 0].flatMap((n) => [`${n}+`, `${n}`]));
  expect(said(await found(log, 'o:x', { from: 1002, to: 1003 }))).toEqual(['3+', '3', '2+', '2']);
  for (const { chain, first } of links)
    for (const n of [first, first + 1]) expect((await log.get(`${chain}-${n}`))?.id).toBe(`${chain}-${n}`);
  await log.append([record('own', 'o:x')]);
  const [own] = await found(log, 'o:x');
  expect(await log.get(own!.id)).toEqual(own);
  const told = (cut: AuditHead[]) => ({ text: JSON.stringify({ at: 0, acts: [], cut }), keys: ['o:home'] });
  expect(await log.expire(1003, told)).toBe(6);
  expect((await verifyTrail(log, heads)).findings).toEqual([]);
  expect(said(await found(log, 'p:3'))).toEqual(['3']);
  expect(said(await found(log, 'p:2'))).toEqual([]);
  expect(await log.expire(2000, told)).toBe(10);
  expect((await verifyTrail(log, heads)).findings).toEqual([]);
  expect((await log.heads()).filter(({ chain }) => heads.some((head) => head.chain === chain))).toEqual([]);
});

test.each(kinds)('what was missing at the end of a chain before is found missing in %s', async (kind) => {
  const { store } = await world(kind);
  const { links, heads } = twoChains();
  await copyTrail(sourceOf(links.slice(0, 7), heads), store.audit, quiet);
  const { findings } = await verifyTrail(store.audit);
  expect(findings).toEqual([{ at: `${heads[1]!.chain}-6`, what: expect.stringContaining('missing at the end') }]);
});
