/**
 * The feed: a change stream, read in short sips whose resume token is the cursor. MongoDB orders it by commit, so that
 * a write that was long in committing is not passed over, as it would be by any number given out before the commit.
 *
 * The stream knows nothing older than the oplog. A reader that begins, or comes back too late, takes a token first,
 * then reads what is there by the time of writing, and goes on from the token: what came meanwhile it may get twice.
 */
import { MongoServerError, type Document } from 'mongodb';
import type { Cursor, Method, Store, Version } from '../port.js';
import { documentId, headFields, keyOf, versionFields, versionsOf } from './documents.js';
import { createStillThere } from './erase.js';
import { answered } from './errors.js';
import type { Parts } from './parts.js';
import type { VersionDocument } from './schema.js';

/** In the stream: its token, and the latest time of writing that was seen. In a scan: where it is and how far it goes. */
interface Place {
  token: string;
  seen: number;
  scan?: { updated: number; id: string; until: number };
}

export function createFeed(parts: Parts): Store['changes'] {
  const {
    collections: { versions },
    operationMs,
  } = parts;
  const stillThere = createStillThere(parts);
  const watch = (options: Document) =>
    versions.watch<VersionDocument>(pipeline, { maxAwaitTimeMS: SIP_MS, maxTimeMS: operationMs, ...options });

  async function begin(from: number): Promise<Place> {
    const stream = watch({});
    let token: string;
    try {
      await stream.tryNext();
      token = tokenOf(stream.resumeToken);
    } finally {
      await stream.close();
    }
    const [newest] = await versions
      .find({}, { sort: { u: -1, _id: -1 }, limit: 1, projection: { u: 1 }, maxTimeMS: operationMs })
      .toArray();
    // What is written from now on comes by the stream; the scan must not run ahead of it.
    if (newest === undefined) return { token, seen: from };
    return { token, seen: newest.u, scan: { updated: from, id: '', until: newest.u } };
  }

  async function scan({ token, seen, scan: at }: Required<Place>, limit: number) {
    const { updated, id, until } = at;
    const filter = { u: { $gte: updated, $lte: until }, $or: [{ u: { $gt: updated } }, { _id: { $gt: id } }] };
    const found = await versions
      .find(filter, {
        sort: { u: 1, _id: 1 },
        limit,
        batchSize: limit + 1,
        projection: versionFields,
        maxTimeMS: operationMs,
        raw: true,
      })
      .toArray();
    const documents = versionsOf(found as unknown as Uint8Array[]);
    const last = documents.at(-1);
    if (last === undefined || documents.length < limit) return { versions: documents, place: { token, seen } };
    const next = { updated: last.updated, id: documentId(keyOf(last), last.version), until };
    return { versions: documents, place: { token, seen, scan: next } };
  }

  async function sip({ token, seen }: Place, limit: number): Promise<{ versions: Version[]; place: Place }> {
    const stream = watch({ resumeAfter: { _data: token }, batchSize: Math.min(limit, BATCH) });
    const found: Version[] = [];
    try {
      // The first answer may be empty because it was quick, the second one only because there is nothing.
      for (let empty = 0; found.length < limit && empty < 2;) {
        const event = await stream.tryNext();
        if (event === null) empty += 1;
        else if (event.operationType === 'insert') found.push(fromEvent(event.fullDocument));
      }
      const latest = found.reduce((most, { updated }) => Math.max(most, updated), seen);
      return { versions: await stillThere(found), place: { token: tokenOf(stream.resumeToken), seen: latest } };
    } finally {
      await stream.close();
    }
  }

  async function changes(after: Cursor | undefined, limit: number) {
    const place = after === undefined ? await begin(BEGINNING) : parse(after);
    const read = await (isScan(place) ? scan(place, limit) : sip(place, limit)).catch(async (error: unknown) => {
      if (!isLost(error)) throw error;
      // From the beginning: times of writing come from clocks, and one that was wrong must not open a gap.
      const again = await begin(BEGINNING);
      return isScan(again) ? scan(again, limit) : { versions: [], place: again };
    });
    return { versions: read.versions, cursor: print(read.place) };
  }

  return (after, limit) => answered(changes(after, limit));
}

/** Longest wait for a first event; a reader asks again anyway. */
const SIP_MS = 20;
const BATCH = 1000;

/** The least instant that JavaScript knows. */
export const BEGINNING = -8.64e15;

export const withoutHead: Document = { $unset: headFields.map((name) => `fullDocument.${name}`) };

/** Only new versions, and of them only what a version has. */
const pipeline: Document[] = [{ $match: { operationType: 'insert' } }, withoutHead];

export function fromEvent({ t, i, n, u, o, m, text, blob }: VersionDocument): Version {
  const version = { type: t, id: i, version: n, updated: u, owner: o, method: m as Method, text };
  return blob === undefined ? version : { ...version, blob };
}

const isScan = (place: Place): place is Required<Place> => place.scan !== undefined;

export const tokenOf = (token: unknown): string => (token as { _data: string })._data;

const print = (place: Place): Cursor => JSON.stringify(place);

const parse = (cursor: Cursor): Place => JSON.parse(cursor) as Place;

/** ChangeStreamHistoryLost, ChangeStreamFatalError, CappedPositionLost, InvalidResumeToken. */
const LOST_CODES = new Set([286, 280, 136, 260]);

export const isLost = (error: unknown): boolean =>
  error instanceof MongoServerError && LOST_CODES.has(Number(error.code));
