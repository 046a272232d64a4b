/**
 * Goes over the bytes of JSON without reading its values, in slices that can be interrupted: to find where a value
 * ends, before anybody parses it. It balances brackets and skips strings; whether what is between them is JSON, the
 * parser says when it gets the part. In UTF-8 the bytes that it looks for are never part of another character.
 */

export class JsonBytes {
  readonly #bytes: Buffer;
  at: number;
  /** Brackets that are open inside the value. */
  #open = 0;
  #kind: 'brackets' | 'string' | 'scalar' = 'scalar';
  /** Where the string began that is not closed yet; -1 between strings. */
  #string = -1;
  #longest = 0;

  /** @param slice bytes that one call goes over; the default takes about a millisecond at most */
  constructor(
    bytes: Uint8Array,
    readonly slice = 256 * 1024,
  ) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    // One byte order mark is passed over, as the parser does.
    this.at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  /** The byte that stands here; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.at];
  }

  /** Bytes of the longest string of the value so far. */
  get longest(): number {
    return this.#string < 0 ? this.#longest : Math.max(this.#longest, this.at - this.#string);
  }

  /** The text that stands here, cut short, for messages. */
  get shown(): string {
    return this.#bytes.toString('utf8', this.at, this.at + 20);
  }

  /** Passes over white space; false when the slice was too short for all of it. */
  space(): boolean {
    const end = Math.min(this.#bytes.length, this.at + this.slice);
    while (this.at < end) {
      const byte = this.#bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return true;
      this.at += 1;
    }
    return end === this.#bytes.length;
  }

  /** A value begins here; `skip` goes to its end. */
  begin(): void {
    const byte = this.peek();
    this.#kind = byte === QUOTE ? 'string' : byte === OBJECT || byte === ARRAY ? 'brackets' : 'scalar';
    this.#open = 0;
    this.#string = -1;
    this.#longest = 0;
  }

  /** `more`: the slice was too short. `deep`: more than `depth` brackets are open. `broken`: the text ends inside. */
  skip(depth: number): 'done' | 'more' | 'deep' | 'broken' {
    const end = Math.min(this.#bytes.length, this.at + this.slice);
    const result = this.#skips[this.#kind](end, depth);
    return result === 'more' && this.at >= this.#bytes.length ? 'broken' : result;
  }

  readonly #skips = {
    scalar: (end: number) => this.#skipScalar(end),
    string: (end: number) => {
      if (this.#string < 0) this.#string = this.at++;
      return this.#closeString(end) ? ('done' as const) : ('more' as const);
    },
    brackets: (end: number, depth: number) => this.#skipBrackets(end, depth),
  };

  /** A number, true, false or null, or whatever stands there, up to what may follow a value. */
  #skipScalar(end: number): 'done' | 'more' {
    for (; this.at < end; this.at += 1) {
      const byte = this.#bytes[this.at] ?? 0;
      if (byte <= 0x20 || byte === COMMA || byte === COLON || byte === OBJECT_END || byte === ARRAY_END) return 'done';
    }
    return end === this.#bytes.length ? 'done' : 'more';
  }

  #skipBrackets(end: number, depth: number): 'done' | 'more' | 'deep' {
    const bytes = this.#bytes;
    while (this.at < end) {
      if (this.#string >= 0 && !this.#closeString(end)) return 'more';
      let { at } = this;
      // The four brackets differ from each other in bits that the mask leaves out; what else it finds does no harm.
      for (let byte = bytes[at] ?? 0; byte !== QUOTE && (byte & 0xd9) !== 0x59; byte = bytes[at] ?? 0) {
        at += 1;
        if (at >= end) break;
      }
      this.at = at + 1;
      if (at >= end) {
        this.at = at;
        return 'more';
      }
      const byte = bytes[at];
      if (byte === QUOTE) this.#string = at;
      else if (byte === OBJECT || byte === ARRAY) {
        this.#open += 1;
        if (this.#open <= depth) continue;
        this.at = at;
        return 'deep';
      } else if (byte === OBJECT_END || byte === ARRAY_END) {
        this.#open -= 1;
        if (this.#open === 0) return 'done';
      }
    }
    return 'more';
  }

  /** Goes behind the quote that closes the string; false when the slice ends before it. */
  #closeString(end: number): boolean {
    const bytes = this.#bytes;
    let at = this.at;
    let plain = 0;
    while (at < end) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.at = at + 1;
        this.#longest = Math.max(this.#longest, this.at - this.#string);
        this.#string = -1;
        return true;
      }
      if (byte === BACKSLASH) {
        at += 2;
        plain = 0;
        continue;
      }
      at += 1;
      plain += 1;
      // A long string is searched by the machine, up to where an escape or the quote stands.
      if (plain === LONG) {
        at = this.#jump(at, end);
        plain = 0;
      }
    }
    this.at = at;
    return false;
  }

  /** The next place from which a string can be read on byte by byte. */
  #jump(from: number, end: number): number {
    const rest = this.#bytes.subarray(from, end);
    const quote = rest.indexOf(QUOTE);
    let to = quote < 0 ? end : from + quote;
    // Whether the quote is escaped shows only from the first of the backslashes before it.
    while (to > from && this.#bytes[to - 1] === BACKSLASH) to -= 1;
    return to;
  }
}

/** Characters of a string that are looked at one by one before the rest is searched. */
const LONG = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
