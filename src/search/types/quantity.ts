/**
 * quantity: a number with a unit, or a range of them. Each has an entry for the number alone, one for its unit and one
 * for the unit's code alone; a UCUM unit that has a canonical form is found in that. (R4 search.html#quantity)
 */
import { canonicalUnit, inBaseUnits, UCUM } from '../../fhir/quantity.js';
import type { Element } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { splitUnescaped, unescapeValue } from '../url.js';
import { comparisonOf, rangeTests } from './decimal.js';
import { BAD_ESCAPE, badValue, type Reader, type SearchType, type Sink } from './type.js';

const quantityReader: Reader = (value, into) => {
  const { value: number, comparator, system, code, unit } = value as Element;
  if (typeof number !== 'number') return;
  const { low, high } = endsOf(number, comparator);
  add(low, high, { system, code, unit }, into);
};

export const quantity: SearchType = {
  readers: {
    Quantity: quantityReader,
    Age: quantityReader,
    Count: quantityReader,
    Distance: quantityReader,
    Duration: quantityReader,
    /** Its currency stands as a code would. */
    Money(value, into) {
      const { value: number, currency } = value as Element;
      if (typeof number === 'number') add(number, number, { system: ISO_4217, code: currency }, into);
    },
    /** An end that is missing is open; ends of different units are no range. */
    Range(value, into) {
      const { low, high } = value as { low?: Element | null; high?: Element | null };
      const [from, to] = [numberOf(low), numberOf(high)];
      if (from === undefined && to === undefined) return;
      const sameUnit = !low || !high || (low.system === high.system && low.code === high.code);
      const of = low ?? high;
      if (!sameUnit || !of) return;
      add(from ?? -Infinity, to ?? Infinity, { system: of.system, code: of.code, unit: of.unit }, into);
    },
  },

  modifiers: () => [],

  parse(raw, asked): Test[] {
    const parts = splitUnescaped(raw, '|').map(unescapeValue);
    const [number, system, code] = parts;
    if (parts.includes(undefined) || number === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    const comparison = comparisonOf(number, raw, asked);
    if (parts.length === 1) return rangeTests(comparison, '');
    if (parts.length !== 3 || system === undefined || code === undefined || code === '') {
      throw badValue(asked, raw, 'is neither number, nor number|system|code, nor number||code.');
    }
    const canonical = system === UCUM ? canonicalUnit(code) : undefined;
    if (canonical === undefined) return rangeTests(comparison, `${system}|${code}`);
    const { value, from, to } = comparison.decimal;
    const [base, low, high] = [value, from, to].map((one) => inBaseUnits(one, canonical)) as [number, number, number];
    return rangeTests(
      { ...comparison, decimal: { value: base, from: low, to: high } },
      `${CANONICAL}${canonical.unit}`,
    );
  },
};

interface UnitFacts {
  system?: unknown;
  code?: unknown;
  unit?: unknown;
}

const ISO_4217 = 'urn:iso:std:iso:4217';
/** Stands where no system does: an entry begins with a system, or with the `|` that ends an empty one. */
const CANONICAL = '=';

function add(low: number, high: number, { system, code, unit }: UnitFacts, into: Sink): void {
  into.range(low, high);
  if (typeof code === 'string' && code !== '') {
    into.range(low, high, `|${code}`);
    const canonical = system === UCUM ? canonicalUnit(code) : undefined;
    if (canonical !== undefined) {
      into.range(inBase(low, canonical), inBase(high, canonical), `${CANONICAL}${canonical.unit}`);
    } else if (typeof system === 'string' && system !== '') into.range(low, high, `${system}|${code}`);
  }
  // `value||code` finds the unit as people read it, too.
  if (typeof unit === 'string' && unit !== '' && unit !== code) into.range(low, high, `|${unit}`);
}

const inBase = (value: number, unit: Parameters<typeof inBaseUnits>[1]): number =>
  Number.isFinite(value) ? inBaseUnits(value, unit) : value;

const numberOf = (quantity: Element | null | undefined): number | undefined =>
  typeof quantity?.value === 'number' ? quantity.value : undefined;

/** `<5` is anything below five: what the real value was, nobody knows. */
function endsOf(value: number, comparator: unknown): { low: number; high: number } {
  if (comparator === '<') return { low: -Infinity, high: beside(value, -1) };
  if (comparator === '<=') return { low: -Infinity, high: value };
  if (comparator === '>') return { low: beside(value, 1), high: Infinity };
  if (comparator === '>=') return { low: value, high: Infinity };
  return { low: value, high: value };
}

/** A number so near that no query tells it from the next: the ends of an entry are included. */
const beside = (value: number, direction: 1 | -1): number =>
  value + direction * Math.max(Math.abs(value) * 2 ** -40, 1e-300);
