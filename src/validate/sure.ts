/**
 * Whether a resource's structure is surely in order: one walk over tables, without places and reasons. What is unusual
 * (an id beside a value, nulls, a binding that cannot be checked) or wrong is left to the passes of `structure.ts`, which
 * know what to say of it. So a good resource costs a third, and a type that is met for the first time no compiling.
 */
import type { Definitions } from '../fhir/definitions.js';
import { isObject, rawNumber } from '../kit/json.js';
import { codeSetOf, type CodeSet } from './bindings.js';
import { isBound } from './bound.js';
import { formats, type Format } from './formats.js';
import type { Schemas, ValueSchema } from './schema.js';

/** True where it is sure; depth is bounded by the parser of JSON. */
export type Sure = (resource: unknown) => boolean;

interface Table {
  slots: Map<string, Slot>;
  /** A bit for each element that must be there. */
  required: number;
  isElement: boolean;
  isExtension: boolean;
}

interface Slot {
  many: boolean;
  format: Format | undefined;
  /** A type, or an element that is defined in place; undefined for a resource. */
  type: string | undefined;
  table: Table | undefined;
  codes: CodeSet | undefined;
  /** Bits of the element: as one that must be there, and as a choice that may be there once. */
  required: number;
  choice: number;
}

/** As many elements of one type as bits of a small integer can tell apart; a type with more is never sure. */
const BITS = 30;

export function createSure(definitions: Definitions, schemas: Schemas): Sure {
  const tables = new Map<string, Table | undefined>();

  function tableOf(type: string): Table | undefined {
    if (tables.has(type)) return tables.get(type);
    const made = make(type);
    tables.set(type, made);
    return made;
  }

  function make(type: string): Table | undefined {
    const { names, required, isElement, isResource } = schemas.members(type);
    const { properties } = schemas.type(type);
    const choices = [...new Set([...names.values()].filter(({ choice }) => choice).map(({ element }) => element))];
    if (required.length > BITS || choices.length > BITS) return undefined;
    const slots = new Map<string, Slot>();
    for (const [name, member] of names) {
      if (member.beside !== undefined) continue;
      const written = member.choice ? schemas.choice(type, name) : properties[name];
      const value = written !== undefined && 'each' in written ? written.each : written;
      const slot = value && slotOf(value);
      if (slot === undefined) continue;
      const place = required.findIndex(({ element }) => element === member.element);
      slot.many = member.many;
      slot.required = place === -1 ? 0 : 1 << place;
      slot.choice = member.choice ? 1 << choices.indexOf(member.element) : 0;
      slots.set(name, slot);
    }
    if (isResource) slots.set('resourceType', NAME);
    return { slots, required: 2 ** required.length - 1, isElement, isExtension: type === 'Extension' };
  }

  /** Undefined where nothing here can be sure of the value. */
  function slotOf({ primitive, complex, binding }: ValueSchema): Slot | undefined {
    const codes = binding && codeSetOf(definitions, binding.valueSet, binding.path);
    if (binding !== undefined && codes === undefined) return undefined;
    const format = primitive === undefined ? undefined : formats[primitive];
    if (primitive !== undefined && format === undefined) return undefined;
    return { many: false, format, type: complex, table: undefined, codes, required: 0, choice: 0 };
  }

  function object(value: unknown, table: Table): boolean {
    if (!isObject(value)) return false;
    let [size, required, choices] = [0, 0, 0];
    for (const name in value) {
      const slot = table.slots.get(name);
      if (slot === undefined || (choices & slot.choice) !== 0) return false;
      size += 1;
      required |= slot.required;
      choices |= slot.choice;
      const held = value[name];
      if (!slot.many) {
        if (!one(held, slot, value, name)) return false;
      } else {
        if (!Array.isArray(held) || held.length === 0) return false;
        for (let at = 0; at < held.length; at += 1) if (!one(held[at], slot, held, at)) return false;
      }
    }
    if (size === 0 || required !== table.required) return false;
    if (table.isElement && size === 1 && value.id !== undefined) return false;
    return !table.isExtension || (value.extension !== undefined) !== (choices !== 0);
  }

  function one(value: unknown, slot: Slot, holder: object, key: string | number): boolean {
    const { format, codes } = slot;
    if (format !== undefined) {
      const digits = typeof value === 'number' ? rawNumber(holder, key) : undefined;
      if (!format.test(value, digits)) return false;
    } else if (slot.type === undefined) {
      if (!resource(value)) return false;
    } else {
      slot.table ??= tableOf(slot.type);
      if (slot.table === undefined || !object(value, slot.table)) return false;
    }
    return codes === undefined || isBound(value, codes);
  }

  function resource(value: unknown): boolean {
    const type = isObject(value) ? value.resourceType : undefined;
    const definition = typeof type === 'string' ? definitions.types.get(type) : undefined;
    if (definition?.kind !== 'resource' || definition.abstract) return false;
    const table = tableOf(definition.name);
    return table !== undefined && object(value, table);
  }

  return resource;
}

/** `resourceType`, which has been looked at before. */
const NAME: Slot = {
  many: false,
  format: { expects: '', test: () => true },
  type: undefined,
  table: undefined,
  codes: undefined,
  required: 0,
  choice: 0,
};
