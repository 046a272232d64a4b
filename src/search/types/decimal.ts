/**
 * Numbers of a query: how exact they are follows from their digits, so that `100` covers [99.5, 100.5) and `100.00`
 * covers [99.995, 100.005). A stored number is the number itself. (R4 search.html#number, search.html#prefix)
 */
import type { Bounds, RangeTest } from '../plan.js';
import { badValue, type Asked } from './type.js';

export interface Decimal {
  value: number;
  /** The least number that reads as this one, and the least above it that no longer does. */
  from: number;
  to: number;
}

export interface Comparison {
  prefix: Prefix;
  decimal: Decimal;
}

/** Reads `[prefix]number`; a comparison with anything else is refused. */
export function comparisonOf(text: string, raw: string, asked: Asked): Comparison {
  const [, prefix = 'eq', digits = ''] = /^([a-z]{2})?(.*)$/s.exec(text) ?? [];
  if (!Object.hasOwn(PREFIXES, prefix)) {
    throw badValue(asked, raw, `begins with none of the prefixes ${Object.keys(PREFIXES).join(', ')}.`);
  }
  const decimal = decimalOf(digits);
  if (decimal === undefined) throw badValue(asked, raw, `is no number such as 100, 5.40 or 1.2e-3.`);
  return { prefix: prefix as Prefix, decimal };
}

/** What the ends of a stored range must be. */
export function rangeTests({ prefix, decimal }: Comparison, value: string): RangeTest[] {
  return PREFIXES[prefix](decimal).map((ends) => ({ kind: 'range', value, ...ends }));
}

type Prefix = keyof typeof PREFIXES;
interface Ends {
  low?: Bounds;
  high?: Bounds;
}

/** All but eq, ne and ap take the number as exact, whatever its digits. */
const PREFIXES = {
  /** The value contains all of the range. That its lower end lies below `to` follows, but lets an index stop there. */
  eq: ({ from, to }: Decimal): Ends[] => [{ low: { gte: from, lt: to }, high: { lt: to } }],
  ne: ({ from, to }: Decimal): Ends[] => [{ low: { lt: from } }, { high: { gte: to } }],
  gt: ({ value }: Decimal): Ends[] => [{ high: { gt: value } }],
  lt: ({ value }: Decimal): Ends[] => [{ low: { lt: value } }],
  ge: ({ value }: Decimal): Ends[] => [{ high: { gte: value } }],
  le: ({ value }: Decimal): Ends[] => [{ low: { lte: value } }],
  sa: ({ value }: Decimal): Ends[] => [{ low: { gt: value } }],
  eb: ({ value }: Decimal): Ends[] => [{ high: { lt: value } }],
  /** The range overlaps the value and a tenth of it on both sides, which R4 recommends. */
  ap: ({ value, from, to }: Decimal): Ends[] => {
    const slack = Math.abs(value) / 10;
    return [{ low: { lte: Math.max(value + slack, to) }, high: { gte: Math.min(value - slack, from) } }];
  },
} as const;

const DECIMAL = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * Half of the last digit's place on both sides. With an exponent, a lone digit counts as if a zero followed it:
 * R4's own example has `1e2` as [95, 105).
 */
function decimalOf(text: string): Decimal | undefined {
  const [, sign, whole, fraction = '', exponent] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const decimals = exponent !== undefined && fraction === '' ? '0' : fraction;
  const digits = BigInt(whole + decimals) * (sign === '-' ? -10n : 10n);
  const power = Number(exponent ?? 0) - decimals.length - 1;
  // Made from text, the ends are the doubles nearest to the true ones.
  const [value, from, to] = [digits, digits - 5n, digits + 5n].map((one) => Number(`${one}e${power}`));
  if (value === undefined || from === undefined || to === undefined) return undefined;
  return [value, from, to].every(Number.isFinite) ? { value, from, to } : undefined;
}
