/**
 * Records of writes travel in the document of the version that they tell of, so that a create stays one insert and no
 * fall can part the two. From there they are brought into the log: by their own process as soon as the write is made,
 * and after its fall by another one, which sees from the writer's mark how far back it has to look.
 */
import { createHash, randomBytes } from 'node:crypto';
import { StoreError, type AuditRecord } from '../port.js';
import { linesOf } from '../chain.js';
import type { Parts } from './parts.js';
import type { VersionDocument } from './schema.js';

export interface Outbox {
  /** Resolves once this process is known to the others as one that may leave something behind. */
  opened: () => Promise<void>;
  /** Puts the records into the document of the write, does the write, and brings them into the log. */
  along: <T>(document: VersionDocument, records: AuditRecord[], write: () => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

interface Log {
  append: (records: AuditRecord[]) => Promise<void>;
  note: () => Promise<void>;
}

interface Pending {
  document: VersionDocument;
  records: AuditRecord[];
}

/** How often a process says that it lives, and after how long without that it is taken to be dead. */
const BEAT_MS = 1000;
const DEAD_MS = 3000;
/** How far back the log is looked through for what a dead process had brought there itself. */
const MARGIN_MS = 5000;

export function createOutbox({ clock, collections, operationMs }: Parts, log: Log): Outbox {
  const { audit, meta, versions } = collections;
  const timed = { maxTimeMS: operationMs };
  const writer = `${WRITER}${randomBytes(8).toString('hex')}`;
  /** Written or being written, and not in the log yet. */
  const pending = new Set<Pending>();
  /** Of these nobody has said whether they are written. */
  const doubtful = new Set<Pending>();
  const onTheWay = new Set<Promise<void>>();
  let [start, beating]: [Promise<void> | undefined, NodeJS.Timeout | undefined] = [undefined, undefined];
  let beat: Promise<void> = Promise.resolve();

  function opened(): Promise<void> {
    start ??= open().catch((error: unknown) => {
      start = undefined;
      throw error;
    });
    return start;
  }

  async function open(): Promise<void> {
    await live();
    await takeOver().catch(() => undefined);
    beating = setInterval(() => {
      // A beat that fails is made up for by the next one.
      beat = beat.then(onBeat).catch(() => undefined);
    }, BEAT_MS);
    beating.unref();
  }

  async function onBeat(): Promise<void> {
    await live();
    await log.note();
    for (const one of doubtful) await settle(one);
    await takeOver();
  }

  /** Everything of this process that was written before the mark is in the log. By MongoDB's own clock it lives. */
  async function live(): Promise<void> {
    let mark = clock.now();
    for (const { document } of pending) mark = Math.min(mark, document.u);
    await meta.updateOne({ _id: writer }, [{ $set: { number: mark, until: '$$NOW' } }], { ...timed, upsert: true });
  }

  async function along<T>(document: VersionDocument, records: AuditRecord[], write: () => Promise<T>): Promise<T> {
    const one = { document, records };
    pending.add(one);
    document.a = { by: writer, r: records.map(({ text, keys }) => ({ t: text, k: keys })) };
    try {
      await opened();
      const result = await write();
      const brought = bring(one).finally(() => onTheWay.delete(brought));
      onTheWay.add(brought);
      return result;
    } catch (error) {
      if (error instanceof StoreError && error.reason === 'unknown') doubtful.add(one);
      else pending.delete(one);
      throw error;
    }
  }

  /** The write need not wait for it. What fails now is tried again with the next beat. */
  async function bring(one: Pending): Promise<void> {
    try {
      await log.append(one.records);
      pending.delete(one);
      doubtful.delete(one);
    } catch {
      doubtful.add(one);
    }
  }

  async function settle(one: Pending): Promise<void> {
    const { _id, a } = one.document;
    const found = await versions.findOne({ _id: { $eq: _id } }, { ...timed, projection: { a: 1 } });
    const isThere = found?.a?.by === a?.by && found?.a?.r[0]?.t === a?.r[0]?.t;
    if (isThere) await bring(one);
    else {
      pending.delete(one);
      doubtful.delete(one);
    }
  }

  /** What processes have left behind that no longer live. One of all that see it does so. */
  async function takeOver(): Promise<void> {
    const dead = { $expr: { $lt: ['$until', { $subtract: ['$$NOW', DEAD_MS] }] } };
    for (;;) {
      const filter = { _id: { $gte: WRITER, $lt: `${WRITER}~`, $ne: writer }, ...dead };
      const claimed = await meta.findOneAndUpdate(filter, [{ $set: { until: '$$NOW' } }], timed);
      if (claimed === null) return;
      await recover(claimed._id, claimed.number ?? 0);
      await meta.deleteOne({ _id: claimed._id }, timed);
    }
  }

  async function recover(by: string, mark: number): Promise<void> {
    const left = await versions
      .find({ u: { $gte: mark }, 'a.by': { $eq: by } }, { ...timed, projection: { a: 1 }, sort: { u: 1, _id: 1 } })
      .toArray();
    if (left.length === 0) return;
    const there = new Set<string>();
    for await (const { text } of audit.find({ at: { $gte: mark - MARGIN_MS } }, { ...timed, projection: { text: 1 } }))
      for (const line of linesOf(text)) there.add(digest(line));
    for (const { a } of left) {
      const missing = (a?.r ?? []).filter(({ t }) => !there.has(digest(t)));
      await log.append(missing.map(({ t, k }) => ({ text: t, keys: k })));
    }
  }

  async function close(): Promise<void> {
    clearInterval(beating);
    if (start === undefined) return;
    await beat;
    await Promise.all(onTheWay);
    // What is left in doubt is for another process, which the mark tells.
    if (pending.size === 0) await meta.deleteOne({ _id: writer }, timed).catch(() => undefined);
    else await live().catch(() => undefined);
  }

  return { opened, along, close };
}

const WRITER = 'audit writer ';

const digest = (line: string): string => createHash('sha256').update(line).digest('base64');
