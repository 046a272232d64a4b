/**
 * Everything that was committed before one moment. A scan by time of writing gives what is there; the change stream,
 * from a token that was taken before the scan, gives what was committed meanwhile, whatever time it carries. The moment
 * is a mark: a record that is written when the scan is over and that the stream brings at its place in the order of
 * commits. What comes behind it belongs to the next snapshot.
 */
import { randomUUID } from 'node:crypto';
import { MongoServerError, type ChangeStream, type ChangeStreamInsertDocument, type Document } from 'mongodb';
import { limits } from '../../kit/limits.js';
import type { Cursor, Keeping, Version } from '../port.js';
import { bounded } from './bounded.js';
import { documentId, keyOf, versionFields, versionsOf } from './documents.js';
import { createStillThere } from './erase.js';
import { answered } from './errors.js';
import { BEGINNING, fromEvent, isLost, tokenOf, withoutHead } from './feed.js';
import type { Parts } from './parts.js';
import type { VaultDocument, VersionDocument } from './schema.js';

interface Place {
  /** Where the stream stands. */
  token: string;
  scan?: { updated: number; id: string; until: number };
  /** The mark that the stream is read up to. */
  mark?: string;
}

interface Read {
  versions: Version[];
  place: Place;
  done: boolean;
}

export function createSnapshot(parts: Parts): Keeping['snapshot'] {
  const {
    client,
    collections: { versions, vault },
    operationMs,
  } = parts;
  const stillThere = createStillThere(parts);
  const timed = { maxTimeMS: operationMs };
  const db = client.db(versions.dbName);
  const watch = (options: Document): ChangeStream =>
    db.watch(pipeline, { maxAwaitTimeMS: SIP_MS, ...timed, ...options });

  async function begin(): Promise<Place> {
    const stream = watch({});
    let token: string;
    try {
      await stream.tryNext();
      token = tokenOf(stream.resumeToken);
    } finally {
      await stream.close();
    }
    const [newest] = await versions
      .find({}, { sort: { u: -1, _id: -1 }, limit: 1, projection: { u: 1 }, ...timed })
      .toArray();
    return newest === undefined ? { token } : { token, scan: { updated: BEGINNING, id: '', until: newest.u } };
  }

  async function scan(place: Place, { updated, id, until }: Required<Place>['scan'], limit: number): Promise<Read> {
    const cursor = versions.find(
      { u: { $gte: updated, $lte: until }, $or: [{ u: { $gt: updated } }, { _id: { $gt: id } }] },
      { sort: { u: 1, _id: 1 }, limit, projection: versionFields, raw: true, ...timed },
    );
    const found = versionsOf(await bounded(cursor));
    const last = found.at(-1);
    const { token } = place;
    if (last === undefined) return { versions: [], place: { token }, done: false };
    const next = { updated: last.updated, id: documentId(keyOf(last), last.version), until };
    return { versions: found, place: { token, scan: next }, done: false };
  }

  /** A record of the vault that has expired already: nobody sees it, and MongoDB sweeps it up by itself. */
  async function setMark(): Promise<string> {
    const mark = `mark ${randomUUID()}`;
    const record: VaultDocument[] = [{ _id: mark, v: '', x: BEGINNING, at: new Date(0) }];
    await vault.insertMany(record, timed);
    return mark;
  }

  async function sip({ token, mark }: Place & { mark: string }, limit: number): Promise<Read> {
    const stream = watch({ resumeAfter: { _data: token } });
    const found: Version[] = [];
    let [bytes, done] = [0, false];
    try {
      for (let empty = 0; found.length < limit && bytes < limits.keepingBytes && empty < 2 && !done;) {
        const event = await stream.tryNext();
        if (event === null) empty += 1;
        else {
          const { ns, fullDocument } = event as ChangeStreamInsertDocument<VersionDocument>;
          done = fullDocument._id === mark;
          if (ns.coll !== 'versions') continue;
          const version = fromEvent(fullDocument);
          found.push(version);
          bytes += version.text?.length ?? 0;
        }
      }
      const place = { token: tokenOf(stream.resumeToken) };
      return { versions: await stillThere(found), place: done ? place : { ...place, mark }, done };
    } finally {
      await stream.close();
    }
  }

  async function read(place: Place, limit: number): Promise<Read> {
    if (place.scan !== undefined) return scan(place, place.scan, limit);
    return sip({ ...place, mark: place.mark ?? (await setMark()) }, limit);
  }

  async function snapshot(after: Cursor | undefined, limit: number) {
    const from = after === undefined ? await begin() : (JSON.parse(after) as Place);
    const { versions, place, done } = await read(from, limit).catch(async (error: unknown) => {
      // The oplog has gone past the token: what the stream would have said is read from the versions once more.
      if (!(error instanceof MongoServerError && isLost(error))) throw error;
      return { versions: [], place: await begin(), done: false };
    });
    return { versions, cursor: JSON.stringify(place), done };
  }

  return (after, limit) => answered(snapshot(after, limit));
}

/** Longest wait for an event: a mark has just been written when one is waited for. */
const SIP_MS = 200;

/** New versions and new marks; of versions only what a version has. */
const pipeline: Document[] = [
  {
    $match: {
      operationType: 'insert',
      $or: [{ 'ns.coll': 'versions' }, { 'ns.coll': 'vault', 'documentKey._id': /^mark / }],
    },
  },
  withoutHead,
];
