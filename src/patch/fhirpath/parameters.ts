/** A Parameters resource read as the operations of a FHIRPath Patch. (R4 fhirpatch.html, "Parameters Format") */
import type { Definitions } from '../../fhir/definitions.js';
import { failure } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import { isList, isMembers, member, type Kept, type Members } from '../tree.js';
import { jsonName } from './elements.js';
import type { Given, NamedPart } from './value.js';

export type Operation = { path: string; at: string } & (
  | { type: 'add'; name: string; value: Given }
  | { type: 'insert'; index: number; value: Given }
  | { type: 'delete' }
  | { type: 'replace'; value: Given }
  | { type: 'move'; source: number; destination: number }
);

/** The parts that each type of operation has besides `type` and `path`: all of them, and no others. */
const PARTS: Readonly<Record<Operation['type'], readonly string[]>> = {
  add: ['name', 'value'],
  insert: ['index', 'value'],
  delete: [],
  replace: ['value'],
  move: ['source', 'destination'],
};

export function operationsOf(definitions: Definitions, parameters: unknown): Operation[] {
  if (!isMembers(parameters) || member(parameters, 'resourceType')?.value !== 'Parameters') {
    throw failure('malformed', 'A FHIRPath Patch is a Parameters resource with parameters named "operation".');
  }
  const list = member(parameters, 'parameter')?.value ?? [];
  if (!isList(list)) throw failure('malformed', 'Parameters.parameter must be an array.', 'Parameters.parameter');
  if (list.length > limits.patchOperations) {
    const most = limits.patchOperations;
    throw failure('too-costly', `The patch has ${list.length} operations; at most ${most} are carried out.`);
  }
  const types = valueTypes(definitions);
  return list.map((one, index) => operationOf(types, one, `Parameters.parameter[${index}]`));
}

/** `valueQuantity` -> `Quantity`, for every type that a parameter may have. */
type ValueTypes = ReadonlyMap<string, string>;

function valueTypes(definitions: Definitions): ValueTypes {
  const value = definitions.types.get('Parameters')?.elements.parameter?.elements?.value;
  return new Map(value?.types.map(({ code }) => [jsonName(value, 'value', code), code]));
}

function operationOf(types: ValueTypes, written: unknown, at: string): Operation {
  const { name, given } = partOf(types, written, at);
  if (name !== 'operation') {
    throw failure('value', `${at}.name is "${name.slice(0, 60)}"; every parameter is an "operation".`, `${at}.name`);
  }
  if (!('parts' in given)) throw failure('malformed', `${at}.part is missing: an operation consists of parts.`, at);
  const parts = new Map<string, Given>();
  for (const part of given.parts) {
    if (parts.has(part.name)) throw failure('value', `${at} has two parts "${part.name.slice(0, 60)}".`, part.given.at);
    parts.set(part.name, part.given);
  }
  const reader = new Reader(parts, at);
  const type = reader.text('type');
  if (!Object.hasOwn(PARTS, type)) {
    const known = Object.keys(PARTS).join(', ');
    throw failure('value', `${at} is of type "${type.slice(0, 60)}"; FHIRPath Patch knows ${known}.`, at);
  }
  return reader.operation(type as Operation['type']);
}

class Reader {
  constructor(
    private readonly parts: ReadonlyMap<string, Given>,
    private readonly at: string,
  ) {}

  operation(type: Operation['type']): Operation {
    const allowed = ['type', 'path', ...PARTS[type]];
    for (const [name, { at }] of this.parts) {
      if (allowed.includes(name)) continue;
      const has = allowed.join(', ');
      throw failure('value', `The operation "${type}" has no part "${name.slice(0, 60)}"; its parts are ${has}.`, at);
    }
    const common = { path: this.text('path'), at: this.at };
    switch (type) {
      case 'add':
        return { ...common, type, name: this.text('name'), value: this.part('value') };
      case 'insert':
        return { ...common, type, index: this.index('index'), value: this.part('value') };
      case 'replace':
        return { ...common, type, value: this.part('value') };
      case 'move':
        return { ...common, type, source: this.index('source'), destination: this.index('destination') };
      case 'delete':
        return { ...common, type };
    }
  }

  part(name: string): Given {
    const found = this.parts.get(name);
    if (found !== undefined) return found;
    throw failure('malformed', `${this.at} needs a part "${name}".`, this.at);
  }

  text(name: string): string {
    const given = this.part(name);
    if ('value' in given && typeof given.value?.value === 'string') return given.value.value;
    throw failure('value', `The part "${name}" of ${this.at} must be a string or a code.`, given.at);
  }

  index(name: string): number {
    const given = this.part(name);
    const value = 'value' in given ? given.value?.value : undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw failure('value', `The part "${name}" of ${this.at} must be an integer, counted from 0.`, given.at);
  }
}

/** A parameter, or a part, which has the same shape: a name, and exactly one of a value, a resource and parts. */
function partOf(types: ValueTypes, written: unknown, at: string): NamedPart {
  if (!isMembers(written)) throw failure('malformed', `${at} must be an object.`, at);
  const name = member(written, 'name')?.value;
  if (typeof name !== 'string') throw failure('malformed', `${at}.name is missing.`, `${at}.name`);
  const given = [...valuesOf(types, written, at), ...partsOf(types, written, at)];
  const [first, second] = given;
  if (first !== undefined && second === undefined) return { name, given: first };
  throw failure('malformed', `${at} ("${name.slice(0, 60)}") must have one value[x], or parts, or a resource.`, at);
}

function valuesOf(types: ValueTypes, written: Members, at: string): Given[] {
  const found = Object.keys(written).filter((key) => /^_?value/.test(key));
  return [...new Set(found.map((key) => key.replace('_', '')))].map((key) => {
    const type = types.get(key);
    if (type === undefined) {
      throw failure('value', `${at}.${key.slice(0, 60)} is no value that a parameter can have in R4.`, at);
    }
    return {
      at: `${at}.${key}`,
      type,
      ...some('value', member(written, key)),
      ...some('beside', member(written, `_${key}`)),
    };
  });
}

function partsOf(types: ValueTypes, written: Members, at: string): Given[] {
  const part = member(written, 'part')?.value;
  const resource = member(written, 'resource');
  const given: Given[] = resource === undefined ? [] : [{ at: `${at}.resource`, resource }];
  if (isList(part) && part.length > 0) {
    given.push({ at, parts: part.map((one, index) => partOf(types, one, `${at}.part[${index}]`)) });
  }
  return given;
}

const some = <N extends string>(name: N, kept: Kept | undefined): Partial<Record<N, Kept>> =>
  kept === undefined ? {} : ({ [name]: kept } as Record<N, Kept>);
