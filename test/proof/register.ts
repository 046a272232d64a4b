/**
 * A checker of linearizability for one resource with versions: could all that was answered have happened one after
 * another, each operation at one moment between its request and its answer?
 *
 * For registers in general that is a search over all orders (Wing and Gong). Here it need not be one, because the server
 * says of each write which version it made, and of each read which version it saw. Versions are made once, one upon the
 * other, so every possible order has the writes in the order of their versions, and each read of version n between the
 * write of n and that of n + 1: each operation has its place, whatever the order is. What remains is time: an operation
 * that was answered before another was asked for must not have the later place. If no pair breaks that, sorting by place,
 * then by time of asking, is an order as demanded; if one does, there is none.
 *
 * A refused condition ("the current version is not n") has no place of its own: it may stand anywhere but between the
 * writes of n and n + 1. It is given the earliest place that what was answered before it allows. That is exact: any other
 * choice stands later, and only forbids more to those that come after.
 *
 * A write of unknown outcome took place if the final history has its value, any time after it was asked for; if not, it
 * never did. That the final history was read when all were silent is what makes this certain.
 */

export interface Operation {
  client: number;
  kind: 'read' | 'history' | 'write';
  /** Times of asking and of the answer, on one clock. */
  asked: number;
  answered: number;
  outcome: 'done' | 'refused' | 'unknown';
  /** Of a write: what no other writes. */
  value?: string;
  /** Of a write with If-Match: the version that it names. */
  expects?: number;
  /** Of a write that was refused: because its condition did not hold. */
  conditionFailed?: boolean;
  /** Of what is done: the version that was made or seen. */
  version?: number;
  /** Of a read, one value; of a history its newest values, the newest first. */
  seen?: string[];
}

/** Undefined when the operations are linearizable; else what is wrong. `final`: the value of version 1, 2, 3 … */
export function anomalyOf(operations: readonly Operation[], final: readonly string[]): string | undefined {
  const versions = new Map(final.map((value, at) => [value, at + 1]));
  if (versions.size !== final.length) return 'a value stands in the history twice';
  const placed: Placed[] = [];
  for (const operation of operations) {
    const wrong = contradiction(operation, final, versions);
    if (wrong !== undefined) return `${wrong}: ${told(operation)}`;
    const one = placeOf(operation, versions);
    if (one !== undefined) placed.push(one);
  }
  return strangers(operations, final) ?? outOfTime(placed, final.length);
}

interface Placed {
  operation: Operation;
  asked: number;
  answered: number;
  /** The write of version n stands at 2n, what saw it at 2n + 1; undefined: not fixed. */
  place?: number;
  /** Where it cannot stand, if its place is not fixed. */
  forbidden?: number;
}

/** What no order could mend. */
function contradiction(
  { kind, outcome, value, expects, version, seen }: Operation,
  final: readonly string[],
  versions: ReadonlyMap<string, number>,
): string | undefined {
  const stands = value === undefined ? undefined : versions.get(value);
  if (kind === 'write') {
    if (outcome === 'refused') return stands === undefined ? undefined : 'a refused write is there';
    if (expects !== undefined && stands !== undefined && stands !== expects + 1) return 'its condition did not hold';
    if (outcome === 'unknown') return undefined;
    return stands === version ? undefined : stands === undefined ? 'a lost update' : 'it has another version';
  }
  if (outcome !== 'done' || version === undefined || seen === undefined) return undefined;
  const wanted = seen.map((_, at) => final[version - 1 - at]);
  return seen.length > 0 && seen.every((one, at) => one === wanted[at]) ? undefined : 'it saw what was never there';
}

/** Undefined for what says nothing and did nothing. */
function placeOf(operation: Operation, versions: ReadonlyMap<string, number>): Placed | undefined {
  const { kind, outcome, asked, answered, value = '', version = 0 } = operation;
  const timed = { operation, asked, answered };
  if (kind !== 'write') return outcome === 'done' ? { ...timed, place: seeing(version) } : undefined;
  if (outcome === 'done') return { ...timed, place: 2 * version };
  if (outcome === 'refused') {
    const { conditionFailed, expects } = operation;
    return conditionFailed === true && expects !== undefined ? { ...timed, forbidden: seeing(expects) } : undefined;
  }
  const stands = versions.get(value);
  return stands === undefined ? undefined : { ...timed, answered: Infinity, place: 2 * stands };
}

/** Everything in the history was asked for; the first version is there before all. */
function strangers(operations: readonly Operation[], final: readonly string[]): string | undefined {
  const written = new Set(operations.flatMap(({ kind, value }) => (kind === 'write' ? [value] : [])));
  const stranger = final.slice(1).find((value) => !written.has(value));
  return stranger === undefined ? undefined : `nobody wrote ${stranger}`;
}

function outOfTime(placed: Placed[], last: number): string | undefined {
  const byAsking = placed.toSorted((a, b) => a.asked - b.asked);
  const byAnswer = placed.toSorted((a, b) => a.answered - b.answered);
  const places = new Map<Placed, number>();
  let done = 0;
  let least = seeing(1);
  let latest: Operation | undefined;
  for (const one of byAsking) {
    // All that was answered before this was asked for has its place already: it was asked for earlier still.
    for (let next = byAnswer[done]; next !== undefined && next.answered < one.asked; next = byAnswer[done]) {
      const place = places.get(next) ?? 0;
      if (place > least) [least, latest] = [place, next.operation];
      done += 1;
    }
    const place = one.place ?? earliest(least, one.forbidden);
    if (place > seeing(last)) return `the version that it names was the last one: ${told(one.operation)}`;
    if (place < least) return `answered before, but later in any order: ${told(latest)}; then ${told(one.operation)}`;
    places.set(one, place);
  }
  return undefined;
}

/** Behind the write of a version, and before that of the next one. */
const seeing = (version: number): number => 2 * version + 1;

function earliest(least: number, forbidden: number | undefined): number {
  const place = least % 2 === 1 ? least : least + 1;
  return place === forbidden ? place + 2 : place;
}

const told = (operation: Operation | undefined): string => JSON.stringify(operation);
