/**
 * The date that a resource is mostly sorted by. MongoDB sorts by an index only where a field of its own holds the key,
 * and an index for every parameter would cost every write; so each type has one date in the field `d`, and every other
 * sort sorts what was found.
 */
import type { KeySpan } from '../../search/span.js';
import { isRange, type Entry, type Order, type SortKeys, type SortValue } from '../../search/plan.js';
import type { VersionFilter } from './compile.js';

/** Beside the key how wide it is (see `WIDTHS`): what begins where cannot be told from where it ends, of a wide one. */
export interface MainDate {
  w: number;
  f?: SortValue;
  l?: SortValue;
}

/** Type -> its parameter. A new row needs a step in `migrate.ts` for what is stored already. */
export const MAIN_DATES: Readonly<Record<string, string>> = {
  Appointment: 'date',
  AuditEvent: 'date',
  CarePlan: 'date',
  ClinicalImpression: 'date',
  Communication: 'sent',
  CommunicationRequest: 'authored',
  Composition: 'date',
  Condition: 'recorded-date',
  Consent: 'date',
  DiagnosticReport: 'date',
  DocumentReference: 'date',
  Encounter: 'date',
  ImagingStudy: 'started',
  Media: 'created',
  MedicationRequest: 'authoredon',
  Observation: 'date',
  Patient: 'birthdate',
  Procedure: 'date',
  Provenance: 'recorded',
  QuestionnaireResponse: 'authored',
  ServiceRequest: 'authored',
  Task: 'authored-on',
};

/** `w` -> how much greater the last value is than the first, at most. Several values, and others, are wide. */
export const WIDTHS = [999, 86_399_999] as const;
const WIDE = WIDTHS.length;

/** @param keys what these entries are sorted by */
export function dateOf(type: string, entries: readonly Entry[], keys: SortKeys): MainDate | undefined {
  const param = mainDateOf(type);
  if (param === undefined) return undefined;
  const key = keys.get(param);
  if (key === undefined) return { w: 0 };
  const { first, last } = key;
  const values = entries.filter((entry) => entry.param === param && (!isRange(entry) || entry.value === ''));
  return { w: values.length === 1 ? widthOf(first, last) : WIDE, f: first, l: last };
}

/** Whether all of these types have this parameter as their date. */
export const isMainDate = (param: string, types: readonly string[]): boolean =>
  types.length > 0 && types.every((type) => mainDateOf(type) === param);

const mainDateOf = (type: string): string | undefined =>
  Object.hasOwn(MAIN_DATES, type) ? MAIN_DATES[type] : undefined;

function widthOf(first: SortValue, last: SortValue): number {
  if (first === last) return 0;
  const width = Number(last) - Number(first);
  const at = WIDTHS.findIndex((most) => width <= most);
  return at === -1 ? WIDE : at;
}

/**
 * Where in the index a search in the order of the date begins and ends. It says nothing that the plan does not, but
 * the plan says it of any entry, and this of the key. Every width is named, because an index is sorted within each.
 */
export function dateBounds({ descending }: Order, { low, high }: KeySpan): VersionFilter[] {
  const path = descending ? 'd.l' : 'd.f';
  // The entry that meets the plan lies between first and last: that is the end, whatever the width.
  const end = descending ? high.min : low.max;
  const starts = WIDTHS.map((width) =>
    descending ? Math.min(high.max, low.max + width) : Math.max(low.min, high.min - width),
  );
  const bounds: VersionFilter[] = Number.isFinite(end) ? [{ [path]: { [descending ? '$gte' : '$lte']: end } }] : [];
  if (!starts.every(Number.isFinite)) return [...bounds, { 'd.w': { $in: [...WIDTHS.keys(), WIDE] } }];
  const narrow = starts.map((start, w) => ({ 'd.w': { $eq: w }, [path]: { [descending ? '$lte' : '$gte']: start } }));
  return [...bounds, { $or: [...narrow, { 'd.w': { $eq: WIDE } }] }];
}
