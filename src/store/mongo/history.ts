/** Versions, newest first: of one resource by version, of a type or of all by the time of writing. */
import { assert } from '../../kit/assert.js';
import type { OpenedTo } from '../../search/opened.js';
import { beforeBy, merged, type Half } from '../merge.js';
import {
  StoreError,
  type HistoryScope,
  type Page,
  type PageRequest,
  type Position,
  type Reach,
  type Store,
  type Version,
} from '../port.js';
import type { VersionFilter } from './compile.js';
import { documentId, keyOf, versionFields, toVersion } from './documents.js';
import { answered } from './errors.js';
import { openTo } from './openings.js';
import type { Parts } from './parts.js';
import { abortable, readPage, sizeOf } from './page.js';
import type { RawFields } from './raw.js';

export function createHistory({ collections: { versions }, operationMs }: Parts): Store['history'] {
  async function history(scope: HistoryScope, page: PageRequest, reach: Reach): Promise<Page<Version>> {
    const level = levelOf(scope);
    const own: VersionFilter = { o: { $in: reach.owners } };
    if (reach.opened === undefined) return shown(level, await rowsOf(level, scope, page, own));
    if (scope.id !== undefined) {
      const [open] = await openIn(scope, reach.opened);
      return shown(level, await rowsOf(level, scope, page, open === undefined ? own : {}));
    }
    const ids = (await openIn(scope, reach.opened)).flatMap(({ key, n }) =>
      Array.from({ length: n }, (_, at) => documentId(key, at + 1)),
    );
    if (ids.length > VERSIONS)
      throw new StoreError('too-costly', `What is open has more than ${VERSIONS} versions: narrow the history.`);
    const others: VersionFilter = { _id: { $in: ids }, o: { $nin: reach.owners } };
    const halves = await Promise.all([own, others].map((one) => rowsOf(level, scope, page, one)));
    const [first, second] = halves as [Half<RawFields>, Half<RawFields>];
    const isBefore = beforeBy([{ descending: true }, { descending: true }], ({ u, _id }: RawFields) => [
      u as number,
      _id as string,
    ]);
    return shown(level, merged([first, second], isBefore, page, sizeOf));
  }

  /** What is open of these, how many versions each has had; no deletions. */
  async function openIn({ type, id }: HistoryScope, opened: OpenedTo): Promise<{ key: string; n: number }[]> {
    const within =
      type === undefined ? {} : id === undefined ? { live: { $eq: type } } : { key: { $eq: keyOf({ type, id }) } };
    const options = { projection: { key: 1, n: 1 }, limit: VERSIONS + 1, maxTimeMS: operationMs };
    return versions.find({ head: true, ...within, ...openTo(opened) }, options).toArray();
  }

  async function rowsOf(
    level: Level,
    scope: HistoryScope,
    page: PageRequest,
    seen: VersionFilter,
  ): Promise<Half<RawFields>> {
    const after = page.after === undefined ? [] : [level.beyond(page.after)];
    const filter: VersionFilter = { $and: [seen, level.within, ...timeOf(scope), ...after] };
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
    return readPage(cursor, page);
  }

  function shown(level: Level, { rows, more }: Half<RawFields>): Page<Version> {
    const last = rows.at(-1);
    const items = rows.map(toVersion);
    return more && last !== undefined ? { items, next: level.position(last) } : { items };
  }

  return (scope, page, reach) => answered(history(scope, page, reach), 'too-costly');
}

/** So many versions of open resources are sorted at most. */
const VERSIONS = 200_000;

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
