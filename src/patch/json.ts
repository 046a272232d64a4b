/**
 * JSON Patch (RFC 6902) on a resource. The libraries that do this (fast-json-patch, rfc6902 and their like) move bare
 * numbers, so the digits of `5.40`, which our JSON keeps beside the number's parent, would be lost or end up at another
 * number; and they bound neither copies nor comparisons. The six operations are short enough to be our own.
 */
import { failure } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { equal } from './json/equal.js';
import { operationsOf, type Operation } from './json/operations.js';
import { holderAt, indexOf, valueAt, written, type Pointer } from './json/pointer.js';
import { resultOf } from './result.js';
import {
  copied,
  insertItem,
  isList,
  removeItem,
  removeMember,
  setItem,
  setMember,
  type Kept,
  type Members,
} from './tree.js';
import { workOf, type Work } from './work.js';

/**
 * Carries out all operations in their order, or throws: 400 for what is no JSON Patch, 422 for a path that leads
 * nowhere and for a `test` that fails. Neither the resource nor the patch is changed.
 */
export function applyJsonPatch(resource: Resource, patch: unknown): Resource {
  const operations = operationsOf(patch);
  const edit: Edit = { document: copied({ value: resource }), work: workOf() };
  for (const operation of operations) carryOut(edit, operation);
  return resultOf(resource, edit.document.value);
}

interface Edit {
  document: Kept;
  readonly work: Work;
}

function carryOut(edit: Edit, operation: Operation): void {
  const { path, at } = operation;
  switch (operation.op) {
    case 'add':
      add(edit, path, copied(operation.value, edit.work), at);
      break;
    case 'remove':
      remove(edit, path, `${at}.path`);
      break;
    case 'replace':
      replace(edit, path, copied(operation.value, edit.work), at);
      break;
    case 'test':
      test(edit, path, operation.value, at);
      break;
    case 'copy':
      add(edit, path, copied(existing(edit, operation.from, `${at}.from`), edit.work), at);
      break;
    case 'move':
      move(edit, operation.from, path, at);
  }
}

/** Where the value goes is looked for when it has left its old place. (RFC 6902, section 4.4) */
function move(edit: Edit, from: Pointer, path: Pointer, at: string): void {
  const moved = existing(edit, from, `${at}.from`);
  // Onto itself changes nothing, be it the whole resource.
  if (from.length === path.length && from.every((token, index) => token === path[index])) return;
  remove(edit, from, `${at}.from`);
  add(edit, path, moved, at);
}

function add(edit: Edit, path: Pointer, value: Kept, at: string): void {
  const last = path.at(-1);
  if (last === undefined) {
    edit.document = value;
    return;
  }
  const holder = holding(edit, path, `${at}.path`);
  if (!isList(holder)) {
    setMember(holder, last, value);
    return;
  }
  const index = last === '-' ? holder.length : indexOf(last);
  if (index === undefined || index > holder.length) {
    const fix = `use an index from 0 to ${holder.length}, or "-" for the end`;
    throw failure('unprocessable', `${at}.path is "${written(path)}": ${fix}.`, `${at}.path`);
  }
  insertItem(holder, index, value, edit.work);
}

function remove(edit: Edit, path: Pointer, at: string): void {
  existing(edit, path, at);
  const last = path.at(-1);
  if (last === undefined) throw failure('unprocessable', `${at} is the whole resource: delete it instead.`, at);
  const holder = holding(edit, path, at);
  if (isList(holder)) removeItem(holder, Number(last), edit.work);
  else removeMember(holder, last);
}

function replace(edit: Edit, path: Pointer, value: Kept, at: string): void {
  existing(edit, path, `${at}.path`);
  const last = path.at(-1);
  if (last === undefined) {
    edit.document = value;
    return;
  }
  const holder = holding(edit, path, `${at}.path`);
  if (isList(holder)) setItem(holder, Number(last), value);
  else setMember(holder, last, value);
}

function test(edit: Edit, path: Pointer, value: Kept, at: string): void {
  const found = existing(edit, path, `${at}.path`);
  if (equal(value.value, found.value, edit.work)) return;
  throw failure(
    'unprocessable',
    `${at}: the test failed, the value at "${written(path)}" is another one. Nothing was changed.`,
    at,
  );
}

function existing(edit: Edit, path: Pointer, at: string): Kept {
  const found = valueAt(edit.document, path);
  if (found !== undefined) return found;
  throw failure('unprocessable', `${at} is "${written(path)}", and there is no such value in the resource.`, at);
}

function holding(edit: Edit, path: Pointer, at: string): Members | unknown[] {
  const holder = holderAt(edit.document, path);
  if (holder !== undefined) return holder;
  const parent = written(path.slice(0, -1));
  throw failure('unprocessable', `${at} is "${written(path)}", and there is no object or array at "${parent}".`, at);
}
