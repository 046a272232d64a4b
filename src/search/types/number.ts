/** number: decimals and integers. (R4 search.html#number) */
import type { Element } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { unescapeValue } from '../url.js';
import { comparisonOf, rangeTests } from './decimal.js';
import type { Reader, SearchType } from './type.js';

const point: Reader = (value, into) => {
  if (typeof value === 'number') into.range(value, value);
};

export const number: SearchType = {
  readers: {
    decimal: point,
    integer: point,
    positiveInt: point,
    unsignedInt: point,
    /** A range of numbers as a quantity has it; its unit does not matter here. */
    Range(value, into) {
      const { low, high } = value as { low?: Element | null; high?: Element | null };
      const [from, to] = [low?.value ?? -Infinity, high?.value ?? Infinity];
      if (typeof from !== 'number' || typeof to !== 'number') return;
      if (Number.isFinite(from) || Number.isFinite(to)) into.range(from, to);
    },
  },
  modifiers: () => [],
  parse: (raw, asked): Test[] => rangeTests(comparisonOf(unescapeValue(raw) ?? '', raw, asked), ''),
};
