/** Comparing values as questions do: an answer with an option, with a bound, with what another question was answered. */
import { spanOf } from '../fhir/datetime.js';
import type { Coding, Reference } from '../fhir/types.js';
import type { Quantity, Value } from './types.js';

/** A unit in base units: `value * factor + offset`; undefined for what is no UCUM unit. */
export type UnitOf = (code: string) => { unit: string; factor: number; offset: number } | undefined;

const UCUM = 'http://unitsofmeasure.org';

/**
 * Less than, equal to, or more than; undefined where the two have no order. Dates of different precision are compared
 * as far as both go: `2020` is neither before nor after `2020-05`.
 */
export function order(left: Value, right: Value, unitOf: UnitOf): number | undefined {
  const kind = KINDS[left.type];
  if (kind === undefined || kind !== KINDS[right.type]) return undefined;
  if (kind === 'quantity') return orderQuantities(left.value as Quantity, right.value as Quantity, unitOf);
  if (kind === 'number') return sign((left.value as number) - (right.value as number));
  const [one, other] = [String(left.value), String(right.value)];
  if (kind === 'time') return one === other ? 0 : one < other ? -1 : 1;
  const [first, second] = [spanOf(one), spanOf(other)];
  if (first === undefined || second === undefined) return undefined;
  if (first.to < second.from) return -1;
  return first.from > second.to ? 1 : 0;
}

/** TABLE: types that have an order, and which of them are comparable with each other. */
const KINDS: Readonly<Record<string, 'number' | 'date' | 'time' | 'quantity'>> = {
  decimal: 'number',
  integer: 'number',
  date: 'date',
  dateTime: 'date',
  time: 'time',
  Quantity: 'quantity',
};

function orderQuantities(left: Quantity, right: Quantity, unitOf: UnitOf): number | undefined {
  if (left.value === undefined || right.value === undefined) return undefined;
  const [from, to] = [left.code ?? left.unit ?? '', right.code ?? right.unit ?? ''];
  if (from === to && (left.system ?? '') === (right.system ?? '')) return sign(left.value - right.value);
  if (left.system !== UCUM || right.system !== UCUM) return undefined;
  const [one, other] = [unitOf(from), unitOf(to)];
  if (one === undefined || one.unit !== other?.unit) return undefined;
  const difference = inBase(left.value, one) - inBase(right.value, other);
  // Two ways to the same number may differ in the last digits of a double.
  const scale = Math.max(Math.abs(inBase(left.value, one)), Math.abs(inBase(right.value, other)));
  return Math.abs(difference) <= scale * 1e-12 ? 0 : sign(difference);
}

const inBase = (value: number, { factor, offset }: { factor: number; offset: number }): number =>
  value * factor + offset;

const sign = (difference: number): number => (difference === 0 ? 0 : difference < 0 ? -1 : 1);

/** The same answer: a Coding by system and code, a reference by what it says, all else by value. */
export function same(left: Value, right: Value, unitOf: UnitOf): boolean {
  if (KINDS[left.type] !== undefined && order(left, right, unitOf) === 0) return samePrecision(left, right);
  if (left.type !== right.type) return false;
  if (left.type === 'Coding') return sameCoding(left.value as Coding, right.value as Coding);
  if (left.type === 'Reference') return (left.value as Reference).reference === (right.value as Reference).reference;
  return left.value === right.value;
}

/** `2020` is not the same answer as `2020-05`, though the one is neither before nor after the other. */
function samePrecision(left: Value, right: Value): boolean {
  if (KINDS[left.type] !== 'date') return true;
  const [one, other] = [spanOf(String(left.value)), spanOf(String(right.value))];
  return one?.from === other?.from && one?.to === other?.to;
}

/** A form that names no system means any; one without a code means what it displays. */
export function sameCoding(answer: Coding, option: Coding): boolean {
  if (option.code === undefined) return option.display !== undefined && option.display === answer.display;
  return answer.code === option.code && (option.system === undefined || option.system === answer.system);
}
