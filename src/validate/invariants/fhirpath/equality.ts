/** When two items are the same, and which of two comes first (FHIRPath N1, sections 6.1 and 6.2). */
import { spanOf } from '../../../fhir/datetime.js';
import { canonicalUnit, inBaseUnits, UCUM } from '../../../fhir/quantity.js';
import { isObject } from '../../../kit/json.js';
import type { Truth } from '../../../fhir/path/compiler/compiled.js';
import { Node, valueOf, type Item } from '../../../fhir/path/compiler/node.js';

export function equal(left: readonly Item[], right: readonly Item[]): Truth {
  if (left.length === 0 || right.length === 0) return undefined;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    const [one, other] = [left[at], right[at]];
    if (one === undefined || other === undefined) return false;
    const [value, same] = [valueOf(one), valueOf(other)];
    if (value === undefined || same === undefined ? keyOf(one) !== keyOf(other) : value !== same) return false;
  }
  return true;
}

/** The same text for what is the same: properties may come in any order. */
export function keyOf(item: Item): string {
  const value = item instanceof Node ? (item.value ?? item.beside) : item;
  return typeof value === 'string' ? `'${value}` : JSON.stringify(ordered(value));
}

/** Depth is bounded by the parser of JSON. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.entries(value)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, inner]) => [name, ordered(inner)]);
}

/** Lists that many elements ask for are the same object each time (`compile.ts`), so their keys are made once. */
const keys = new WeakMap<readonly Item[], Set<string>>();

export function keysOf(list: readonly Item[]): ReadonlySet<string> {
  const known = keys.get(list);
  if (known !== undefined) return known;
  const made = new Set(list.map(keyOf));
  keys.set(list, made);
  return made;
}

export function distinct(list: readonly Item[]): Item[] {
  return [...new Map(list.map((item) => [keyOf(item), item])).values()];
}

/** Below zero where the left one comes first; undefined where that cannot be said. */
export function order(left: Item, right: Item): number | undefined {
  const [one, other] = [numberOf(left), numberOf(right)];
  if (one !== undefined && other !== undefined) return one - other;
  const [from, to] = [amountOf(left), amountOf(right)];
  return from !== undefined && from.unit === to?.unit ? from.value - to.value : undefined;
}

function numberOf(item: Item): number | undefined {
  const value = valueOf(item);
  return typeof value === 'number' ? value : undefined;
}

/** Two amounts can be compared when their units are the same, once UCUM's are written in base units. */
export function amountOf(item: Item): { unit: string; value: number } | undefined {
  if (!(item instanceof Node) || !item.shape.lineage.has('Quantity') || !isObject(item.value)) return undefined;
  const { value, system, code, unit } = item.value;
  if (typeof value !== 'number') return undefined;
  const known = system === UCUM && typeof code === 'string' ? canonicalUnit(code) : undefined;
  if (known !== undefined) return { unit: `ucum ${known.unit}`, value: inBaseUnits(value, known) };
  return { unit: JSON.stringify([system, code ?? unit]), value };
}

/** What a date without a zone may be off, beside a time that has one (R4 datatypes.html#dateTime): 14 hours either way. */
const zonesMs = 14 * 60 * 60 * 1000;

/** Whether the first instant that the one may mean is no later than the last that the other may. */
export function mayPrecede(one: Item | undefined, other: Item | undefined): Truth {
  const [from, to] = [valueOf(one), valueOf(other)];
  if (typeof from !== 'string' || typeof to !== 'string') return undefined;
  const [start, end] = [spanOf(from), spanOf(to)];
  if (start === undefined || end === undefined) return undefined;
  const slack = from.includes('T') === to.includes('T') ? 0 : zonesMs;
  return start.from - slack <= end.to;
}
