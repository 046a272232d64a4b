/** What a JSON Patch asks for (RFC 6902, section 4), read once and refused where it is not one. */
import { failure } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import { isList, isMembers, member, type Kept, type Members } from '../tree.js';
import { pointerOf, type Pointer } from './pointer.js';

export type Operation = { path: Pointer; at: string } & (
  { op: 'add' | 'replace' | 'test'; value: Kept } | { op: 'remove' } | { op: 'move' | 'copy'; from: Pointer }
);

/** Which of its members an operation needs besides `op` and `path`; it ignores all others, as section 4 demands. */
const NEEDS: Readonly<Record<Operation['op'], 'value' | 'from' | 'nothing'>> = {
  add: 'value',
  remove: 'nothing',
  replace: 'value',
  move: 'from',
  copy: 'from',
  test: 'value',
};

export function operationsOf(patch: unknown): Operation[] {
  if (!isList(patch)) {
    throw failure('malformed', 'A JSON Patch is an array of operations, such as [{"op":"remove","path":"/name/0"}].');
  }
  if (patch.length > limits.patchOperations) {
    throw failure(
      'too-costly',
      `The patch has ${patch.length} operations; at most ${limits.patchOperations} are carried out.`,
    );
  }
  return patch.map((one, index) => operationOf(one, `patch[${index}]`));
}

function operationOf(written: unknown, at: string): Operation {
  if (!isMembers(written)) throw failure('malformed', `${at} must be an object with "op" and "path".`, at);
  const op = textOf(written, 'op', at);
  if (!isOp(op)) {
    const known = Object.keys(NEEDS).join(', ');
    throw failure('value', `${at}.op is "${op.slice(0, 60)}"; JSON Patch knows ${known}.`, `${at}.op`);
  }
  const path = pointerOf(textOf(written, 'path', at), `${at}.path`);
  if (op === 'remove') return { op, path, at };
  if (op === 'move' || op === 'copy') {
    const from = pointerOf(textOf(written, 'from', at), `${at}.from`);
    if (op === 'move' && isInside(path, from)) {
      throw failure('value', `${at}.path is inside ${at}.from: nothing can be moved into itself.`, `${at}.path`);
    }
    return { op, path, from, at };
  }
  const value = member(written, 'value');
  if (value === undefined) throw failure('malformed', `${at}.value is missing: ${op} needs it.`, `${at}.value`);
  return { op, path, value, at };
}

const isOp = (op: string): op is Operation['op'] => Object.hasOwn(NEEDS, op);

/** Section 4.4: `from` must not be a proper prefix of `path`. */
const isInside = (path: Pointer, from: Pointer): boolean =>
  path.length > from.length && from.every((token, index) => token === path[index]);

function textOf(written: Members, name: 'op' | 'path' | 'from', at: string): string {
  const value = member(written, name)?.value;
  if (typeof value === 'string') return value;
  const found = value === undefined ? 'is missing' : 'must be a string';
  throw failure('malformed', `${at}.${name} ${found}.`, `${at}.${name}`);
}
