/**
 * UCUM units in a canonical form, so that `5.4 g` and `5400 mg` are the same number of the same unit. The tables are
 * read when a unit is first asked for: most resources have none. (R4 search.html#quantity, datatypes.html#Quantity)
 */
import { createRequire } from 'node:module';

export const UCUM = 'http://unitsofmeasure.org';

/** What a unit is in base units: `value * factor + offset` of them. */
export interface CanonicalUnit {
  /** The exponents of the base units, and of the mole, which UCUM takes for a plain number. */
  unit: string;
  factor: number;
  offset: number;
}

/**
 * Undefined for what is no UCUM unit, for arbitrary units such as `[iU]`, which are like no other, and for those on a
 * logarithmic scale: they are compared as they are written.
 */
export function canonicalUnit(code: string): CanonicalUnit | undefined {
  if (units.has(code)) return units.get(code);
  const unit = code.length > LONGEST ? undefined : look(code);
  // Codes come from clients, so what is remembered is bounded.
  if (units.size >= REMEMBERED) units.clear();
  if (code.length <= LONGEST) units.set(code, unit);
  return unit;
}

/** The same quantity may be computed in two ways, so the last three digits of a double do not count. */
export function inBaseUnits(value: number, { factor, offset }: CanonicalUnit): number {
  return Number((value * factor + offset).toPrecision(13));
}

const units = new Map<string, CanonicalUnit | undefined>();
const REMEMBERED = 2000;
const LONGEST = 100;

/** The part of the package that is used; it has no types of its own. */
interface Unit {
  magnitude_: number;
  dim_?: { dimVec_: readonly number[] | null };
  isSpecial_: boolean;
  isArbitrary_: boolean;
  moleExp_: number;
  convertFrom(value: number, unit: Unit): number;
}
interface Parser {
  parseString(code: string, action: 'validate', suggest: false): [unit: Unit | null, code: string, messages: string[]];
}
interface Package {
  UcumLhcUtils: { getInstance(): { uStrParser_: Parser } };
}

/** The parser itself is asked: the functions around it print what they cannot read, and that is a client's text. */
function parse(code: string): Unit | undefined {
  parser ??= (createRequire(import.meta.url)('@lhncbc/ucum-lhc') as Package).UcumLhcUtils.getInstance().uStrParser_;
  try {
    const [unit, read, messages] = parser.parseString(code, 'validate', false);
    return unit === null || read !== code || messages.length > 0 ? undefined : unit;
  } catch {
    return undefined; // it throws on some codes that are none
  }
}

let parser: Parser | undefined;

function look(code: string): CanonicalUnit | undefined {
  const unit = code === '' ? undefined : parse(code);
  if (unit === undefined || unit.isArbitrary_) return undefined;
  const dimensions = unit.dim_?.dimVec_?.join() ?? NO_DIMENSION;
  const key = `${dimensions},${unit.moleExp_}`;
  const scale = unit.isSpecial_ ? scaleOf(unit, dimensions) : { factor: unit.magnitude_, offset: 0 };
  if (scale === undefined || !Number.isFinite(scale.factor) || scale.factor <= 0) return undefined;
  return { unit: key, ...scale };
}

const NO_DIMENSION = '0,0,0,0,0,0,0';
const TEMPERATURE = '0,0,0,0,1,0,0';

/** Degrees are a line through another zero; other special units (pH, decibels) are none. */
function scaleOf(unit: Unit, dimensions: string): Pick<CanonicalUnit, 'factor' | 'offset'> | undefined {
  const kelvin = dimensions === TEMPERATURE ? parse('K') : undefined;
  if (kelvin === undefined) return undefined;
  const [zero, one, two] = [0, 1, 2].map((value) => kelvin.convertFrom(value, unit)) as [number, number, number];
  return Math.abs(two - 2 * one + zero) > 1e-9 * Math.abs(two) ? undefined : { factor: one - zero, offset: zero };
}
