/**
 * The ajv schema of one type, made from R4's definitions. A type's schema is shallow: keywords of our own
 * (`keywords.ts`) lead on to the types of its elements, which are compiled when they are first met.
 */
import type { Definitions, ElementDefinition } from '../fhir/definitions.js';
import { assert } from '../kit/assert.js';
import { membersOf, type Member, type Members } from '../fhir/members.js';

export interface Binding {
  valueSet: string;
  path: string;
}

/** What a single value must be. */
export interface ValueSchema {
  primitive?: string;
  complex?: string;
  resource?: true;
  binding?: Binding;
}

export interface TypeSchema {
  /** The name of the type, for its members. */
  members: string;
  properties: Record<string, ValueSchema | { each: ValueSchema }>;
}

export interface Schemas {
  members: (type: string) => Members;
  type(type: string): TypeSchema;
  choice(type: string, name: string): ValueSchema;
}

export function createSchemas(definitions: Definitions): Schemas {
  const known = new Map<string, Members>();

  const members = (type: string): Members => {
    const found = known.get(type) ?? membersOf(definitions, type);
    known.set(type, found);
    return found;
  };

  return {
    members,
    type(type) {
      const { names, elements } = members(type);
      const properties: TypeSchema['properties'] = {};
      for (const [name, member] of names) {
        // Choices and what stands beside a primitive have many names of which few are used: the keyword `members`
        // meets those, so that ajv's code does not look for each.
        if (member.choice || member.beside !== undefined) continue;
        const value = valueSchema(type, member, elements[member.element]);
        properties[name] = member.many ? { each: value } : value;
      }
      return { members: type, properties };
    },
    choice(type, name) {
      const { names, elements } = members(type);
      const member = names.get(name);
      assert(member, `${type} has no ${name}`);
      return valueSchema(type, member, elements[member.element]);
    },
  };
}

function valueSchema(type: string, member: Member, element: ElementDefinition | undefined): ValueSchema {
  assert(element, `${type} has no ${member.element}`);
  const path = `${type}.${member.element}`;
  const { requiredValueSet } = element;
  const binding = requiredValueSet === undefined ? {} : { binding: { valueSet: requiredValueSet, path } };
  return { ...baseSchema(path, member, element), ...binding };
}

function baseSchema(path: string, member: Member, element: ElementDefinition): ValueSchema {
  // A string for R4's types, but one that nobody can follow is a lost link.
  if (path === 'Reference.reference') return { primitive: 'reference' };
  if (element.contentReference !== undefined) return { complex: element.contentReference };
  if (element.elements) return { complex: path };
  if (member.primitive) return { primitive: member.type };
  return member.type === 'Resource' ? { resource: true } : { complex: member.type };
}
