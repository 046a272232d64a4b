/** Codes against the value sets of required bindings (R4 terminologies.html#required). */
import { parseMediaType } from '../kit/media-type.js';
import type { Definitions } from '../fhir/definitions.js';
import { isUcum } from './ucum.js';

export interface CodeSet {
  /** Is this code in the set? Without a system, as in an element of type code, in whichever system. */
  has(code: string, system?: string): boolean;
  /** A few of what is allowed, for a message. */
  examples: string[];
  /** How many there are; undefined where a grammar says which. */
  size?: number;
  systems: string[];
}

const grammar = (system: string, examples: string[], test: (code: string) => boolean): CodeSet => ({
  has: (code, other) => (other === undefined || other === system) && test(code),
  examples,
  systems: [system],
});

const currencies = new Set(Intl.supportedValuesOf('currency'));
const mimeTypes = grammar(
  'urn:ietf:bcp:13',
  ['image/jpeg', 'text/plain'],
  (code) => parseMediaType(code) !== undefined,
);

/** Value sets that are a grammar or a list of others, so that R4 does not enumerate them. */
const known: Readonly<Record<string, CodeSet>> = {
  'http://hl7.org/fhir/ValueSet/mimetypes': mimeTypes,
  'http://hl7.org/fhir/ValueSet/currencies': grammar('urn:iso:std:iso:4217', ['EUR', 'USD'], (code) =>
    currencies.has(code),
  ),
  'http://hl7.org/fhir/ValueSet/ucum-units': grammar('http://unitsofmeasure.org', ['mg', 'mm[Hg]'], isUcum),
};

/** FHIR's own formats have short names, which stand for media types where a server's formats are told. */
const formatNames = new Set(['xml', 'json', 'ttl']);
const formats: CodeSet = { ...mimeTypes, has: (code, system) => formatNames.has(code) || mimeTypes.has(code, system) };

/** @returns undefined where the codes cannot be known here */
export function codeSetOf(definitions: Definitions, valueSet: string, path: string): CodeSet | undefined {
  const special = Object.hasOwn(known, valueSet) ? known[valueSet] : undefined;
  if (special === mimeTypes && /^(CapabilityStatement|TestScript)\./.test(path)) return formats;
  if (special) return special;
  const listed = definitions.valueSet(valueSet);
  if (!listed) return undefined;
  return {
    has: (code, system) =>
      system === undefined ? listed.codes.has(code) : listed.systems.get(system)?.has(code) === true,
    examples: [...listed.codes].slice(0, 12),
    size: listed.codes.size,
    systems: [...listed.systems.keys()],
  };
}
