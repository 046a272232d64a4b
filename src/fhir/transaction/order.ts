/** In which order operations are done, and which may not be done together (R4 http.html#trules). */
import { issueOf, type Issue } from '../outcome.js';
import type { Operation, Verb } from './operation.js';

/** TABLE: the order of a transaction. What an entry's answer is must not depend on where it stands in the Bundle. */
const STEPS = { DELETE: 1, POST: 2, PUT: 3, PATCH: 3, GET: 4, HEAD: 4 } as const satisfies Record<Verb, number>;

/** A transaction's operations as they are to be done; those of one step as they come. Answers go by `index`. */
export const inOrder = (operations: readonly Operation[]): Operation[] =>
  [...operations].sort((a, b) => STEPS[a.method] - STEPS[b.method] || a.index - b.index);

/** Why an entry cannot be done beside the others. */
export interface Clash {
  index: number;
  issue: Issue;
}

/** Changes of one resource by several entries of a transaction; what conditions will find is not known here. */
export const overlaps = (operations: readonly Operation[]): Clash[] =>
  clashes(operations, 'request.url', ({ type, id, method }) => {
    if (type === undefined || id === undefined || method === 'GET' || method === 'HEAD') return undefined;
    return { key: `${type}/${id}`, say: (other) => `${type}/${id} is changed by ${other} too; change it once.` };
  });

/** bdl-7: one fullUrl for two entries would leave open which of them a reference means. */
export const sharedFullUrls = (operations: readonly Operation[]): Clash[] =>
  clashes(operations, 'fullUrl', ({ fullUrl }) =>
    fullUrl === undefined
      ? undefined
      : { key: fullUrl, say: (other) => `${other} has this fullUrl too (bdl-7); give each its own.` },
  );

function clashes(
  operations: readonly Operation[],
  element: string,
  claim: (operation: Operation) => { key: string; say: (other: string) => string } | undefined,
): Clash[] {
  const first = new Map<string, Operation>();
  const found: Clash[] = [];
  for (const operation of operations) {
    const claimed = claim(operation);
    if (claimed === undefined) continue;
    const other = first.get(claimed.key);
    if (other === undefined) {
      first.set(claimed.key, operation);
      continue;
    }
    const { index } = operation;
    const say = claimed.say(`Bundle.entry[${other.index}] (${other.method})`);
    found.push({ index, issue: issueOf('invalid', say, `Bundle.entry[${index}].${element}`) });
  }
  return found;
}
