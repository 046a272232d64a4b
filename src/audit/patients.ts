/** Whom a resource is about: every patient that its text names, so that nobody's disclosure is left out. */
import type { Version } from '../store/port.js';

export interface Named {
  patients: string[];
  /** There are more, which are not named here: a record has to say so. */
  more: boolean;
}

export type PatientsOf = (version: Version) => Named;

/** @param most patients of one resource that are named */
export function createPatientsOf(base: string, most: number): PatientsOf {
  // As the server itself writes references, to what is its own by a relative or an absolute URL.
  const before = ['"reference":"', `"reference":"${base}/`];

  return function patientsOf({ type, id, utf8, text }) {
    if (type === 'Patient') return { patients: [id], more: false };
    // What is looked for has one byte for each character, whatever stands around it.
    const said = text ?? (utf8 === undefined ? '' : asBuffer(utf8).toString('latin1'));
    const patients: string[] = [];
    let known: Set<string> | undefined;
    for (let at = said.indexOf(PATIENT); at !== -1; at = said.indexOf(PATIENT, at + 1)) {
      if (!before.some((some) => said.endsWith(some, at))) continue;
      const from = at + PATIENT.length;
      let to = from;
      while (isOfId(said.charCodeAt(to))) to += 1;
      const name = said.slice(from, to);
      if (to === from || (known?.has(name) ?? patients.includes(name))) continue;
      if (patients.length === most) return { patients, more: true };
      patients.push(name);
      if (patients.length > FEW) (known ??= new Set(patients)).add(name);
    }
    return { patients, more: false };
  };
}

const PATIENT = 'Patient/';

/** So many are looked through one by one. */
const FEW = 8;

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** R4 datatypes.html#id: letters, digits, hyphens, dots. */
const isOfId = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x41 && code <= 0x5a) ||
  code === 0x2d ||
  code === 0x2e;
