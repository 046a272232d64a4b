/**
 * What goes from the thread to the server, as the platform can copy it: errors keep their class and all that they say,
 * and thousands of search values travel as a few columns, because the server would pay for each object.
 */
import { FhirError, type Issue, type Kind } from '../../fhir/outcome.js';
import { JsonError, type Place } from '../../kit/json.js';
import { isRange, type Entry } from '../../search/plan.js';
import type { Made, Prepared } from './prepare.js';

export type Answer = { failed: Told } | { id?: string; refusal?: Told; made?: Columns; issues?: Issue[] };

type Columns = Omit<Made, 'entries' | 'places'> & { entries: EntryColumns; places: string[] };

interface EntryColumns {
  /** The names of parameters, each once, and for each entry which of them it has. */
  names: string[];
  params: Uint32Array;
  values: string[];
  details: string[];
  /** NaN where the entry is a text. */
  lows: Float64Array;
  highs: Float64Array;
}

type Told =
  | { name: 'FhirError'; kind: Kind; issues: Issue[]; headers: Record<string, string> }
  | { name: 'JsonError'; reason: string; place: Place; path: string }
  | { name: 'Error'; message: string; stack: string | undefined };

export function answerOf({ made, refusal, ...rest }: Prepared): Answer {
  const columns = made && { ...made, entries: columnsOf(made.entries), places: [...made.places].flat() };
  return {
    ...rest,
    ...(refusal === undefined ? {} : { refusal: told(refusal) }),
    ...(columns === undefined ? {} : { made: columns }),
  };
}

export const failed = (error: unknown): Answer => ({ failed: told(error) });

/** What may change hands without a copy. */
export function transferred(answer: Answer): ArrayBuffer[] {
  const buffer = 'made' in answer ? answer.made?.binary?.bytes.buffer : undefined;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}

/** Throws what failed. */
export function preparedOf(answer: Answer): Prepared {
  if ('failed' in answer) throw errorOf(answer.failed);
  const { made, refusal, ...rest } = answer;
  const error = refusal && errorOf(refusal);
  return {
    ...rest,
    ...(error instanceof FhirError ? { refusal: error } : {}),
    ...(made === undefined ? {} : { made: { ...made, entries: entriesOf(made.entries), places: pairs(made.places) } }),
  };
}

function told(error: unknown): Told {
  if (error instanceof FhirError) {
    const { kind, issues, headers } = error;
    return { name: 'FhirError', kind, issues, headers };
  }
  if (error instanceof JsonError) {
    const { reason, place, path } = error;
    return { name: 'JsonError', reason, place, path };
  }
  if (error instanceof Error) return { name: 'Error', message: error.message, stack: error.stack };
  return { name: 'Error', message: String(error), stack: undefined };
}

function errorOf(from: Told): Error {
  if (from.name === 'FhirError') return new FhirError(from.kind, from.issues, from.headers);
  if (from.name === 'JsonError') return new JsonError(from.reason, from.place, from.path);
  return Object.assign(new Error(from.message), from.stack === undefined ? {} : { stack: from.stack });
}

function columnsOf(entries: Entry[]): EntryColumns {
  const names = new Map<string, number>();
  const params = new Uint32Array(entries.length);
  const lows = new Float64Array(entries.length).fill(Number.NaN);
  const highs = new Float64Array(entries.length).fill(Number.NaN);
  const details: string[] = [];
  for (const [at, entry] of entries.entries()) {
    const number = names.get(entry.param) ?? names.size;
    names.set(entry.param, number);
    params[at] = number;
    if (isRange(entry)) [lows[at], highs[at]] = [entry.low, entry.high];
    details.push(isRange(entry) ? '' : entry.detail);
  }
  return { names: [...names.keys()], params, values: entries.map(({ value }) => value), details, lows, highs };
}

function entriesOf({ names, params, values, details, lows, highs }: EntryColumns): Entry[] {
  return values.map((value, at) => {
    const param = names[params[at] ?? 0] ?? '';
    const low = lows[at] ?? Number.NaN;
    if (Number.isNaN(low)) return { param, value, detail: details[at] ?? '' };
    return { param, value, low, high: highs[at] ?? low };
  });
}

function pairs(flat: string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) map.set(flat[at] ?? '', flat[at + 1] ?? '');
  return map;
}
