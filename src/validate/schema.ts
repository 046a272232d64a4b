/**
 * The ajv schema of one type, made from R4's definitions. A type's schema is shallow: keywords of our own
 * (`keywords.ts`) lead on to the types of its elements, which are compiled when they are first met.
 */
import type { Definitions, ElementDefinition } from '../fhir/definitions.js';
import { membersOf, type Member, type Members } from './members.js';

export interface Binding {
  valueSet: string;
  path: string;
}

/** What a single value must be; one schema object per distinct meaning, so that ajv compiles each but once. */
export interface ValueSchema {
  primitive?: string;
  complex?: string;
  resource?: true;
  binding?: Binding;
}

export interface TypeSchema {
  /** The name of the type, for its members. */
  members: string;
  properties: Record<string, ValueSchema | { each: ValueSchema; primitives: boolean }>;
}

export interface Schemas {
  members(name: string): Members;
  type(name: string): TypeSchema;
}

export function createSchemas(definitions: Definitions): Schemas {
  const members = new Map<string, Members>();
  const values = new Map<string, ValueSchema>();

  const membersAt = (name: string): Members => {
    const known = members.get(name) ?? membersOf(definitions, name);
    members.set(name, known);
    return known;
  };

  const valueSchema = (path: string, member: Member, element: ElementDefinition): ValueSchema => {
    const schema = { ...baseSchema(path, member, element), ...bindingOf(path, element) };
    const key = JSON.stringify(schema);
    const known = values.get(key) ?? schema;
    values.set(key, known);
    return known;
  };

  return {
    members: membersAt,
    type(name) {
      const { names, elements } = membersAt(name);
      const properties: TypeSchema['properties'] = {};
      for (const [key, member] of names) {
        const element = elements[member.element];
        // What stands beside a primitive is checked with its partner, by the keyword `members`.
        if (!element || member.beside !== undefined) continue;
        const value = valueSchema(`${name}.${member.element}`, member, element);
        properties[key] = member.many ? { each: value, primitives: member.primitive } : value;
      }
      return { members: name, properties };
    },
  };
}

function baseSchema(path: string, member: Member, element: ElementDefinition): ValueSchema {
  if (element.contentReference !== undefined) return { complex: element.contentReference };
  if (element.elements) return { complex: path };
  if (member.primitive) return { primitive: member.type };
  return member.type === 'Resource' ? { resource: true } : { complex: member.type };
}

function bindingOf(path: string, { requiredValueSet }: ElementDefinition): { binding?: Binding } {
  return requiredValueSet === undefined ? {} : { binding: { valueSet: requiredValueSet, path } };
}
