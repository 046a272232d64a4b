/** The keyword `members`: an object's names, what must be there, what excludes each other, and what is left empty. */
import type { DataValidationCxt, ErrorObject } from 'ajv/dist/types/index.js';
import { limits } from '../kit/limits.js';
import type { Member, Members } from './members.js';
import type { Problem } from './problems.js';

type Report = Partial<ErrorObject>;

export interface Place {
  at: DataValidationCxt;
  type: string;
  all: boolean;
  report: (instancePath: string, problem: Problem) => Report;
  /** Checks what stands beside a primitive: an object with an id and extensions. */
  beside: (value: unknown, at: DataValidationCxt) => Report[];
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function checkMembers(value: unknown, members: Members, place: Place): Report[] {
  if (!isObject(value)) return [];
  const reports: Report[] = [];
  let chosen: Map<string, Set<string>> | undefined;
  let size = 0;
  for (const name in value) {
    if (value[name] === undefined) continue;
    size += 1;
    const member = members.names.get(name);
    if (!member) {
      if (name === 'resourceType' && members.isResource) continue;
      reports.push(unknown(name, members, place));
    } else {
      if (member.beside !== undefined) reports.push(...checkBeside(value, name, member, place));
      if (member.choice) {
        chosen ??= new Map();
        const names = chosen.get(member.element) ?? new Set();
        chosen.set(member.element, names.add(member.beside ?? name));
      }
    }
    if (reports.length > 0 && (!place.all || reports.length >= limits.issues)) return reports;
  }
  const here = (problem: Problem): number => reports.push(place.report(place.at.instancePath, problem));
  if (size === 0) return [place.report(place.at.instancePath, { kind: 'empty', what: 'object' })];
  if (members.isElement && size === 1 && value.id !== undefined) here({ kind: 'only-id' });
  for (const [element, names] of chosen ?? []) {
    if (names.size > 1) here({ kind: 'choices', element, names: [...names] });
  }
  for (const { names } of members.required) {
    if (!names.some((name) => value[name] !== undefined)) here({ kind: 'missing', names });
  }
  if (place.type === 'Extension') {
    // R4 extensibility.html, ext-1.
    const nested = value.extension !== undefined;
    const valued = chosen?.has('value') === true;
    if (nested === valued) here({ kind: 'extension', found: nested ? 'both' : 'neither' });
  }
  return reports;
}

function unknown(name: string, members: Members, { at, report }: Place): Report {
  return report(`${at.instancePath}/${pointer(name)}`, { kind: 'unknown', name, allowed: [...members.names.keys()] });
}

const pointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** `_given` holds ids and extensions of the values of `given`, in step with them (R4 json.html#primitive). */
function checkBeside(value: Record<string, unknown>, name: string, member: Member, place: Place): Report[] {
  const { at, report } = place;
  const path = `${at.instancePath}/${name}`;
  const partner = member.beside === undefined ? undefined : value[member.beside];
  const own = value[name];
  const wrong = (says: string): Report[] => [report(path, { kind: 'beside', name: member.beside ?? name, says })];
  if (!member.many) return one(own, partner !== undefined, path, name, value, place);
  if (!Array.isArray(own)) return wrong(`must be a list, as ${member.beside ?? ''} is one`);
  if (own.length === 0) return [report(path, { kind: 'empty', what: 'array' })];
  if (partner !== undefined && !Array.isArray(partner)) return [];
  if (partner && own.length !== partner.length) {
    return wrong(`has ${String(own.length)} entries where ${member.beside ?? ''} has ${String(partner.length)}`);
  }
  const reports: Report[] = [];
  for (let index = 0; index < own.length; index += 1) {
    const entry: unknown = own[index];
    const hasValue = typeof (partner?.[index] ?? undefined) !== 'undefined';
    const item = `${path}/${String(index)}`;
    if (entry !== null) reports.push(...one(entry, hasValue, item, index, own, place));
    else if (!partner) reports.push(report(item, { kind: 'null', list: true }));
    if (reports.length > 0 && (!place.all || reports.length >= limits.issues)) break;
  }
  return reports;
}

function one(
  value: unknown,
  hasValue: boolean,
  instancePath: string,
  parentDataProperty: string | number,
  parentData: object,
  { at, report, beside }: Place,
): Report[] {
  const onlyId = isObject(value) && value.id !== undefined && Object.keys(value).length === 1;
  if (onlyId && !hasValue) return [report(instancePath, { kind: 'only-id' })];
  return beside(value, { ...at, instancePath, parentData, parentDataProperty });
}
