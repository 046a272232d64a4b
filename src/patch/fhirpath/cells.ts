/**
 * How an element stands in JSON: its value under its name, and a primitive's id and extensions under `_name` beside it;
 * in a list both are arrays of the same order, with nulls where one has nothing. (R4 json.html#primitive)
 */
import {
  insertItem,
  isList,
  isMembers,
  item,
  member,
  removeItem,
  removeMember,
  setItem,
  setMember,
  type Kept,
  type Members,
} from '../tree.js';
import type { Work } from '../work.js';

export interface Cell {
  value?: Kept;
  beside?: Kept;
}

/** How many elements there are under that name. */
export function count(holder: Members, key: string): number {
  const [values, sides] = both(holder, key);
  return Math.max(lengthOf(values), lengthOf(sides));
}

export function readCell(holder: Members, key: string, index: number | undefined): Cell {
  const [value, beside] = [key, `_${key}`].map((name) => {
    const found = member(holder, name);
    if (index === undefined || found === undefined) return found;
    const one = isList(found.value) ? item(found.value, index) : undefined;
    return one?.value === null ? undefined : one;
  });
  return { ...(value === undefined ? {} : { value }), ...(beside === undefined ? {} : { beside }) };
}

/** The element that stands alone under its name. */
export function writeCell(holder: Members, key: string, { value, beside }: Cell): void {
  for (const [name, kept] of [
    [key, value],
    [`_${key}`, beside],
  ] as const) {
    if (kept === undefined) removeMember(holder, name);
    else setMember(holder, name, kept);
  }
}

export function replaceCell(holder: Members, key: string, index: number, { value, beside }: Cell, work: Work): void {
  setItem(listAt(holder, key, index + 1, work), index, value ?? NOTHING);
  if (beside !== undefined || Object.hasOwn(holder, `_${key}`)) {
    setItem(listAt(holder, `_${key}`, index + 1, work), index, beside ?? NOTHING);
  }
  dropEmpty(holder, key, work);
}

export function insertCell(holder: Members, key: string, index: number, { value, beside }: Cell, work: Work): void {
  const length = count(holder, key);
  const hasSides = beside !== undefined || Object.hasOwn(holder, `_${key}`);
  insertItem(listAt(holder, key, length, work), index, value ?? NOTHING, work);
  if (hasSides) insertItem(listAt(holder, `_${key}`, length, work), index, beside ?? NOTHING, work);
  dropEmpty(holder, key, work);
}

export function removeCell(holder: Members, key: string, index: number | undefined, work: Work): void {
  if (index === undefined) {
    writeCell(holder, key, {});
    return;
  }
  for (const list of both(holder, key)) if (list !== undefined && index < list.length) removeItem(list, index, work);
  dropEmpty(holder, key, work);
}

const NOTHING: Kept = { value: null };

const both = (holder: Members, key: string): [unknown[] | undefined, unknown[] | undefined] => {
  const listOf = (name: string): unknown[] | undefined => {
    const value = member(holder, name)?.value;
    return isList(value) ? value : undefined;
  };
  return [listOf(key), listOf(`_${key}`)];
};

const lengthOf = (list: unknown[] | undefined): number => list?.length ?? 0;

/** The list under that name, made and filled up with nulls where it is too short. */
function listAt(holder: Members, name: string, length: number, work: Work): unknown[] {
  const found = member(holder, name)?.value;
  const list: unknown[] = isList(found) ? found : [];
  work.spend(Math.max(0, length - list.length));
  while (list.length < length) list.push(null);
  if (list !== found) setMember(holder, name, { value: list });
  return list;
}

/** No array is empty (R4 json.html), and one of nothing but nulls holds nothing. */
function dropEmpty(holder: Members, key: string, work: Work): void {
  const names = [`_${key}`, key];
  for (const name of names) {
    const list = member(holder, name)?.value;
    if (!isList(list)) continue;
    const firstThing = list.findIndex((one) => one !== null && !(isMembers(one) && Object.keys(one).length === 0));
    work.spend(firstThing === -1 ? list.length : firstThing);
    if (firstThing === -1) removeMember(holder, name);
  }
}
