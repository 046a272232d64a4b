/** One page out of two that are in the same order: what a caller owns, and what is open to them. */
import type { Order, SortValue } from '../search/plan.js';
import { compare } from '../search/plan.js';

/** The first rows of one side, and whether there are more behind them. */
export interface Half<Row> {
  rows: Row[];
  more: boolean;
}

/** @param bytesOf how large a row is; the page ends before it has more than `bytes`, after one row at least */
export function merged<Row>(
  [one, other]: readonly [Half<Row>, Half<Row>],
  isBefore: (row: Row, than: Row) => boolean,
  { size, bytes = Infinity }: { size: number; bytes?: number | undefined },
  bytesOf: (row: Row) => number,
): Half<Row> {
  const rows: Row[] = [];
  let [left, right, read] = [0, 0, 0];
  for (;;) {
    const [a, b] = [one.rows[left], other.rows[right]];
    // Where a side ended early, nobody knows whether its next row would come first.
    if ((a === undefined && one.more) || (b === undefined && other.more)) return { rows, more: true };
    const isFirst = a !== undefined && (b === undefined || isBefore(a, b));
    const next = isFirst ? a : b;
    if (next === undefined) return { rows, more: false };
    read += bytesOf(next);
    if (rows.length === size || (rows.length > 0 && read > bytes)) return { rows, more: true };
    rows.push(next);
    // What neither is before is on both sides.
    if (isFirst || (a !== undefined && !isBefore(next, a))) left += 1;
    if (!isFirst) right += 1;
  }
}

/** The order of rows by their keys, and where these are equal, by what is unique. */
export function beforeBy<Row>(
  order: readonly Pick<Order, 'descending'>[],
  keysOf: (row: Row) => readonly (SortValue | null | undefined)[],
): (row: Row, than: Row) => boolean {
  return (row, than) => {
    const [left, right] = [keysOf(row), keysOf(than)];
    for (const [at, { descending }] of order.entries()) {
      const difference = compare(left[at] ?? undefined, right[at] ?? undefined);
      if (difference !== 0) return difference < 0 !== descending;
    }
    return false;
  };
}
