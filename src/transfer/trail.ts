/**
 * The audit trail on its way to another store: link by link as they are, in the order of time, with the hashes that they
 * have. It is brought as a whole each time, for what a server keeps of reading has no place in the feed.
 */
import { createHash } from 'node:crypto';
import type { AuditHead, AuditLink, AuditLog, Position } from '../store/port.js';
import type { Progress } from './progress.js';
import { Refused } from './refused.js';
import { addHash, emptyTally, same, type Tally } from './tally.js';

/** What a source has of it. */
export interface TrailSource {
  /** Where its chains ended, as noted; called before the links. */
  heads(): Promise<AuditHead[]>;
  links(): AsyncGenerator<AuditLink>;
}

/** So many links together, and so many characters of their records. */
const PAGE = { size: 500, bytes: 16 * 1024 * 1024 };

export function trailOf(log: AuditLog): TrailSource {
  return {
    heads: () => log.heads(),
    async *links() {
      for (let after: Position | undefined; ;) {
        const page = await log.inTime({ ...PAGE, ...(after === undefined ? {} : { after }) });
        yield* page.items;
        if (page.next === undefined) return;
        after = page.next;
      }
    },
  };
}

/** Brings all of it into a store that has none but what an earlier run brought; resolves to how many records that are. */
export async function copyTrail(source: TrailSource, target: AuditLog, progress: Progress): Promise<number> {
  const ends = new Map((await source.heads()).map((head) => [head.chain, head]));
  let [brought, records] = [emptyTally, 0];
  await target.clear();
  for await (const some of together(source.links())) {
    await target.load(some);
    for (const link of some) {
      brought = added(brought, link);
      records += link.keys.length;
      const count = link.first + link.keys.length;
      // Where a chain was noted to be longer than it is, that goes along: it tells of what is missing.
      if ((ends.get(link.chain)?.count ?? 0) <= count)
        ends.set(link.chain, { chain: link.chain, count, hash: link.hash });
    }
    progress(`${records} records of the audit trail`);
  }
  await target.ended([...ends.values()]);
  let there = emptyTally;
  for await (const link of trailOf(target).links()) there = added(there, link);
  if (!same(there, brought))
    throw new Refused('The store does not hold the audit trail that was put into it. Empty it and begin anew.');
  return records;
}

/** True when there is anything of a trail. */
export async function hasTrail(log: AuditLog): Promise<boolean> {
  return (await log.inTime({ size: 1 })).items.length > 0;
}

/** A link as one line of JSON, always with the same members in the same order. */
export const lineOfLink = ({ chain, first, at, text, keys, before, hash }: AuditLink): string =>
  JSON.stringify({ chain, first, at, text, keys, before, hash });

export const linkIn = (line: string): AuditLink => ({ ...(JSON.parse(line) as Omit<AuditLink, 'lost'>), lost: [] });

const added = (tally: Tally, link: AuditLink): Tally =>
  addHash(tally, createHash('sha256').update(lineOfLink(link)).digest('hex'));

async function* together(links: AsyncIterable<AuditLink>): AsyncGenerator<AuditLink[]> {
  let [some, characters]: [AuditLink[], number] = [[], 0];
  for await (const link of links) {
    some.push(link);
    characters += link.text.length;
    if (some.length < PAGE.size && characters < PAGE.bytes) continue;
    yield some;
    [some, characters] = [[], 0];
  }
  if (some.length > 0) yield some;
}
