/** Whether two JSON values are the same, as the `test` of a JSON Patch means it (RFC 6902, section 4.6). */
import { isList, isMembers } from '../tree.js';
import type { Work } from '../work.js';

/** Numbers are compared by what they are worth, so that 5.40 is 5.4; members in any order. */
export function equal(left: unknown, right: unknown, work: Work): boolean {
  work.spend(1);
  if (isList(left)) {
    return isList(right) && left.length === right.length && left.every((one, index) => equal(one, right[index], work));
  }
  if (!isMembers(left) || !isMembers(right)) return left === right;
  const names = Object.keys(left);
  const others = Object.keys(right);
  work.spend(names.length + others.length);
  return (
    names.length === others.length &&
    names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name], work))
  );
}
