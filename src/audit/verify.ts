/**
 * Walks the whole trail and says where it is not what was written: each link is hashed anew and held against the one
 * before it, each chain against the head that was noted apart, and against heads that an operator kept elsewhere.
 */
import { hashOf, headOf, linesOf } from '../store/chain.js';
import type { AuditHead, AuditLink, AuditLog, Position } from '../store/port.js';
import type { Told } from './record.js';

export interface Verdict {
  links: number;
  records: number;
  /** Where each chain ends: to be kept where whoever can change the store cannot. */
  heads: AuditHead[];
  /** What is wrong, in the order of the trail; FINDINGS at most. */
  findings: Finding[];
}

export interface Finding {
  /** The record's id, or where it would stand. */
  at: string;
  what: string;
}

const FINDINGS = 100;
/** Links that are held in memory at once, and the bytes of their records. */
const PAGE = { size: 500, bytes: 16 * 1024 * 1024 };

/** @param kept heads that an earlier run printed */
export async function verifyTrail(log: AuditLog, kept: readonly AuditHead[] = []): Promise<Verdict> {
  const walk = createWalk(new Map((await log.heads()).map((head) => [head.chain, head])), kept);
  let after: Position | undefined;
  do {
    const page = await log.links({ ...PAGE, ...(after === undefined ? {} : { after }) });
    for (const link of page.items) walk.see(link);
    after = page.next;
  } while (after !== undefined);
  return walk.end();
}

function createWalk(noted: ReadonlyMap<string, AuditHead>, kept: readonly AuditHead[]) {
  const verdict: Verdict = { links: 0, records: 0, heads: [], findings: [] };
  /** Points of chains that must be found on them: the noted heads, and the kept ones. */
  const points = new Map<string, AuditHead[]>();
  for (const head of [...noted.values(), ...kept]) points.set(head.chain, [...(points.get(head.chain) ?? []), head]);
  /** Where a chain begins that has lost its beginning; and what records say of beginnings that were removed in time. */
  const begun: AuditHead[] = [];
  const cut = new Set<string>();
  /** Where each chain is by now. */
  const ends = new Map<string, AuditHead>();

  const find = (chain: string, number: number, what: string): void => {
    if (verdict.findings.length < FINDINGS) verdict.findings.push({ at: `${chain}-${number}`, what });
  };

  function see(link: AuditLink): void {
    verdict.links += 1;
    verdict.records += link.keys.length;
    const last = ends.get(link.chain);
    if (last === undefined) begin(link);
    else follow(link, last);
    if (hashOf(link) !== link.hash || linesOf(link.text).length !== link.keys.length)
      find(link.chain, link.first, `${span(link)} altered: the hash of their link is another one.`);
    if (link.lost.length > 0)
      find(link.chain, link.first, `${span(link)} no longer found by ${link.lost.slice(0, 3).join(', ')}.`);
    for (const line of linesOf(link.text)) for (const head of cutIn(line)) cut.add(nameOf(head));
    const head = headOf(link);
    ends.set(link.chain, head);
    arrive(head);
  }

  function begin(link: AuditLink): void {
    if (link.first === 0 && link.before !== '') find(link.chain, 0, 'The beginning is another one.');
    if (link.first > 0) begun.push({ chain: link.chain, count: link.first, hash: link.before });
  }

  function follow(link: AuditLink, { count, hash }: AuditHead): void {
    if (link.first > count) find(link.chain, count, `Records ${count} to ${link.first - 1} are missing.`);
    else if (link.first < count) find(link.chain, link.first, `${span(link)} inserted: their numbers were taken.`);
    else if (link.before !== hash)
      find(link.chain, link.first, `What stands before record ${link.first} is not what did when it was written.`);
  }

  /** The chain has come to a point that may be one of those that were noted. */
  function arrive(head: AuditHead): void {
    const left = (points.get(head.chain) ?? []).filter((point) => {
      if (point.count !== head.count) return true;
      if (point.hash !== head.hash)
        find(head.chain, head.count, `The head that was noted at ${head.count} is another one.`);
      return false;
    });
    points.set(head.chain, left);
  }

  function end(): Verdict {
    verdict.heads.push(...ends.values());
    for (const head of begun)
      if (!cut.has(nameOf(head)))
        find(head.chain, 0, `Records 0 to ${head.count - 1} are missing, and no record says that their time was over.`);
    for (const left of points.values()) for (const point of left) missing(point);
    return verdict;
  }

  /** A point that the chain no longer comes to. */
  function missing(point: AuditHead): void {
    const { chain, count } = point;
    const end = ends.get(chain);
    const beginning = begun.find((head) => head.chain === chain);
    const isCut = cut.has(nameOf(point)) || (beginning !== undefined && count <= beginning.count);
    if (isCut) return;
    if (end === undefined) find(chain, 0, `The whole chain of ${count} records is missing.`);
    else if (end.count < count) find(chain, end.count, `Records ${end.count} to ${count - 1} are missing at the end.`);
    else find(chain, count, `No link ends at record ${count - 1}, where the chain once ended.`);
  }

  return { see, end };
}

const nameOf = ({ chain, count, hash }: AuditHead): string => `${chain} ${count} ${hash}`;

function span({ first, keys }: AuditLink): string {
  return keys.length === 1 ? `Record ${first} is` : `Records ${first} to ${first + keys.length - 1} are`;
}

/** Only the server's own word counts: what a client sent stands in a text, where a quote has a backslash before it. */
function cutIn(line: string): AuditHead[] {
  if (!line.includes('"cut":[')) return [];
  try {
    return (JSON.parse(line) as Told).cut ?? [];
  } catch {
    return [];
  }
}
