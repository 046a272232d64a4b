/** The keyword `members`: an object's names, what must be there, what excludes each other, and what is left empty. */
import type { DataValidationCxt } from 'ajv/dist/types/index.js';
import { limits } from '../kit/limits.js';
import { checkBeside } from './beside.js';
import type { Members } from '../fhir/members.js';
import { isObject } from '../kit/json.js';
import { none, report, type Report, type Test } from './report.js';

/** What the keyword knows of a type before it meets a value. */
export interface Shape {
  type: string;
  members: Members;
  /** The test of a choice's value, as `valueQuantity`; ajv tests the others, whose names are few. */
  choice(name: string): Test;
  /** Tests what stands beside a primitive: an object with an id and extensions. */
  beside: Test;
}

/** @param all go on after the first problem? */
export function checkMembers(value: unknown, shape: Shape, at: DataValidationCxt, all: boolean): Report[] {
  if (!isObject(value)) return none;
  const { names, isResource, isElement } = shape.members;
  let reports = none;
  let size = 0;
  let choices = 0;
  for (const name in value) {
    if (value[name] === undefined) continue;
    size += 1;
    const member = names.get(name);
    let found = none;
    if (member === undefined) {
      if (name === 'resourceType' && isResource) continue;
      found = [unknown(name, shape, at)];
    } else {
      if (member.choice) choices += 1;
      if (member.beside !== undefined) found = checkBeside(value, name, member, at, shape.beside, all);
      else if (member.choice) found = shape.choice(name)(value[name], below(at, value, name));
    }
    if (found.length === 0) continue;
    reports = [...reports, ...found];
    if (!all || reports.length >= limits.issues) return reports;
  }
  if (size === 0) return [report(at.instancePath, { kind: 'empty', what: 'object' })];
  const alone = isElement && size === 1 && value.id !== undefined;
  if (alone) reports = [...reports, report(at.instancePath, { kind: 'only-id' })];
  const found = missing(value, shape, at);
  if (found.length > 0) reports = [...reports, ...found];
  if (choices > 1) reports = [...reports, ...conflicts(value, shape, at)];
  if (shape.type === 'Extension') reports = [...reports, ...extension(value, choices > 0, at)];
  return reports;
}

const below = (at: DataValidationCxt, parentData: object, name: string): DataValidationCxt => ({
  instancePath: `${at.instancePath}/${name}`,
  parentData,
  parentDataProperty: name,
  rootData: at.rootData,
  dynamicAnchors: at.dynamicAnchors,
});

function unknown(name: string, { members }: Shape, at: DataValidationCxt): Report {
  const pointer = name.replaceAll('~', '~0').replaceAll('/', '~1');
  return report(`${at.instancePath}/${pointer}`, { kind: 'unknown', name, allowed: [...members.names.keys()] });
}

/** At most one type of each choice (R4 formats.html#choice); `_valueString` belongs to `valueString`. */
function conflicts(value: Record<string, unknown>, { members }: Shape, at: DataValidationCxt): Report[] {
  const chosen = new Map<string, Set<string>>();
  for (const name of Object.keys(value)) {
    const member = members.names.get(name);
    if (member?.choice !== true || value[name] === undefined) continue;
    const names = chosen.get(member.element) ?? new Set();
    chosen.set(member.element, names.add(member.beside ?? name));
  }
  return [...chosen]
    .filter(([, names]) => names.size > 1)
    .map(([element, names]) => report(at.instancePath, { kind: 'choices', element, names: [...names] }));
}

function missing(value: Record<string, unknown>, { members }: Shape, at: DataValidationCxt): Report[] {
  let reports = none;
  for (const { names } of members.required) {
    if (hasAny(value, names)) continue;
    reports = [...reports, report(at.instancePath, { kind: 'missing', names })];
  }
  return reports;
}

function hasAny(value: Record<string, unknown>, names: string[]): boolean {
  for (const name of names) if (value[name] !== undefined) return true;
  return false;
}

/** Either a value or extensions of its own (R4 extensibility.html, ext-1). */
function extension(value: Record<string, unknown>, valued: boolean, at: DataValidationCxt): Report[] {
  const nested = value.extension !== undefined;
  if (nested !== valued) return none;
  return [report(at.instancePath, { kind: 'extension', found: nested ? 'both' : 'neither' })];
}
