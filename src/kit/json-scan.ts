/** The slow, exact JSON reader: it refuses what JSON.parse would lose, names the place, and keeps a number's digits. */
import { markDigits, noDigits } from './json-digits.js';

/** Counted from 1; columns in characters as JavaScript counts them. */
export interface Place {
  line: number;
  column: number;
}

/** Not acceptable JSON; `message` ends with line, column and path. */
export class JsonError extends Error {
  /** What is wrong, without the place. */
  readonly reason: string;
  readonly place: Place;
  /** Where in the document, as `name[0].given`; empty at the top. */
  readonly path: string;

  constructor(reason: string, place: Place, path = '') {
    super(`${reason} (line ${place.line}, column ${place.column}${path === '' ? '' : `, at ${path}`})`);
    this.name = 'JsonError';
    this.reason = reason;
    this.place = place;
    this.path = path;
  }

  /** The same error of a text that stands inside another: where it begins there, and the path of what it is. */
  within(start: Place, path: string): JsonError {
    const { line, column } = this.place;
    const place = { line: start.line + line - 1, column: line === 1 ? start.column + column - 1 : column };
    const joined = this.path === '' || this.path.startsWith('[') ? path + this.path : `${path}.${this.path}`;
    return new JsonError(this.reason, place, joined);
  }
}

export function placeOf(text: string, position: number): Place {
  const before = text.slice(0, position).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Nesting must have been bounded before: the scanner recurses. */
export function scan(text: string): unknown {
  const scanner = new Scanner(text);
  return scanner.document();
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

class Scanner {
  private at = 0;
  private readonly path: (string | number)[] = [];

  constructor(private readonly text: string) {}

  document(): unknown {
    if (this.text.startsWith('\uFEFF')) this.at = 1;
    this.space();
    const { value } = this.value();
    this.space();
    if (this.at < this.text.length) this.fail('Text after the end of the JSON value.');
    return value;
  }

  /** `digits`: of a number that is not written as JavaScript would; `kept`: something inside has such digits. */
  private value(): { value: unknown; digits?: string; kept: boolean } {
    const char = this.text[this.at];
    if (char === '{') return this.object();
    if (char === '[') return this.array();
    if (char === '"') return { value: this.string(), kept: false };
    for (const [word, value] of LITERALS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return { value, kept: false };
      }
    }
    return this.number();
  }

  private object(): { value: object; kept: boolean } {
    const object: Record<string, unknown> = {};
    const seen = new Set<string>();
    const digits = noDigits();
    let kept = false;
    this.at += 1;
    this.space();
    while (this.text[this.at] !== '}') {
      if (seen.size > 0) this.expect(',');
      this.space();
      if (this.text[this.at] !== '"') this.fail('A property name in double quotes was expected.');
      const start = this.at;
      const name = this.string();
      if (seen.has(name)) this.fail(`The property "${name.slice(0, 60)}" occurs twice.`, start);
      seen.add(name);
      this.space();
      this.expect(':');
      this.space();
      this.path.push(name);
      const valueStart = this.at;
      const item = this.value();
      if (item.value === null) this.fail('null is not a value in FHIR; leave the element out.', valueStart);
      this.path.pop();
      // Not by assignment, which would set the prototype for the name `__proto__`.
      Object.defineProperty(object, name, { value: item.value, enumerable: true, writable: true, configurable: true });
      if (item.digits !== undefined) digits[name] = item.digits;
      kept ||= item.kept;
      this.space();
    }
    this.at += 1;
    if (kept) markDigits(object, digits);
    return { value: object, kept };
  }

  private array(): { value: unknown[]; kept: boolean } {
    const list: unknown[] = [];
    const digits = noDigits();
    let kept = false;
    this.at += 1;
    this.space();
    while (this.text[this.at] !== ']') {
      if (list.length > 0) this.expect(',');
      this.space();
      this.path.push(list.length);
      const item = this.value();
      this.path.pop();
      if (item.digits !== undefined) digits[list.length] = item.digits;
      kept ||= item.kept;
      list.push(item.value);
      this.space();
    }
    this.at += 1;
    if (kept) markDigits(list, digits);
    return { value: list, kept };
  }

  private string(): string {
    const start = this.at;
    const end = this.closingQuote(start);
    const source = this.text.slice(start, end + 1);
    this.at = end + 1;
    let value: string;
    try {
      value = JSON.parse(source) as string;
    } catch {
      return this.fail('A string with a character or an escape that JSON does not allow.', start);
    }
    if (!value.isWellFormed()) this.fail('A string with half of a surrogate pair.', start);
    // R4 datatypes.html#string allows tab, carriage return and line feed only.
    for (let i = 0; i < value.length; i += 1) {
      const code = value.charCodeAt(i);
      if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) {
        this.fail(`A string with the control character U+${code.toString(16).padStart(4, '0')}.`, start);
      }
    }
    return value;
  }

  private closingQuote(start: number): number {
    const end = stringEnd(this.text, start);
    return end < this.text.length ? end : this.fail('A string that does not end.', start);
  }

  private number(): { value: number; digits?: string; kept: boolean } {
    NUMBER.lastIndex = this.at;
    const raw = NUMBER.exec(this.text)?.[0];
    if (raw === undefined) {
      const found = this.text.slice(this.at, this.at + 20);
      return this.fail(found === '' ? 'The JSON text ends too early.' : `A JSON value was expected, found "${found}".`);
    }
    const value = Number(raw);
    if (!Number.isFinite(value)) this.fail(`The number ${raw.slice(0, 40)} is too large.`);
    this.at += raw.length;
    return JSON.stringify(value) === raw ? { value, kept: false } : { value, digits: raw, kept: true };
  }

  private expect(char: string): void {
    if (this.text[this.at] !== char) {
      const found = this.text.slice(this.at, this.at + 20);
      this.fail(found === '' ? 'The JSON text ends too early.' : `"${char}" was expected, found "${found}".`);
    }
    this.at += 1;
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  private fail(reason: string, position = this.at): never {
    const path = this.path.reduce<string>(
      (text, step) =>
        typeof step === 'number'
          ? `${text}[${step}]`
          : text === ''
            ? step.slice(0, 60)
            : `${text}.${step.slice(0, 60)}`,
      '',
    );
    throw new JsonError(reason, placeOf(this.text, position), path);
  }
}

/** The position of the quote that ends the string which begins at `start`; the text's length when none does. */
export function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
