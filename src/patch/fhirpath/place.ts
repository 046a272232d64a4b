/** Where an element stands in the edited resource, and what R4 says about it. */
import type { Definitions, ElementDefinition } from '../../fhir/definitions.js';
import { isList, isMembers, member, removeMember, setItem, setMember, type Members } from '../tree.js';
import type { Work } from '../work.js';
import { count, readCell, removeCell } from './cells.js';
import { elementNamed, elementsOf, isPrimitive, jsonName, repeats, typesOf, type Elements } from './elements.js';

/** Something that has children: a resource, a complex value, or what stands beside a primitive. */
export interface Branch {
  members: Members;
  elements: Elements;
  /** What a refusal calls it. */
  type: string;
  /** Where it stands; the resource itself stands nowhere. */
  place?: Place;
}

export interface Place {
  branch: Branch;
  name: string;
  element: ElementDefinition;
  type: string;
  /** The name in JSON. */
  key: string;
  /** In a list. */
  index?: number;
}

/** One step of a location that FHIRPath found: the element's name as FHIR has it. */
export interface Step {
  name: string;
  index?: number;
}

/** The place that the steps lead to from a branch; the branch itself for none, undefined where nothing is. */
export function follow(definitions: Definitions, root: Branch, steps: readonly Step[]): Branch | Place | undefined {
  let found: Branch | Place = root;
  for (const step of steps) {
    const branch: Branch | undefined = 'members' in found ? found : branchAt(definitions, found);
    const place: Place | undefined = branch === undefined ? undefined : placeIn(branch, step);
    if (place === undefined) return undefined;
    found = place;
  }
  return found;
}

/** Which of a choice's names is there; undefined when none is. */
export function presentKey(
  members: Members,
  name: string,
  element: ElementDefinition,
): { type: string; key: string } | undefined {
  return typesOf(element)
    .map((type) => ({ type, key: jsonName(element, name, type) }))
    .find(({ key }) => Object.hasOwn(members, key) || Object.hasOwn(members, `_${key}`));
}

/** What has the element's children. */
export function branchAt(definitions: Definitions, place: Place): Branch | undefined {
  const { element, type, key, index, branch } = place;
  const { value, beside } = readCell(branch.members, key, index);
  const primitive = isPrimitive(definitions, type);
  const members = primitive ? beside?.value : value?.value;
  if (!isMembers(members)) return undefined;
  const contained = type === 'Resource' ? member(members, 'resourceType')?.value : undefined;
  const actual = typeof contained === 'string' ? contained : type;
  return { members, elements: elementsOf(definitions, element, actual), type: actual, place };
}

/** The same, made where a primitive has nothing beside it yet. */
export function branchMadeAt(definitions: Definitions, place: Place): Branch | undefined {
  const { branch, key, index, type } = place;
  const found = branchAt(definitions, place);
  if (found !== undefined || !isPrimitive(definitions, type)) return found;
  if (index === undefined) setMember(branch.members, `_${key}`, { value: {} });
  else {
    const known = member(branch.members, `_${key}`)?.value;
    const sides: unknown[] = isList(known) ? known : Array<null>(count(branch.members, key)).fill(null);
    setItem(sides, index, { value: {} });
    if (sides !== known) setMember(branch.members, `_${key}`, { value: sides });
  }
  return branchAt(definitions, place);
}

/** Takes the element away, and with it everything above that has become empty: R4 knows no empty objects or arrays. */
export function removeAt(definitions: Definitions, place: Place, work: Work): void {
  removeCell(place.branch.members, place.key, place.index, work);
  let branch = place.branch;
  for (let above = branch.place; above !== undefined; above = branch.place) {
    if (Object.keys(branch.members).length > 0) return;
    const { branch: holder, key, index, type } = above;
    const kept = isPrimitive(definitions, type) ? readCell(holder.members, key, index).value : undefined;
    // A primitive that loses its last extension still has its value.
    if (kept === undefined) removeCell(holder.members, key, index, work);
    else dropBeside(holder.members, key, index);
    branch = holder;
  }
}

function dropBeside(members: Members, key: string, index: number | undefined): void {
  const sides = member(members, `_${key}`)?.value;
  if (index !== undefined && isList(sides)) setItem(sides, index, { value: null });
  if (index === undefined || (isList(sides) && sides.every((one) => one === null))) {
    removeMember(members, `_${key}`);
  }
}

function placeIn(branch: Branch, { name, index }: Step): Place | undefined {
  const element = elementNamed(branch.elements, name);
  const present = element === undefined ? undefined : presentKey(branch.members, name, element);
  if (element === undefined || present === undefined) return undefined;
  const inList = repeats(element) && index !== undefined;
  return { branch, name, element, ...present, ...(inList ? { index } : {}) };
}
