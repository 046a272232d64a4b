/**
 * Reads the top level of a BSON document (bsonspec.org, version 1.1) and leaves what is nested as bytes. A hit that is
 * only shown then costs one string; decoding all of it costs three times as much.
 */
import { assert } from '../../kit/assert.js';

/** Strings and numbers by name; nested documents and arrays, and the text of a resource, as their own bytes. */
export type RawFields = Record<string, string | number | boolean | Uint8Array | undefined>;

export function rawFields(document: Uint8Array): RawFields {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  const fields: RawFields = {};
  let at = 4;
  for (let type = bytes[at] ?? 0; type !== 0; type = bytes[at] ?? 0) {
    // Most names are one letter, and a letter is a string already.
    const nameEnd = bytes[at + 2] === 0 ? at + 2 : bytes.indexOf(0, at + 1);
    const name =
      nameEnd === at + 2 ? String.fromCharCode(bytes[at + 1] ?? 0) : bytes.toString('latin1', at + 1, nameEnd);
    const reader = readers[type];
    assert(reader !== undefined, `the field "${name}" has the BSON type ${type}`);
    const start = nameEnd + 1;
    const end = start + reader.size(bytes, start);
    fields[name] = name === 'text' ? bytes.subarray(start + 4, end - 1) : reader.value(bytes, start, end);
    at = end;
  }
  return fields;
}

/** The bytes of a field that is known to be a document or an array. */
export function part(field: RawFields[string]): Uint8Array {
  assert(field instanceof Uint8Array, 'a document or an array was expected');
  return field;
}

interface Reader {
  size: (bytes: Buffer, start: number) => number;
  value: (bytes: Buffer, start: number, end: number) => string | number | boolean | Uint8Array;
}

const nested: Reader = {
  size: (bytes, start) => bytes.readInt32LE(start),
  value: (bytes, start, end) => bytes.subarray(start, end),
};

/** The types that the documents of this store use. */
const readers: Partial<Record<number, Reader>> = {
  0x01: { size: () => 8, value: (bytes, start) => bytes.readDoubleLE(start) },
  0x02: {
    size: (bytes, start) => 4 + bytes.readInt32LE(start),
    value: (bytes, start, end) => bytes.toString('utf8', start + 4, end - 1),
  },
  0x03: nested,
  0x04: nested,
  0x08: { size: () => 1, value: (bytes, start) => bytes[start] === 1 },
  0x10: { size: () => 4, value: (bytes, start) => bytes.readInt32LE(start) },
  0x12: { size: () => 8, value: (bytes, start) => Number(bytes.readBigInt64LE(start)) },
};
