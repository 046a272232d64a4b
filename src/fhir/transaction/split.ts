/**
 * A Bundle of up to 64 MB as the byte ranges of its entries. JSON.parse of the whole would make everybody else wait
 * for half a second; so the bytes are looked over in slices, and each entry is parsed by itself. Every byte is either
 * checked here as structure or inside a part that parseJson reads, so nothing broken can hide between the parts.
 */
import { isAscii } from 'node:buffer';
import { JsonBytes } from '../../kit/json-bytes.js';
import { JsonError, parseJson, type Place } from '../../kit/json.js';
import { limits, type LimitName } from '../../kit/limits.js';
import { Turns } from '../../kit/turns.js';
import { failure } from '../outcome.js';
import type { Element } from '../types.js';

export interface SplitBundle {
  /** The Bundle without its entries. */
  properties: Element;
  entries: Part[];
}

/** Bytes from `start` up to, but without, `end`. */
export interface Part {
  start: number;
  end: number;
}

/** Levels of objects and arrays: a resource may have as many in a Bundle as alone, and three stand around it there. */
const ENTRY_DEPTH = limits.depth + 1;
const PROPERTY_DEPTH = limits.depth + 2;
const DEPTH = limits.depth + 3;

/** Throws a JsonError that names the place in the Bundle, or 413 for a Bundle that has too much of something. */
export async function splitBundle(bytes: Uint8Array): Promise<SplitBundle> {
  return new Splitter(bytes).split();
}

/** Parses entry by entry; others have their turns between. A JsonError names the place in the Bundle. */
export async function* entriesOf(
  bytes: Uint8Array,
  { entries }: SplitBundle,
): AsyncGenerator<{ index: number; entry: Element; bytes: number }> {
  const turns = new Turns();
  for (const [index, part] of entries.entries()) {
    if (turns.over) await turns.next();
    const entry = parsePart(bytes, part, ENTRY_DEPTH, `Bundle.entry[${index}]`) as Element;
    yield { index, entry, bytes: part.end - part.start };
  }
}

class Splitter {
  readonly #scan: JsonBytes;
  readonly #turns = new Turns();
  readonly #entries: Part[] = [];
  /** The Bundle's other properties, names with values. */
  readonly #properties: Part[] = [];
  readonly #names = new Set<string>();
  #propertyBytes = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#scan = new JsonBytes(bytes);
  }

  async split(): Promise<SplitBundle> {
    await this.#space();
    this.#expect('{', 'Bundle');
    await this.#space();
    while (this.#scan.peek() !== OBJECT_END) {
      if (this.#names.size > 0) {
        this.#expect(',', 'Bundle');
        await this.#space();
      }
      await this.#property();
      await this.#space();
    }
    this.#scan.at += 1;
    await this.#space();
    if (this.#scan.peek() !== undefined) this.#fail('Text after the end of the JSON value.');
    return { properties: this.#parsedProperties(), entries: this.#entries };
  }

  async #property(): Promise<void> {
    if (this.#names.size >= limits.bundleProperties) {
      const say = `A Bundle has at most ${limits.bundleProperties} properties (limit bundleProperties).`;
      throw failure('too-large', say, 'Bundle');
    }
    if (this.#scan.peek() !== QUOTE) this.#fail('A property name in double quotes was expected.', 'Bundle');
    const start = this.#scan.at;
    const key = await this.#value('Bundle', 1, 'bundlePropertyBytes');
    const name = parsePart(this.bytes, key, 1, 'Bundle') as string;
    if (this.#names.has(name)) {
      this.#scan.at = start;
      this.#fail(`The property "${name.slice(0, 60)}" occurs twice.`, 'Bundle');
    }
    this.#names.add(name);
    await this.#space();
    this.#expect(':', 'Bundle');
    await this.#space();
    if (name === 'entry') return this.#list();
    const path = `Bundle.${name.slice(0, 60)}`;
    const value = await this.#value(path, PROPERTY_DEPTH, 'bundlePropertyBytes');
    if (parsePart(this.bytes, value, PROPERTY_DEPTH, path) === null) this.#failAt(value, NULL, path);
    this.#properties.push({ start, end: value.end });
    this.#propertyBytes += value.end - start;
    if (this.#propertyBytes > limits.bundlePropertyBytes) this.#tooLarge('Bundle', 'bundlePropertyBytes');
  }

  async #list(): Promise<void> {
    this.#expect('[', 'Bundle.entry');
    await this.#space();
    if (this.#scan.peek() === ARRAY_END) this.#fail('Found an empty list; leave it out.', 'Bundle.entry');
    for (;;) {
      const path = `Bundle.entry[${this.#entries.length}]`;
      if (this.#entries.length >= limits.bundleEntries) {
        const say = `A Bundle has at most ${limits.bundleEntries} entries (limit bundleEntries); send several.`;
        throw failure('too-large', say, 'Bundle.entry');
      }
      const start = this.#scan.at;
      const isObject = this.#scan.peek() === OBJECT;
      const part = await this.#value(path, ENTRY_DEPTH, 'entryBytes');
      if (!isObject) {
        const value = parsePart(this.bytes, part, ENTRY_DEPTH, path);
        this.#failAt(part, value === null ? NULL : 'An entry is an object.', path);
      }
      this.#entries.push({ start, end: part.end });
      await this.#space();
      if (this.#scan.peek() === ARRAY_END) break;
      if (this.#turns.over) await this.#turns.next();
      // Brackets of the wrong kind inside end an entry in the wrong place, and the parser says where they are.
      if (this.#scan.peek() !== COMMA) parsePart(this.bytes, { start, end: part.end }, ENTRY_DEPTH, path);
      this.#expect(',', path);
      await this.#space();
    }
    this.#scan.at += 1;
  }

  /** The value that begins here; `limit`: on the bytes that it may have beside its longest string. */
  async #value(path: string, depth: number, limit: LimitName): Promise<Part> {
    const scan = this.#scan;
    const start = scan.at;
    scan.begin();
    for (;;) {
      const state = scan.skip(depth);
      if (scan.at - start - scan.longest > limits[limit]) this.#tooLarge(path, limit);
      if (state === 'more') {
        if (this.#turns.over) await this.#turns.next();
        continue;
      }
      if (state === 'deep') this.#fail(`More than ${DEPTH} levels of objects and arrays.`, path);
      if (state === 'done' && scan.at > start) return { start, end: scan.at };
      if (scan.shown !== '') this.#fail(`A JSON value was expected, found "${scan.shown}".`, path);
      // The parser knows better where the end comes too early.
      parsePart(this.bytes, { start, end: scan.at }, depth, path);
      this.#fail('The JSON text ends too early.', path);
    }
  }

  async #space(): Promise<void> {
    while (!this.#scan.space()) if (this.#turns.over) await this.#turns.next();
  }

  #parsedProperties(): Element {
    const texts = this.#properties.map(({ start, end }) => this.bytes.subarray(start, end));
    const joined = Buffer.concat([BEGIN, ...texts.flatMap((text, at) => (at === 0 ? [text] : [BETWEEN, text])), END]);
    return parseJson(joined, DEPTH) as Element;
  }

  #expect(character: string, path: string): void {
    if (this.#scan.peek() !== character.charCodeAt(0)) {
      const { shown } = this.#scan;
      this.#fail(
        shown === '' ? 'The JSON text ends too early.' : `"${character}" was expected, found "${shown}".`,
        path,
      );
    }
    this.#scan.at += 1;
  }

  #tooLarge(path: string, limit: LimitName): never {
    const most = `${limits[limit]} bytes it may have beside its longest string (limit ${limit})`;
    throw failure('too-large', `This has more than the ${most}.`, path);
  }

  #fail(reason: string, path = 'Bundle'): never {
    this.#failAt({ start: this.#scan.at, end: this.#scan.at }, reason, path);
  }

  #failAt({ start }: Part, reason: string, path: string): never {
    throw new JsonError(reason, placeIn(this.bytes, start), path);
  }
}

/** A part by itself; what is wrong with it is told by its place in the whole. */
function parsePart(bytes: Uint8Array, { start, end }: Part, depth: number, path: string): unknown {
  try {
    return parseJson(bytes.subarray(start, end), depth);
  } catch (error) {
    throw error instanceof JsonError ? error.within(placeIn(bytes, start), path) : error;
  }
}

/** Line and column of a byte. */
function placeIn(bytes: Uint8Array, position: number): Place {
  const before = Buffer.from(bytes.buffer, bytes.byteOffset, position);
  let line = 1;
  let start = 0;
  for (let at = before.indexOf(LINE_FEED); at >= 0; at = before.indexOf(LINE_FEED, start)) {
    line += 1;
    start = at + 1;
  }
  const last = before.subarray(start);
  // The machine sees in no time whether each byte is one character, which 64 MB nearly always are.
  return { line, column: (isAscii(last) ? last.length : new TextDecoder().decode(last).length) + 1 };
}

const NULL = 'null is not a value in FHIR; leave the element out.';
const BEGIN = Buffer.from('{');
const BETWEEN = Buffer.from(',');
const END = Buffer.from('}');

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
