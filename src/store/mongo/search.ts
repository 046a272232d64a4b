/** Finding and counting current resources. */
import type { ClientSession, Document } from 'mongodb';
import type { Order, Plan } from '../../search/plan.js';
import { keySpan } from '../../search/span.js';
import { StoreError, type Found, type Page, type Reach, type Store } from '../port.js';
import { compile, type Joins, type VersionFilter } from './compile.js';
import { dateBounds, isMainDate } from './dates.js';
import { entriesOf, foundFields, toFound } from './documents.js';
import { answered } from './errors.js';
import { beyond, isNested, positionOf, sortFields } from './order.js';
import type { Parts } from './parts.js';
import { abortable, readPage } from './page.js';
import { rawFields } from './raw.js';

/** Counts inside a transaction when a session is given. */
export type CountIn = (
  session: ClientSession | undefined,
  types: readonly string[],
  plan: Plan,
  reach: Reach,
  atMost: number,
) => Promise<number>;

export function createSearch({ collections: { versions }, operationMs, joinTargets }: Parts): {
  search: Store['search'];
  count: Store['count'];
  countIn: CountIn;
} {
  async function search(...[types, plan, order, page, reach]: Parameters<Store['search']>): Promise<Page<Found>> {
    const fields = sortFields(order, types);
    const filter: VersionFilter = {
      $and: [
        await filterOf(types, plan, reach, joinsOf(reach)),
        ...boundsOf(types, plan, order),
        ...(page.after === undefined ? [] : [beyond(fields, page.after)]),
      ],
    };
    const cursor = versions.find(filter, {
      projection: { ...foundFields(page.bare), ...sortProjection(order, fields) },
      sort: new Map(fields.map(({ path, direction }) => [path, direction])),
      limit: page.size + 1,
      batchSize: page.size + 2,
      maxTimeMS: operationMs,
      allowDiskUse: true,
      raw: true,
      ...abortable(page),
    });
    const { shown, more } = await readPage(cursor, page);
    const last = shown.at(-1);
    const items = shown.map(toFound);
    return more && last !== undefined ? { items, next: positionOf(fields, last) } : { items };
  }

  async function countIn(...[session, types, plan, reach, atMost]: Parameters<CountIn>): Promise<number> {
    if (atMost < 1) return 0;
    const filter = await filterOf(types, plan, reach, joinsOf(reach, session));
    const options = { limit: atMost, maxTimeMS: operationMs };
    return versions.countDocuments(filter, session === undefined ? options : { ...options, session });
  }

  function joinsOf(reach: Reach, session?: ClientSession): Joins {
    const joins: Joins = {
      async targets(types, where) {
        const found = await joined(await filterOf(types, where, reach, joins), { _id: 0, key: 1 });
        return found.map((document) => String(document.key));
      },
      async referred(by, param, where) {
        const refers: VersionFilter = { s: { $elemMatch: { p: { $eq: param } } } };
        const filter: VersionFilter = { $and: [await filterOf([by], where, reach, joins), refers] };
        const found = await joined(filter, { _id: 0, s: 1 });
        const entries = found.flatMap(entriesOf).filter((entry) => entry.param === param);
        return [...new Set(entries.map((entry) => entry.value))];
      },
    };

    async function joined(filter: VersionFilter, projection: Document) {
      const limit = joinTargets + 1;
      const options = { projection, limit, batchSize: limit + 1, maxTimeMS: operationMs, raw: true };
      const cursor = versions.find(filter, session === undefined ? options : { ...options, session });
      const found = (await cursor.toArray()) as unknown as Uint8Array[];
      if (found.length <= joinTargets) return found.map(rawFields);
      throw new StoreError(
        'too-costly',
        `One side of a chain or _has meets more than ${joinTargets} resources; narrow it.`,
      );
    }
    return joins;
  }

  return {
    search: (types, plan, order, page, reach) => answered(search(types, plan, order, page, reach), 'too-costly'),
    count: (types, plan, reach, atMost) => answered(countIn(undefined, types, plan, reach, atMost), 'too-costly'),
    countIn,
  };
}

async function filterOf(types: readonly string[], plan: Plan, reach: Reach, joins: Joins): Promise<VersionFilter> {
  const within: VersionFilter = { o: { $in: reach.owners }, live: { $in: [...types] } };
  const filter = await compile(plan, joins);
  return { $and: [within, filter] };
}

function boundsOf(types: readonly string[], plan: Plan, [first, ...more]: Order[]): VersionFilter[] {
  if (first === undefined || more.length > 0 || !isMainDate(first.param, types)) return [];
  return dateBounds(first, keySpan(plan, first.param));
}

/** Of the sort keys only those that a position needs. */
const sortProjection = (order: Order[], fields: { path: string }[]): Document =>
  order.length === 0
    ? {}
    : Object.fromEntries(fields.filter(({ path }) => isNested(path)).map(({ path }) => [path, 1]));
