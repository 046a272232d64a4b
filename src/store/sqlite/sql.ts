/**
 * Pieces of SQL that carry their own values. What stands between `${` and `}` is either another piece, which is put in
 * place, or a value, which is bound: no text of a client can become SQL.
 */
export interface Sql {
  text: string;
  values: SqlValue[];
}

export type SqlValue = string | number | null;

export function sql(parts: TemplateStringsArray, ...holes: (Sql | SqlValue)[]): Sql {
  if (holes.every(isValue)) return { text: textOf(parts), values: holes };
  let text = parts[0] ?? '';
  const values: SqlValue[] = [];
  holes.forEach((hole, at) => {
    if (isValue(hole)) {
      text += '?';
      values.push(hole);
    } else {
      text += hole.text;
      for (const value of hole.values) values.push(value);
    }
    text += parts[at + 1] ?? '';
  });
  return { text, values };
}

const isValue = (hole: Sql | SqlValue): hole is SqlValue => typeof hole !== 'object' || hole === null;

/** The text of a template that has values only is always the same, and is made once. */
const texts = new WeakMap<TemplateStringsArray, string>();

function textOf(parts: TemplateStringsArray): string {
  let text = texts.get(parts);
  if (text === undefined) {
    text = parts.join('?');
    texts.set(parts, text);
  }
  return text;
}

export const always = sql`TRUE`;
export const never = sql`FALSE`;

/** `= ?` for one value; for more a list in one parameter, so that the number of values does not make another statement. */
export function among(values: readonly SqlValue[]): Sql {
  const [first] = values;
  if (values.length === 1 && first !== undefined) return sql`= ${first}`;
  return sql`IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

/**
 * So many rows. Not the parameter alone: SQLite looks at the value of such a LIMIT when it plans, and would prepare the
 * statement anew at every execution.
 */
export const bound = (rows: number): Sql => sql`(${rows} + 0)`;

export const and = (pieces: Sql[]): Sql => joined(pieces, 'AND', always);
export const or = (pieces: Sql[]): Sql => joined(pieces, 'OR', never);

/** Joined as a balanced tree: SQLite bounds how deep an expression may be, and a long chain is as deep as it is long. */
function joined(pieces: Sql[], by: 'AND' | 'OR', none: Sql): Sql {
  const [first] = pieces;
  if (first === undefined) return none;
  if (pieces.length === 1) return first;
  const half = pieces.length >> 1;
  const [left, right] = [joined(pieces.slice(0, half), by, none), joined(pieces.slice(half), by, none)];
  return { text: `(${left.text} ${by} ${right.text})`, values: [...left.values, ...right.values] };
}

/** Pieces one after the other, such as the arms of a UNION. */
export function chained(pieces: Sql[], by: string): Sql {
  return { text: pieces.map((piece) => piece.text).join(by), values: pieces.flatMap((piece) => piece.values) };
}
