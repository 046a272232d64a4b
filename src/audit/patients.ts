/** Whom a resource is about: every patient that its text names, so that nobody's disclosure is left out. */
import type { Version } from '../store/port.js';

export type PatientsOf = (version: Version) => string[];

/** @param most patients of one resource that are named; a list of more is told as being one */
export function createPatientsOf(base: string, most: number): PatientsOf {
  // As the server itself writes references, to what is its own by a relative or an absolute URL.
  const before = ['"reference":"', `"reference":"${base}/`].map((text) => Buffer.from(text));

  return function patientsOf({ type, id, utf8, text }) {
    if (type === 'Patient') return [id];
    const bytes = utf8 === undefined ? Buffer.from(text ?? '') : asBuffer(utf8);
    const found = new Set<string>();
    for (let at = bytes.indexOf(PATIENT); at !== -1 && found.size < most; at = bytes.indexOf(PATIENT, at + 1)) {
      if (!before.some((some) => at >= some.length && bytes.compare(some, 0, some.length, at - some.length, at) === 0))
        continue;
      const from = at + PATIENT.length;
      let to = from;
      while (isOfId(bytes[to])) to += 1;
      if (to > from) found.add(bytes.toString('latin1', from, to));
    }
    return [...found];
  };
}

const PATIENT = Buffer.from('Patient/');

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** R4 datatypes.html#id: letters, digits, hyphens, dots. */
const isOfId = (code = 0): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x41 && code <= 0x5a) ||
  code === 0x2d ||
  code === 0x2e;
