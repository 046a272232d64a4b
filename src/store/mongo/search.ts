/** Finding and counting current resources. */
import type { ClientSession, Document } from 'mongodb';
import type { Order, Plan } from '../../search/plan.js';
import { keySpan } from '../../search/span.js';
import { beforeBy, merged, type Half } from '../merge.js';
import { StoreError, type Found, type Page, type Reach, type Store } from '../port.js';
import { compile, type Joins, type VersionFilter } from './compile.js';
import { dateBounds, isMainDate } from './dates.js';
import { entriesOf, foundFields, toFound } from './documents.js';
import { answered } from './errors.js';
import { createOpener } from './opener.js';
import { openTo } from './openings.js';
import { beyond, isNested, keysOf, positionOf, sortFields, type SortField } from './order.js';
import type { Parts } from './parts.js';
import { sizeOf } from './page.js';
import { createRows } from './rows.js';
import { rawFields, type RawFields } from './raw.js';

/** Counts inside a transaction when a session is given. */
export type CountIn = (
  session: ClientSession | undefined,
  types: readonly string[],
  plan: Plan,
  reach: Reach,
  atMost: number,
) => Promise<number>;

export function createSearch(parts: Parts): {
  search: Store['search'];
  count: Store['count'];
  countIn: CountIn;
} {
  const { collections, joinTargets, operationMs } = parts;
  const { versions } = collections;
  const opener = createOpener(parts);
  const rows = createRows(parts);

  /** Who owns nothing asks for what is open alone: mostly there is nothing. */
  const hasNothing = async (types: readonly string[], reach: Reach): Promise<boolean> =>
    reach.owners.length === 0 &&
    reach.opened !== undefined &&
    !opener.hadSome(types, reach) &&
    !(await opener.hasSome(types, reach));

  async function search(...[types, plan, order, page, reach]: Parameters<Store['search']>): Promise<Page<Found>> {
    if (await hasNothing(types, reach)) return { items: [] };
    const fields = sortFields(order, types);
    const asked = [
      await compile(plan, joinsOf(reach)),
      ...boundsOf(types, plan, order),
      ...(page.after === undefined ? [] : [beyond(fields, page.after)]),
    ];
    const [first, open] = sidesOf(types, plan, reach);
    const projection = { ...foundFields(page.bare), ...sortProjection(order, fields) };
    const question = (filter: VersionFilter) => ({ filter: { $and: [filter, ...asked] }, fields, projection, page });
    const alone = () => rows.of(question(first), isNarrow(plan));
    if (open === undefined) return shown(fields, await alone());
    if (!opener.hadSome(types, reach)) {
      // Side by side: what is their own is the answer, unless something turns out to be open.
      const [own, some] = await Promise.all([alone(), opener.hasSome(types, reach)]);
      if (!some) return shown(fields, own);
    }
    const sides = [first, { $and: [open, notOf(reach.owners)] }].map(question);
    const halves = await rows.ofEach(sides, isNarrow(plan));
    const directions = fields.map(({ direction }) => ({ descending: direction === -1 }));
    const isBefore = beforeBy(directions, (row: RawFields) => keysOf(fields, row));
    return shown(fields, merged(halves as [Half<RawFields>, Half<RawFields>], isBefore, page, sizeOf));
  }

  function shown(fields: SortField[], { rows, more }: Half<RawFields>): Page<Found> {
    const last = rows.at(-1);
    const items = rows.map(toFound);
    return more && last !== undefined ? { items, next: positionOf(fields, last) } : { items };
  }

  async function countIn(...[session, types, plan, reach, atMost]: Parameters<CountIn>): Promise<number> {
    if (atMost < 1) return 0;
    const asked = await compile(plan, joinsOf(reach, session));
    let found = 0;
    // One after the other: inside a transaction nothing may run side by side.
    for (const side of await sidesWith(types, plan, reach, session)) {
      const options = { limit: atMost - found, maxTimeMS: operationMs, ...(session === undefined ? {} : { session }) };
      // What is on both sides counts once.
      const others = found === 0 ? [] : [notOf(reach.owners)];
      found += await versions.countDocuments({ $and: [side, asked, ...others] }, options);
      if (found >= atMost) break;
    }
    return found;
  }

  /** Those on which there may be something. A transaction looks at both: others could have been asked at another time. */
  async function sidesWith(
    types: readonly string[],
    plan: Plan,
    reach: Reach,
    session: ClientSession | undefined,
  ): Promise<VersionFilter[]> {
    const [first, open] = sidesOf(types, plan, reach);
    if (open === undefined) return [first];
    const both = session !== undefined || opener.hadSome(types, reach) || (await opener.hasSome(types, reach));
    return both ? [first, open] : [first];
  }

  function joinsOf(reach: Reach, session?: ClientSession): Joins {
    const joins: Joins = {
      async targets(types, where) {
        const found = await joined(types, where, [], { _id: 0, key: 1 });
        return found.map((document) => String(document.key));
      },
      async referred(by, param, where) {
        const refers: VersionFilter = { s: { $elemMatch: { p: { $eq: param } } } };
        const found = await joined([by], where, [refers], { _id: 0, s: 1 });
        const entries = found.flatMap(entriesOf).filter((entry) => entry.param === param);
        return [...new Set(entries.map((entry) => entry.value))];
      },
    };

    async function joined(
      types: readonly string[],
      where: Plan,
      more: VersionFilter[],
      projection: Document,
    ): Promise<RawFields[]> {
      const asked = [await compile(where, joins), ...more];
      const found: RawFields[] = [];
      for (const side of await sidesWith(types, where, reach, session)) {
        const limit = joinTargets + 1;
        const options = { projection, limit, batchSize: limit + 1, maxTimeMS: operationMs, raw: true };
        const cursor = versions.find(
          { $and: [side, ...asked] },
          session === undefined ? options : { ...options, session },
        );
        found.push(...((await cursor.toArray()) as unknown as Uint8Array[]).map(rawFields));
        if (found.length > joinTargets)
          throw new StoreError(
            'too-costly',
            `One side of a chain or _has meets more than ${joinTargets} resources; narrow it.`,
          );
      }
      return found;
    }
    return joins;
  }

  return {
    search: (types, plan, order, page, reach) => answered(search(types, plan, order, page, reach), 'too-costly'),
    count: (types, plan, reach, atMost) => answered(countIn(undefined, types, plan, reach, atMost), 'too-costly'),
    countIn,
  };
}

/**
 * What a caller owns, and what is open to them; a resource may be in both. Whose the open ones are is not said: MongoDB
 * could then go by an index that begins with the owner, and would read everything of everybody. For each shape of a
 * question it keeps one index, so what asks for the neighbours of one resource has a shape of its own here: it goes by
 * that value, and what asks for more goes along the list of what is open.
 */
function sidesOf(
  types: readonly string[],
  plan: Plan,
  { owners, opened }: Reach,
): [VersionFilter] | [VersionFilter, VersionFilter] {
  const live = { $in: [...types] };
  const own: VersionFilter = { o: { $in: owners }, live };
  if (opened === undefined) return [own];
  const open: VersionFilter = { ...openTo(opened), live: isNarrow(plan) ? { ...live, $exists: true } : live };
  return owners.length === 0 ? [open] : [own, open];
}

/** Of others; said so that no index that begins with the owner can be gone by. */
const notOf = (owners: string[]): VersionFilter => ({ $expr: { $not: [{ $in: ['$o', { $literal: owners }] }] } });

/** All that it finds refers to one of some resources, or is one of some. */
function isNarrow(plan: Plan): boolean {
  if (plan.node === 'all') return plan.of.some(isNarrow);
  if (plan.node === 'id') return true;
  if (plan.node !== 'entry' || plan.test.kind !== 'text') return false;
  const { value } = plan.test;
  return value !== undefined && 'is' in value && value.is.every((one) => /^[A-Z][A-Za-z]*\/[^/]*$/.test(one));
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
