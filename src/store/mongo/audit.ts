/**
 * The audit trail in MongoDB: a chain for each process, one document a link. Records that come while a link is being
 * made durable become the next one, so that however many ask at once, one insert is under way. A link that could not be
 * written ends its chain: the next record begins a new one, so that no gap looks like a removal.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../../kit/limits.js';
import { entryOf, headOf, linkAfter, newChain, placeOf } from '../chain.js';
import type {
  AuditEntry,
  AuditFound,
  AuditHead,
  AuditLink,
  AuditLog,
  AuditRecord,
  Page,
  PageRequest,
  Position,
} from '../port.js';
import { linkOf, nameOf, toDocument } from './audit-links.js';
import { answered, isClosed, isDuplicate, isTrouble, toStoreError } from './errors.js';
import { createOutbox, type Outbox } from './outbox.js';
import { readPage } from './page.js';
import type { Parts } from './parts.js';
import type { AuditDocument } from './schema.js';
import { createBudget } from './transaction.js';

export interface MongoAudit {
  log: AuditLog;
  outbox: Outbox;
  close: () => Promise<void>;
}

interface Waiting {
  records: AuditRecord[];
  done: () => void;
  failed: (reason: unknown) => void;
}

/** To make a link durable takes several times as long. */
const GATHER_MS = 1;

/** Characters of the records of one link; one record alone may be longer. */
const MOST_CHARACTERS = 2 * 1024 * 1024;

export function createAudit(parts: Parts): MongoAudit {
  const { clock, operationMs, writeMs } = parts;
  const { audit, meta } = parts.collections;
  const timed = { maxTimeMS: operationMs };
  const waiting: Waiting[] = [];
  const outbox = createOutbox(parts, { append: queue, note });
  let [head, at] = [newChain(), 0];
  /** As it was last noted. */
  let noted: AuditHead = head;
  let underWay: Promise<void> | undefined;

  async function append(records: AuditRecord[]): Promise<void> {
    if (records.length === 0) return;
    await outbox.opened();
    await queue(records);
  }

  async function queue(records: AuditRecord[]): Promise<void> {
    if (records.length === 0) return;
    await new Promise<void>((done, failed) => {
      waiting.push({ records, done, failed });
      // What else this turn of the event loop brings goes with it.
      underWay ??= new Promise((resolve) => setImmediate(resolve)).then(work);
    });
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const some = group();
      await keep(some);
      // Where several ask at once, those who were just answered are about to ask again: they go together.
      if (some.length > 1) await pause(GATHER_MS);
    }
    underWay = undefined;
  }

  function group(): Waiting[] {
    let [count, characters] = [0, 0];
    for (const { records } of waiting) {
      characters += records.reduce((sum, { text }) => sum + text.length, 0);
      if (count > 0 && characters > MOST_CHARACTERS) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  /** Never rejects: each of the group hears for itself. */
  async function keep(group: Waiting[]): Promise<void> {
    const records = group.flatMap((one) => one.records);
    const { link } = linkAfter(head, records, Math.max(clock.now(), at));
    try {
      await insert(toDocument(link));
      [head, at] = [headOf(link), link.at];
      for (const { done } of group) done();
    } catch (error) {
      // Whether it is there or not: nothing follows it.
      await note().catch(() => undefined);
      [head, at] = [newChain(), link.at];
      for (const { failed } of group) failed(toStoreError(error));
    }
  }

  async function insert(document: AuditDocument): Promise<void> {
    const budget = createBudget(writeMs);
    for (let attempt = 0; ; attempt += 1) {
      try {
        await audit.insertOne(document, timed);
        return;
      } catch (error) {
        if (isDuplicate(error) && attempt > 0) return;
        if (!isTrouble(error) || isClosed(error) || !(await budget.wait(attempt))) throw error;
      }
    }
  }

  /** Apart from the links, at most a second after them: who removes the newest ones is betrayed by it. */
  async function note(): Promise<void> {
    const last = head;
    if (last.count === 0 || last === noted) return;
    await meta.updateOne({ _id: { $eq: `${CHAIN}${last.chain}` } }, { $set: { value: JSON.stringify(last) } }, UPSERT);
    noted = last;
  }
  const UPSERT = { ...timed, upsert: true };

  async function scan(key: string, { from, to }: { from?: number; to?: number }, { size, bytes, after }: PageRequest) {
    await outbox.opened();
    const [seen = null, name = null, upTo = null] = after ?? [];
    const within = { ...(from === undefined ? {} : { $gte: from }), ...(to === undefined ? {} : { $lte: to }) };
    const cursor = audit.find(
      {
        k: { $eq: key },
        ...(from === undefined && to === undefined ? {} : { at: within }),
        ...(seen === null || name === null
          ? {}
          : { $or: [{ at: { $lt: Number(seen) } }, { at: Number(seen), _id: { $lte: String(name) } }] }),
      },
      { ...timed, sort: { at: -1, _id: -1 }, batchSize: Math.min(size + 1, 1000), raw: true },
    );
    // A link may have several of the key, and the first none that is left of the page before.
    const { rows: shown, more } = await readPage(cursor, { size: size + 2, bytes: bytes ?? limits.bundleBytes });
    const items: AuditFound[] = [];
    let next: Position | undefined;
    for (const fields of shown) {
      const link = linkOf(fields);
      const id = String(fields._id);
      const lines = link.keys.flatMap((keys, line) => (keys.includes(key) ? [line] : [])).reverse();
      for (const line of lines.filter((one) => id !== name || one < Number(upTo))) {
        if (items.length === size && next !== undefined) return { items, next };
        next = [link.at, id, line];
        items.push({ ...entryOf(link, line), place: next });
      }
      next ??= [link.at, id, 0];
    }
    return more && next !== undefined ? { items, next } : { items };
  }

  async function get(id: string): Promise<AuditEntry | undefined> {
    const place = placeOf(id);
    if (place === undefined) return undefined;
    const { chain, number } = place;
    const upTo = { _id: { $gte: `${chain}/`, $lte: nameOf(chain, number) } };
    const [found] = await audit.find(upTo, { ...timed, sort: { _id: -1 }, limit: 1 }).toArray();
    if (found === undefined || number - found.n >= found.l.length) return undefined;
    return entryOf({ chain, first: found.n, at: found.at, text: found.text }, number - found.n);
  }

  async function links({ size, bytes, after }: PageRequest): Promise<Page<AuditLink>> {
    await outbox.opened();
    const from = after === undefined ? {} : { _id: { $gt: String(after[0]) } };
    const cursor = audit.find(from, { ...timed, sort: { _id: 1 }, batchSize: Math.min(size + 1, 1000), raw: true });
    const { rows: shown, more } = await readPage(cursor, { size, bytes: bytes ?? limits.bundleBytes });
    const items = shown.map(linkOf);
    return { items, ...(more ? { next: [String(shown.at(-1)?._id)] } : {}) };
  }

  async function inTime({ size, bytes, after }: PageRequest): Promise<Page<AuditLink>> {
    await outbox.opened();
    const [at, name] = [Number(after?.[0]), String(after?.[1])];
    const from = after === undefined ? {} : { $or: [{ at: { $gt: at } }, { at: { $eq: at }, _id: { $gt: name } }] };
    const cursor = audit.find(from, {
      ...timed,
      sort: { at: 1, _id: 1 },
      batchSize: Math.min(size + 1, 1000),
      raw: true,
    });
    const { rows, more } = await readPage(cursor, { size, bytes: bytes ?? limits.bundleBytes });
    const last = rows.at(-1);
    return {
      items: rows.map(linkOf),
      ...(more && last !== undefined ? { next: [Number(last.at), String(last._id)] } : {}),
    };
  }

  async function clear(): Promise<void> {
    await audit.deleteMany({}, timed);
    await meta.deleteMany({ _id: { $gte: CHAIN, $lt: `${CHAIN}~` } }, timed);
  }

  async function load(links: readonly AuditLink[]): Promise<void> {
    if (links.length > 0) await audit.insertMany(links.map(toDocument), timed);
  }

  async function ended(last: readonly AuditHead[]): Promise<void> {
    for (const one of last)
      await meta.updateOne({ _id: { $eq: `${CHAIN}${one.chain}` } }, { $set: { value: JSON.stringify(one) } }, UPSERT);
  }

  async function heads(): Promise<AuditHead[]> {
    const found = await meta.find({ _id: { $gte: CHAIN, $lt: `${CHAIN}~` } }, timed).toArray();
    return found.map(({ value = '' }) => JSON.parse(value) as AuditHead);
  }

  /** The newest link of this process's own chain stays, for that chain goes on from it. */
  async function expire(before: number, told: (cut: AuditHead[]) => AuditRecord): Promise<number> {
    const old = await audit
      .find({ at: { $lt: before } }, { ...timed, sort: { at: 1, _id: 1 }, limit: EXPIRED })
      .toArray();
    const cut = new Map<string, AuditHead>();
    const names: string[] = [];
    let gone = 0;
    for (const { _id, c, n, l, hash } of old) {
      if (c === head.chain && n + l.length === head.count) continue;
      cut.set(c, { chain: c, count: n + l.length, hash });
      names.push(_id);
      gone += l.length;
    }
    if (names.length === 0) return 0;
    await append([told([...cut.values()])]);
    await audit.deleteMany({ _id: { $in: names } }, timed);
    // Nothing is left of a chain that was cut where it ended.
    for (const last of await heads())
      if (cut.get(last.chain)?.count === last.count) await meta.deleteOne({ _id: `${CHAIN}${last.chain}` }, timed);
    return gone;
  }

  async function close(): Promise<void> {
    await outbox.close();
    await underWay;
    if (head !== noted) await note().catch(() => undefined);
  }

  const log: AuditLog = {
    append,
    scan: (...asked) => answered(scan(...asked)),
    get: (id) => answered(get(id)),
    links: (page) => answered(links(page)),
    inTime: (page) => answered(inTime(page)),
    clear: () => answered(clear()),
    load: (some) => answered(load(some)),
    ended: (last) => answered(ended(last)),
    heads: () => answered(heads()),
    expire: (before, told) => answered(expire(before, told)),
  };
  return { log, outbox, close };
}

/** Before the name of a chain, in the notes. */
const CHAIN = 'audit chain ';

/** Links that go at once. */
const EXPIRED = 500;
