/** A patch's value becomes an element: its type is checked, its parts become children, its digits stay. */
import type { Definitions, ElementDefinition } from '../../fhir/definitions.js';
import { failure } from '../../fhir/outcome.js';
import { copied, isMembers, type Kept } from '../tree.js';
import type { Work } from '../work.js';
import { count, insertCell, writeCell, type Cell } from './cells.js';
import { elementNamed, elementsOf, isA, isPrimitive, jsonName, repeats, typesOf } from './elements.js';
import { presentKey, type Branch } from './place.js';

/** What a parameter named `value` holds: a value of a type, a resource, or parts that are the children of an element. */
export type Given = { at: string } & (
  { type: string; value?: Kept; beside?: Kept } | { resource: Kept } | { parts: readonly NamedPart[] }
);

export interface NamedPart {
  name: string;
  given: Given;
}

export interface Building {
  definitions: Definitions;
  work: Work;
}

/** The element as it stands in JSON, under the name that a choice gives it. */
export function elementFrom(
  building: Building,
  element: ElementDefinition,
  name: string,
  given: Given,
): { key: string; cell: Cell } {
  const { definitions, work } = building;
  const type = typeFor(definitions, element, name, given);
  const key = jsonName(element, name, type);
  if ('parts' in given) {
    const branch: Branch = { members: {}, elements: elementsOf(definitions, element, type), type };
    for (const part of given.parts) append(building, branch, part.name, part.given);
    return { key, cell: { value: { value: branch.members } } };
  }
  const { value, beside }: Cell = 'resource' in given ? { value: given.resource } : given;
  return {
    key,
    cell: {
      ...(value === undefined ? {} : { value: copied(value, work) }),
      ...(beside === undefined ? {} : { beside: copied(beside, work) }),
    },
  };
}

/** Adds the element at the end of its list, or where there is none yet. (R4 fhirpatch.html, `add`) */
export function append(building: Building, branch: Branch, name: string, given: Given): void {
  const element = elementNamed(branch.elements, name);
  if (element === undefined) throw unknownElement(branch, name, given.at);
  const { key, cell } = elementFrom(building, element, name, given);
  if (repeats(element)) {
    insertCell(branch.members, key, count(branch.members, key), cell, building.work);
    return;
  }
  if (presentKey(branch.members, name, element) !== undefined) {
    throw failure(
      'unprocessable',
      `${branch.type}.${name} is there already and does not repeat; replace it instead of adding it.`,
      given.at,
    );
  }
  writeCell(branch.members, key, cell);
}

function unknownElement(branch: Branch, name: string, at: string): Error {
  const choice = Object.entries(branch.elements).find(
    ([known, element]) =>
      element.choice === true && typesOf(element).some((type) => jsonName(element, known, type) === name),
  );
  const fix = choice === undefined ? '' : ` The name is "${choice[0]}"; the value's own type says the rest.`;
  return failure('unprocessable', `${branch.type} has no element "${name.slice(0, 60)}".${fix}`, at);
}

function typeFor(definitions: Definitions, element: ElementDefinition, name: string, given: Given): string {
  const types = typesOf(element);
  const found = types.find((type) => fits(definitions, element, type, given));
  if (found !== undefined) return found;
  const allowed = types.slice(0, 10).join(', ');
  const what = 'parts' in given ? 'parts' : 'resource' in given ? 'a resource' : `a value of type ${given.type}`;
  throw failure('unprocessable', `${name} cannot have ${what}; it is of type ${allowed}.`, given.at);
}

function fits(definitions: Definitions, element: ElementDefinition, type: string, given: Given): boolean {
  if ('resource' in given) return type === 'Resource' && isMembers(given.resource.value);
  const primitive = isPrimitive(definitions, type);
  // Which type of a choice the parts would make, nobody says.
  if ('parts' in given) return element.choice !== true && !primitive && type !== 'Resource';
  if (element.choice === true) return given.type === type;
  if (isA(definitions, given.type, type)) return true;
  return primitive && (isA(definitions, type, given.type) || WRITTEN_AS[type] === given.type);
}

/** A code may come as a string, of which it is a kind; these two have no such tie but the same text. */
const WRITTEN_AS: Readonly<Record<string, string>> = { xhtml: 'string', dateTime: 'date' };
