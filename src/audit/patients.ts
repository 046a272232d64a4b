/** Whom a resource is about: every patient that its text names, so that nobody's disclosure is left out. */
import type { Version } from '../store/port.js';

/** As the server itself writes it; absolute references to this server are looked for as well. */
const RELATIVE = '"reference":"Patient/';

export type PatientsOf = (version: Version) => string[];

/** @param most patients of one resource that are named; a list of more is told as being one */
export function createPatientsOf(base: string, most: number): PatientsOf {
  const needles = [RELATIVE, `"reference":"${base}/Patient/`].map((text) => Buffer.from(text));

  return function patientsOf({ type, id, utf8, text }) {
    if (type === 'Patient') return [id];
    const bytes = utf8 === undefined ? Buffer.from(text ?? '') : asBuffer(utf8);
    const found = new Set<string>();
    for (const needle of needles) {
      for (let at = bytes.indexOf(needle); at !== -1 && found.size < most; at = bytes.indexOf(needle, at + 1)) {
        const from = at + needle.length;
        let to = from;
        while (isOfId(bytes[to])) to += 1;
        if (to > from) found.add(bytes.toString('latin1', from, to));
      }
    }
    return [...found];
  };
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** R4 datatypes.html#id: letters, digits, hyphens, dots. */
const isOfId = (code = 0): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x41 && code <= 0x5a) ||
  code === 0x2d ||
  code === 0x2e;
