/** Helps a client that wrote a wrong name: names that are close to it, or else all that there are. */

export function possibleNames(names: readonly string[], wrong = ''): string {
  if (names.length === 0) return '';
  const close = names.filter((name) => isClose(name, wrong));
  if (close.length > 0) return `Did you mean ${close.slice(0, CLOSE).join(', ')}?`;
  const more = names.length > MOST ? ` and ${names.length - MOST} more` : '';
  return `Possible are ${names.slice(0, MOST).join(', ')}${more}.`;
}

/** A client's text as it may stand in a message. */
export const shown = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

const CLOSE = 5;
const MOST = 40;

function isClose(name: string, wrong: string): boolean {
  if (wrong === '' || wrong.length > 64) return false;
  const [one, other] = [name.toLowerCase(), wrong.toLowerCase()];
  if (other.length > 2 && (one.includes(other) || (one.length > 2 && other.includes(one)))) return true;
  return distance(one, other) <= (other.length < 4 ? 1 : 2);
}

/** How many letters must be changed, added or taken away (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let line = 1; line <= one.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= other.length; column += 1) {
      const changed = (row[column - 1] ?? 0) + Number(one[line - 1] !== other[column - 1]);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
