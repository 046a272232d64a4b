/** `_given` holds the ids and extensions of the values of `given`, in step with them (R4 json.html#primitive). */
import type { DataValidationCxt } from 'ajv/dist/types/index.js';
import { limits } from '../kit/limits.js';
import type { Member } from '../fhir/members.js';
import { isObject } from '../kit/json.js';
import { none, report, type Report, type Test } from './report.js';

/**
 * @param name as `_given`
 * @param test of one such object
 */
export function checkBeside(
  parent: Record<string, unknown>,
  name: string,
  { beside: partnerName = '', many }: Member,
  at: DataValidationCxt,
  test: Test,
  all: boolean,
): Report[] {
  const instancePath = `${at.instancePath}/${name}`;
  const own = parent[name];
  const partner = parent[partnerName];
  const wrong = (says: string): Report[] => [report(instancePath, { kind: 'beside', name: partnerName, says })];
  const place = { ...at, instancePath, parentData: parent, parentDataProperty: name };
  if (!many) return checkOne(own, partner !== undefined, place, test);
  if (!Array.isArray(own)) return wrong(`must be a list, as "${partnerName}" is one`);
  if (own.length === 0) return [report(instancePath, { kind: 'empty', what: 'array' })];
  // A partner that is no list has been told at its own place.
  if (partner !== undefined && !Array.isArray(partner)) return none;
  if (partner && own.length !== partner.length) {
    return wrong(`has ${String(own.length)} entries where "${partnerName}" has ${String(partner.length)}`);
  }
  let reports = none;
  for (let index = 0; index < own.length; index += 1) {
    const entry: unknown = own[index];
    const value: unknown = partner?.[index] ?? undefined;
    const inside: DataValidationCxt<number> = {
      ...at,
      instancePath: `${instancePath}/${String(index)}`,
      parentData: own,
      parentDataProperty: index,
    };
    const found = entry === null ? besideNothing(partner, inside) : checkOne(entry, value !== undefined, inside, test);
    if (found.length === 0) continue;
    reports = [...reports, ...found];
    if (!all || reports.length >= limits.issues) break;
  }
  return reports;
}

/** Where values stand beside, a null keeps step with one, and a null value has been told at its own place. */
function besideNothing(partner: unknown[] | undefined, at: DataValidationCxt): Report[] {
  return partner ? none : [report(at.instancePath, { kind: 'null', list: true })];
}

function checkOne(entry: unknown, hasValue: boolean, at: DataValidationCxt, test: Test): Report[] {
  const onlyId = isObject(entry) && entry.id !== undefined && Object.keys(entry).length === 1;
  return onlyId && !hasValue ? [report(at.instancePath, { kind: 'only-id' })] : test(entry, at);
}
