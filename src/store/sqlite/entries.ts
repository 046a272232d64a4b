/**
 * The entry rows of one resource, put in and taken out. Many are put in by one statement: what a statement costs to
 * bind, to run and to reset is more than what a row costs.
 */
import { REFERS } from '../port.js';
import type { Connection } from './connection.js';
import { refersScope } from './integrity.js';
import type { EntryRow } from './rows.js';
import type { Scopes } from './scopes.js';
import { sql, type SqlValue } from './sql.js';

/** Whose entries they are. */
export interface Holder {
  owner: string;
  type: string;
  num: number;
}

export interface EntryRows {
  /** Can be held between some hundred rows: a large resource has thousands. */
  add: (holder: Holder, rows: readonly EntryRow[]) => Generator<undefined, void>;
  remove: (holder: Holder, row: EntryRow) => void;
}

/** Rows between two holds. */
const STEP = 512;
/** Rows of one statement at most: of each number up to this one statement stays prepared. */
const TOGETHER = 48;

/** TABLE: kind of entry -> how its rows are put in. */
const INSERTS = {
  text: inserts('INSERT OR FAIL INTO text_entry (scope, value, num, detail) VALUES ', 4),
  range: inserts('INSERT OR FAIL INTO range_entry (scope, value, low, num, high) VALUES ', 5),
} as const;

export function createEntryRows({ run }: Connection, scopes: Scopes): EntryRows {
  function* add(holder: Holder, rows: readonly EntryRow[]): Generator<undefined, void> {
    for (let at = 0; at < rows.length; at += STEP) {
      if (at > 0) yield;
      addSome(holder, rows.length <= STEP ? rows : rows.slice(at, at + STEP));
    }
  }

  function addSome(holder: Holder, rows: readonly EntryRow[]): void {
    const values: Record<keyof typeof INSERTS, SqlValue[]> = { text: [], range: [] };
    // Values of one parameter come one after the other, so that its number is looked for once.
    let last: { kind: keyof typeof INSERTS; param: string; scope: number } | undefined;
    const numberOf = (param: string, kind: keyof typeof INSERTS): number => {
      if (last?.param !== param || last.kind !== kind) last = { kind, param, scope: scopeOf(holder, param, kind) };
      return last.scope;
    };
    for (const row of rows) {
      const [param, value] = row;
      if (row.length === 3) values.text.push(numberOf(param, 'text'), value, holder.num, row[2]);
      else values.range.push(numberOf(param, 'range'), value, row[2], holder.num, row[3]);
    }
    for (const kind of ['text', 'range'] as const) put(values[kind], INSERTS[kind]);
  }

  function put(values: SqlValue[], { columns, texts }: ReturnType<typeof inserts>): void {
    for (let at = 0; at < values.length; at += TOGETHER * columns) {
      const some = values.slice(at, at + TOGETHER * columns);
      run({ text: texts[some.length / columns - 1] ?? '', values: some });
    }
  }

  function remove(holder: Holder, row: EntryRow): void {
    const [param, value] = row;
    const scope = scopeOf(holder, param, row.length === 3 ? 'text' : 'range');
    if (row.length === 3)
      run(sql`
        DELETE FROM text_entry
        WHERE scope = ${scope} AND value = ${value} AND num = ${holder.num} AND detail = ${row[2]}`);
    else
      run(sql`
        DELETE FROM range_entry
        WHERE scope = ${scope} AND value = ${value} AND low = ${row[2]} AND num = ${holder.num} AND high = ${row[3]}`);
  }

  function scopeOf({ owner, type }: Holder, param: string, kind: 'text' | 'range'): number {
    return param === REFERS ? scopes.make(...refersScope) : scopes.make(owner, type, param, kind);
  }

  return { add, remove };
}

/** The statements for one row, two, and so on. */
function inserts(start: string, columns: number): { columns: number; texts: readonly string[] } {
  const row = `(${Array.from({ length: columns }, () => '?').join()})`;
  return {
    columns,
    texts: Array.from(
      { length: TOGETHER },
      (_, at) =>
        start +
        Array(at + 1)
          .fill(row)
          .join(),
    ),
  };
}
