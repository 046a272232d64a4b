/**
 * FHIRPath Patch (R4 fhirpatch.html) on a resource. The paths are evaluated by fhirpath.js, the edits are made on our
 * own copy by what R4's definitions say about each element, so that digits, `_name` beside a primitive and the names of
 * choices come out right.
 */
import type { Definitions } from '../fhir/definitions.js';
import { failure, type FhirError } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { brief } from './brief.js';
import { count, insertCell, readCell, removeCell, replaceCell, writeCell } from './fhirpath/cells.js';
import { elementNamed, jsonName, repeats, typesOf } from './fhirpath/elements.js';
import { pathsOf, type Paths } from './fhirpath/evaluate.js';
import { operationsOf, type Operation } from './fhirpath/parameters.js';
import { branchAt, branchMadeAt, follow, removeAt, type Branch, type Place, type Step } from './fhirpath/place.js';
import { append, elementFrom, type Building } from './fhirpath/value.js';
import { Turns } from '../kit/turns.js';
import { resultOf } from './result.js';
import { copied, type Members } from './tree.js';
import { workOf } from './work.js';

/**
 * Carries out all operations in their order, each on the result of the one before, or throws: 400 for what is no
 * FHIRPath Patch, 422 for one that does not fit the resource. Neither the resource nor the parameters are changed.
 */
export async function applyFhirPathPatch(
  definitions: Definitions,
  resource: Resource,
  parameters: unknown,
): Promise<Resource> {
  const operations = operationsOf(definitions, parameters);
  const work = workOf();
  const type = resource.resourceType;
  const members = copied({ value: resource }).value as Members;
  const root: Branch = { members, elements: definitions.types.get(type)?.elements ?? {}, type };
  const edit: Edit = { definitions, work, root, paths: pathsOf(definitions, type, work) };
  const turns = new Turns();
  for (const operation of operations) {
    carryOut(edit, operation);
    if (turns.over) await turns.next();
  }
  return resultOf(resource, members);
}

interface Edit extends Building {
  root: Branch;
  paths: Paths;
}

function carryOut(edit: Edit, operation: Operation): void {
  switch (operation.type) {
    case 'add':
      add(edit, operation);
      break;
    case 'insert':
      insert(edit, operation);
      break;
    case 'delete':
      remove(edit, operation);
      break;
    case 'replace':
      replace(edit, operation);
      break;
    case 'move':
      move(edit, operation);
  }
}

type Of<T extends Operation['type']> = Extract<Operation, { type: T }>;

function add(edit: Edit, operation: Of<'add'>): void {
  const { definitions } = edit;
  const place = only(edit, operation, found(edit, operation));
  const branch = 'members' in place ? place : branchMadeAt(definitions, place);
  if (branch === undefined) throw refuse(operation, 'leads to something that cannot have elements of its own');
  append(edit, branch, operation.name, operation.value);
}

function replace(edit: Edit, operation: Of<'replace'>): void {
  const { branch, element, name, key, index } = placed(operation, only(edit, operation, found(edit, operation)));
  const made = elementFrom(edit, element, name, operation.value);
  if (index !== undefined) {
    replaceCell(branch.members, key, index, made.cell, edit.work);
    return;
  }
  writeCell(branch.members, key, {});
  writeCell(branch.members, made.key, made.cell);
}

/** Nothing to delete is no error. (R4 fhirpatch.html: "Path of the element to delete (if found)") */
function remove(edit: Edit, operation: Of<'delete'>): void {
  const steps = found(edit, operation);
  if (steps.length > 0) removeAt(edit.definitions, placed(operation, only(edit, operation, steps)), edit.work);
}

function insert(edit: Edit, operation: Of<'insert'>): void {
  const { index, value } = operation;
  const list = listed(edit, operation);
  if (index > list.length) {
    throw refuse(operation, `has ${list.length} elements, so index ${index} does not exist`);
  }
  const { key, cell } = elementFrom(edit, list.element, list.name, value);
  insertCell(list.branch.members, key, index, cell, edit.work);
}

/** Taken out first; the destination counts in the list without it, as R4's test cases have it. */
function move(edit: Edit, operation: Of<'move'>): void {
  const { source, destination } = operation;
  const { branch, key, length } = listed(edit, operation);
  for (const index of [source, destination]) {
    if (index >= length) throw refuse(operation, `has ${length} elements, so index ${index} does not exist`);
  }
  const moved = readCell(branch.members, key, source);
  removeCell(branch.members, key, source, edit.work);
  insertCell(branch.members, key, destination, moved, edit.work);
}

const found = (edit: Edit, operation: Operation): Step[][] =>
  edit.paths.find(operation.path, edit.root.members, operation.at);

/** "The FHIRPath statement must return a single element." (R4 fhirpatch.html) */
function only(edit: Edit, operation: Operation, steps: readonly Step[][]): Branch | Place {
  const [first, second] = steps;
  if (first === undefined) throw refuse(operation, 'leads to nothing in this resource');
  if (second !== undefined) throw refuse(operation, `leads to ${steps.length} elements; it must lead to one`);
  const place = follow(edit.definitions, edit.root, first);
  if (place === undefined) throw refuse(operation, 'leads to something that is no element by R4');
  return place;
}

function placed(operation: Operation, place: Branch | Place): Place {
  if ('members' in place)
    throw refuse(operation, 'leads to the whole resource, which a patch cannot replace or delete');
  return place;
}

interface Listed {
  branch: Branch;
  name: string;
  element: Place['element'];
  key: string;
  length: number;
}

/** The list that the path names; its one holder must be there, the list itself may still be empty. */
function listed(edit: Edit, operation: Of<'insert' | 'move'>): Listed {
  const { holders, name } = edit.paths.findList(operation.path, edit.root.members, operation.at);
  const holder = only(edit, operation, holders);
  const branch = 'members' in holder ? holder : branchAt(edit.definitions, holder);
  const element = branch === undefined ? undefined : elementNamed(branch.elements, name);
  if (branch === undefined || element === undefined) throw refuse(operation, 'leads to no list');
  if (!repeats(element)) throw refuse(operation, `leads to ${name}, which is no list: it does not repeat`);
  const key = jsonName(element, name, typesOf(element)[0] ?? '');
  return { branch, name, element, key, length: count(branch.members, key) };
}

const refuse = (operation: Operation, what: string): FhirError =>
  failure(
    'unprocessable',
    `${operation.at} (${operation.type}): the path "${brief(operation.path)}" ${what}.`,
    operation.at,
  );
