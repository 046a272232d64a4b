/** Versions, newest first: of one resource by version, of a type or of all by the time of writing. */
import { assert } from '../../kit/assert.js';
import type { HistoryScope, Page, PageRequest, Position, Reach, Store, Version } from '../port.js';
import type { VersionFilter } from './compile.js';
import { keyOf, versionFields, toVersion } from './documents.js';
import { answered } from './errors.js';
import type { Parts } from './parts.js';
import { abortable, readPage } from './page.js';
import type { RawFields } from './raw.js';

export function createHistory({ collections: { versions }, operationMs }: Parts): Store['history'] {
  async function history(scope: HistoryScope, page: PageRequest, reach: Reach): Promise<Page<Version>> {
    const level = levelOf(scope);
    const after = page.after === undefined ? [] : [level.beyond(page.after)];
    const filter: VersionFilter = { $and: [{ o: { $in: reach.owners } }, level.within, ...timeOf(scope), ...after] };
    const cursor = versions.find(filter, {
      projection: versionFields,
      sort: level.sort,
      limit: page.size + 1,
      batchSize: page.size + 2,
      maxTimeMS: operationMs,
      allowDiskUse: true,
      raw: true,
      ...abortable(page),
    });
    const { shown, more } = await readPage(cursor, page);
    const last = shown.at(-1);
    const items = shown.map(toVersion);
    return more && last !== undefined ? { items, next: level.position(last) } : { items };
  }
  return (scope, page, reach) => answered(history(scope, page, reach), 'too-costly');
}

interface Level {
  within: VersionFilter;
  sort: Record<string, -1>;
  position(last: RawFields): Position;
  beyond(position: Position): VersionFilter;
}

function levelOf({ type, id }: HistoryScope): Level {
  if (type === undefined || id === undefined)
    return { ...byTime, within: type === undefined ? {} : { t: { $eq: type } } };
  // A slash ends the id and '0' follows it, so that these are all versions of this resource and of no other.
  const key = keyOf({ type, id });
  return { ...byVersion, within: { _id: { $gte: `${key}/`, $lt: `${key}0` } } };
}

const byVersion: Omit<Level, 'within'> = {
  sort: { _id: -1 },
  position: (last) => [last._id as string],
  beyond: ([before]) => ({ _id: { $lt: String(before) } }),
};

const byTime: Omit<Level, 'within'> = {
  sort: { u: -1, _id: -1 },
  position: (last) => [last.u as number, last._id as string],
  beyond([updated, id]) {
    assert(typeof updated === 'number' && typeof id === 'string', 'a position belongs to another history');
    // The first condition bounds the index, the second one passes over what was shown of that instant.
    return { u: { $lte: updated }, $or: [{ u: { $lt: updated } }, { _id: { $lt: id } }] };
  },
};

function timeOf({ since, at }: HistoryScope): VersionFilter[] {
  const times: VersionFilter[] = [];
  if (since !== undefined) times.push({ u: { $gte: since } });
  if (at !== undefined) times.push({ u: { $lt: at.to }, $or: [{ e: { $gt: at.from } }, { e: { $exists: false } }] });
  return times;
}
