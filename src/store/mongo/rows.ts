/**
 * The rows of a page. Pages of the neighbours of one resource that are asked for while others are under way are one
 * question: their own work is little, and a question of its own costs each as much again. What may take long is asked
 * alone, so that nobody waits for it.
 */
import type { Document } from 'mongodb';
import type { Half } from '../merge.js';
import type { PageRequest } from '../port.js';
import type { VersionFilter } from './compile.js';
import { isTrouble } from './errors.js';
import { gather } from './gather.js';
import type { SortField } from './order.js';
import { abortable, readPage } from './page.js';
import type { Parts } from './parts.js';
import type { RawFields } from './raw.js';

export interface Asked {
  filter: VersionFilter;
  fields: SortField[];
  projection: Document;
  page: PageRequest;
}

export interface Rows {
  /** @param isShort it looks at few documents, whatever is stored */
  of: (asked: Asked, isShort: boolean) => Promise<Half<RawFields>>;
  /** Of several questions of one caller, by one that costs less than all of them; short ones go with those of others. */
  ofEach: (asked: Asked[], isShort: boolean) => Promise<Half<RawFields>[]>;
}

interface Waiting extends Asked {
  done: (rows: Half<RawFields>) => void;
  failed: (reason: unknown) => void;
}

/** Pages of one question, rows of one page, and bytes of all of them: larger ones are asked for one by one. */
const PAGES = 16;
const ROWS = 100;
const BYTES = 8 * 1024 * 1024;

export function createRows({ collections: { versions }, operationMs }: Parts): Rows {
  const timed = { maxTimeMS: operationMs, allowDiskUse: true, raw: true };

  async function alone({ filter, fields, projection, page }: Asked): Promise<Half<RawFields>> {
    const cursor = versions.find(filter, {
      projection,
      sort: orderOf(fields),
      limit: page.size + 1,
      batchSize: page.size + 2,
      ...timed,
      ...abortable(page),
    });
    return readPage(cursor, page);
  }

  /** Undefined where they are too large to be held at once. @param of what else is said of all of them */
  async function joint(group: Asked[], of: Partial<PageRequest> = {}): Promise<Half<RawFields>[] | undefined> {
    const pipelines = group.map(({ filter, fields, projection, page }, at): Document[] => [
      { $match: filter },
      { $sort: orderOf(fields) },
      { $limit: page.size + 1 },
      { $project: { ...projection, [ASKED_BY]: { $literal: at } } },
    ]);
    const [first = [], ...others] = pipelines;
    const unions = others.map((pipeline) => ({ $unionWith: { coll: versions.collectionName, pipeline } }));
    const size = group.reduce((sum, { page }) => sum + page.size + 1, 0);
    const cursor = versions.aggregate([...first, ...unions], { batchSize: size + 1, ...timed, ...abortable(of) });
    const { rows, more } = await readPage(cursor, { bytes: BYTES, ...of, size });
    if (more) return undefined;
    const pages = group.map((): RawFields[] => []);
    for (const row of rows) pages[row[ASKED_BY] as number]?.push(row);
    return pages.map((found, at) => {
      const most = group[at]?.page.size ?? 0;
      return { rows: found.slice(0, most), more: found.length > most };
    });
  }

  /** Never rejects. */
  async function answer(group: Waiting[]): Promise<void> {
    if (group.length > 1) {
      try {
        const pages = await joint(group);
        if (pages !== undefined) {
          pages.forEach((page, at) => group[at]?.done(page));
          return;
        }
      } catch (error) {
        // Of anything else one of them may be the cause, and not the others.
        if (isTrouble(error)) {
          for (const { failed } of group) failed(error);
          return;
        }
      }
    }
    await Promise.all(group.map((one) => alone(one).then(one.done, one.failed)));
  }

  const join = gather<Waiting>((waiting) => Math.min(waiting.length, PAGES), answer);

  const joined = (asked: Asked): Promise<Half<RawFields>> =>
    new Promise((done, failed) => join({ ...asked, done, failed }));

  return {
    of: (asked, isShort) => (isShort && isSmall(asked) ? joined(asked) : alone(asked)),
    ofEach: async (asked, isShort) =>
      isShort && asked.every(isSmall)
        ? Promise.all(asked.map(joined))
        : ((await joint(asked, asked[0]?.page)) ?? Promise.all(asked.map(alone))),
  };
}

const isSmall = ({ page: { size, bytes = Infinity } }: Asked): boolean => size <= ROWS && bytes >= BYTES;

/** Of which page a row is; no field of a document has this name. */
const ASKED_BY = 'askedBy';

const orderOf = (fields: SortField[]): Map<string, 1 | -1> =>
  new Map(fields.map(({ path, direction }) => [path, direction]));
