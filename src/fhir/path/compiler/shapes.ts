/** What stands where in a type, as the compiled expressions and the walk look it up: one object a type or element. */
import type { Definitions } from '../../definitions.js';
import { assert } from '../../../kit/assert.js';
import { membersOf, type Member } from '../../members.js';

export interface Shape {
  /** A type, or the path of an element that is defined in place, as `Patient.contact`. */
  name: string;
  primitive: boolean;
  /** The type and those that it derives from. */
  lineage: ReadonlySet<string>;
  /** FHIR's name -> where the element may stand in JSON: one place for each type of a choice. */
  byElement: ReadonlyMap<string, readonly Child[]>;
  byKey: ReadonlyMap<string, Child>;
}

export interface Child {
  element: string;
  /** The name in JSON, as `valueQuantity`, and that of what stands beside a primitive value, as `_valueString`. */
  key: string;
  beside: string;
  many: boolean;
  /** Undefined for a resource, which says itself what it is. */
  shape: Shape | undefined;
}

/** The shape of a type or element; undefined for what R4 does not have. */
export type Shapes = (name: string) => Shape | undefined;

export function createShapes(definitions: Definitions): Shapes {
  const known = new Map<string, Shape>();

  const shapeOf: Shapes = (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const type = definitions.types.get(name);
    if (type === undefined && !name.includes('.')) return undefined;
    const byElement = new Map<string, Child[]>();
    const byKey = new Map<string, Child>();
    const primitive = type?.kind === 'primitive-type';
    const shape: Shape = { name, primitive, lineage: lineageOf(definitions, name), byElement, byKey };
    // Known before its children are, because types hold each other.
    known.set(name, shape);
    const { names, elements } = membersOf(definitions, name);
    for (const [key, member] of names) {
      if (member.beside !== undefined) continue;
      const element = elements[member.element];
      const below = element?.contentReference ?? (element?.elements ? `${name}.${member.element}` : member.type);
      const child = childOf(key, member, below === 'Resource' ? undefined : shapeOf(below));
      byElement.set(member.element, [...(byElement.get(member.element) ?? []), child]);
      byKey.set(key, child);
    }
    return shape;
  };
  return shapeOf;
}

function childOf(key: string, { element, many }: Member, shape: Shape | undefined): Child {
  return { element, key, beside: `_${key}`, many, shape };
}

function lineageOf(definitions: Definitions, name: string): ReadonlySet<string> {
  const lineage = new Set([name.includes('.') ? 'BackboneElement' : name]);
  for (let at = definitions.types.get(name)?.base; at !== undefined; at = definitions.types.get(at)?.base) {
    assert(lineage.size < 10, `${name} derives from itself`);
    lineage.add(at);
  }
  return lineage;
}
