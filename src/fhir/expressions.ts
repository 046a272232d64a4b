/**
 * R4 defines some search parameters for many types at once, with a union of one expression per type
 * (`Patient.birthDate | Person.birthDate`). This cuts the union down to the parts that are about one type.
 */

/**
 * @param names the type and its bases, as `['Patient', 'DomainResource', 'Resource']`
 * @returns undefined where no part is about the type
 */
export function expressionFor(names: readonly string[], expression: string): string | undefined {
  const parts = alternativesOf(expression).filter(({ root }) => names.includes(root));
  return parts.length === 0 ? undefined : parts.map(({ text }) => text).join(' | ');
}

interface Part {
  text: string;
  root: string;
}

/** Many types ask for the parts of the same union; there are as many as R4 has expressions. */
const known = new Map<string, Part[]>();

function alternativesOf(expression: string): Part[] {
  let parts = known.get(expression);
  if (parts === undefined) {
    parts = alternatives(expression).map((text) => ({ text, root: rootOf(text) }));
    known.set(expression, parts);
  }
  return parts;
}

/** The type that a part begins with, past opening parentheses: `(Observation.value as Quantity)` is about Observation. */
function rootOf(part: string): string {
  return /^[(\s]*([A-Za-z]\w*)/.exec(part)?.[1] ?? '';
}

/** Splits at the `|` that stand outside all parentheses and quotes. */
function alternatives(expression: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at < expression.length; at += 1) {
    const sign = expression[at];
    if (sign === "'") quoted = !quoted;
    if (quoted) continue;
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (sign !== '|' || depth > 0) continue;
    parts.push(expression.slice(start, at).trim());
    start = at + 1;
  }
  return [...parts, expression.slice(start).trim()].flatMap((part) => unwrapped(part));
}

/** `(A.x | B.y)`, a union inside parentheses that are about nothing else, is a union too. */
function unwrapped(part: string): string[] {
  if (!part.startsWith('(') || closingOf(part) !== part.length - 1) return [part];
  const inner = alternatives(part.slice(1, -1));
  return inner.length > 1 ? inner : [part];
}

function closingOf(part: string): number {
  let depth = 0;
  for (let at = 0; at < part.length; at += 1) {
    if (part[at] === '(') depth += 1;
    if (part[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
