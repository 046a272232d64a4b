/**
 * The part of FHIRPath that R4's search parameters and invariants and most forms are written in, as a tree: all of it but
 * signs before paths, dates and quantities as literals, comments, and `~`. (FHIRPath N1, section 12 for the precedence)
 */
export type Expression =
  | { kind: 'member'; of?: Expression; name: string }
  | { kind: 'call'; of?: Expression; name: string; arguments: Expression[] }
  | { kind: 'index'; of: Expression; index: number }
  | { kind: 'type'; operator: 'is' | 'as'; of: Expression; type: string }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  /** `%resource` and its like, and `$this`, with their sign. */
  | { kind: 'variable'; name: string }
  | { kind: 'literal'; value: string | number | boolean }
  /** `{}` */
  | { kind: 'nothing' };

export type BinaryOperator = (typeof WEAKER)[number][number] | (typeof STRONGER)[number] | (typeof STRONGEST)[number];

export function parseExpression(text: string): Expression {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): string | undefined => tokens[at];
  const next = (): string => tokens[at++] ?? fail(text, 'it ends too early');
  const take = (token: string): boolean => peek() === token && ++at > 0;
  const expect = (token: string): void => {
    if (!take(token)) fail(text, `'${token}' is missing before '${peek() ?? 'the end'}'`);
  };

  /** Binary operators from the weakest to the strongest; `is` and `as` stand between the two tables. */
  const binary = (level: number): Expression => {
    const operators = WEAKER[level];
    return operators === undefined ? typed() : joined(operators, () => binary(level + 1));
  };

  const joined = (operators: readonly BinaryOperator[], operand: () => Expression): Expression => {
    let left = operand();
    for (let operator = operators.find((one) => one === peek()); operator !== undefined;) {
      at += 1;
      left = { kind: 'binary', operator, left, right: operand() };
      operator = operators.find((one) => one === peek());
    }
    return left;
  };

  const typed = (): Expression => {
    let of = joined(STRONGER, () => joined(STRONGEST, path));
    for (let operator = peek(); operator === 'is' || operator === 'as'; operator = peek()) {
      at += 1;
      of = { kind: 'type', operator, of, type: typeName(path()) };
    }
    return of;
  };

  const path = (): Expression => {
    let of = term();
    for (;;) {
      if (take('.')) of = nameOrCall(next(), of);
      else if (take('[')) {
        const index = next();
        if (!/^\d+$/.test(index)) fail(text, `'${index}' is no number of an item`);
        of = { kind: 'index', of, index: Number(index) };
        expect(']');
      } else return of;
    }
  };

  const term = (): Expression => {
    const token = next();
    if (token === '(') {
      const inner = binary(0);
      expect(')');
      return inner;
    }
    if (token.startsWith("'")) return { kind: 'literal', value: token.slice(1, -1).replace(ESCAPE, unescaped) };
    if (token.startsWith('%') || token.startsWith('$')) return { kind: 'variable', name: token };
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
    if (/^\d/.test(token)) return { kind: 'literal', value: Number(token) };
    if (token === '-' && /^\d/.test(peek() ?? '')) {
      const value = -Number(next());
      // A sign is weaker than what follows a dot: `-1.abs()` is `-(1.abs())`.
      return peek() === '.' || peek() === '[' ? fail(text, 'a sign stands before a path') : { kind: 'literal', value };
    }
    if (token === '{' && take('}')) return { kind: 'nothing' };
    return nameOrCall(token);
  };

  const nameOrCall = (token: string, of?: Expression): Expression => {
    const name = token.startsWith('`') ? token.slice(1, -1) : token;
    if (!/^[A-Za-z_]/.test(name)) fail(text, `'${name}' stands where a name should`);
    const target = of === undefined ? {} : { of };
    if (!take('(')) return { kind: 'member', name, ...target };
    const list: Expression[] = [];
    while (!take(')')) {
      list.push(binary(0));
      if (!take(',') && peek() !== ')') fail(text, `the arguments of ${name}() do not end`);
    }
    return { kind: 'call', name, arguments: list, ...target };
  };

  const whole = binary(0);
  if (at < tokens.length) fail(text, `'${peek() ?? ''}' is unexpected`);
  return whole;
}

/** `Quantity`, or its qualified form `FHIR.Quantity`. */
export function typeName(expression: Expression | undefined): string {
  if (expression?.kind === 'member') return expression.name;
  throw new Error('The name of a type is missing.');
}

const WEAKER = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '!='],
  ['<', '<=', '>', '>='],
  ['|'],
] as const;

const STRONGER = ['+', '-', '&'] as const;
const STRONGEST = ['*', '/', 'div', 'mod'] as const;

const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|(.))/g;
const CONTROLS: Readonly<Record<string, string>> = { f: '\f', n: '\n', r: '\r', t: '\t' };

const unescaped = (_: string, hex: string | undefined, character: string): string =>
  hex === undefined ? (CONTROLS[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16));

const TOKEN =
  /\s*('(?:[^'\\]|\\.)*'|[%$]?[A-Za-z_][A-Za-z0-9_]*|`[A-Za-z_][A-Za-z0-9_]*`|\d+(?:\.\d+)?|[!<>]=|[().,|=<>+*&[\]{}-]|\/(?![/*]))/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const trimmed = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const token = TOKEN.exec(trimmed)?.[1];
    if (token === undefined) fail(text, 'it holds a character that is not understood');
    tokens.push(token);
  }
  return tokens;
}

function fail(text: string, why: string): never {
  throw new Error(`The FHIRPath expression "${text}" is not understood: ${why}.`);
}
