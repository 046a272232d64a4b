/**
 * The grammar of UCUM's case sensitive codes (ucum.org, section 2), without its table of units: enough to tell a unit
 * from a phrase. One pass, one stack of brackets, so linear.
 */

/** A unit with its exponent, a number, or an annotation: what stands between operators. No two branches begin alike. */
const component = /(?:[A-Za-z0-9%*'"^_+-]|\[[^[\]\s]{1,60}\])+(?:\{[^{}\s]*\})?|\{[^{}\s]*\}/y;

const codeCharacters = 200;

export function isUcum(code: string): boolean {
  if (code === '' || code.length > codeCharacters) return false;
  let open = 0;
  let at = code.startsWith('/') ? 1 : 0;
  for (;;) {
    while (code[at] === '(') {
      open += 1;
      at += 1;
    }
    component.lastIndex = at;
    const found = component.exec(code);
    if (!found) return false;
    at += found[0].length;
    while (code[at] === ')') {
      open -= 1;
      at += 1;
    }
    if (open < 0) return false;
    if (at === code.length) return open === 0;
    if (code[at] !== '.' && code[at] !== '/') return false;
    at += 1;
  }
}
