/** Which format is asked for, and which one came (R4 http.html#mime-type): JSON in two names, or 406 and 415. */
import { failure } from '../../fhir/outcome.js';
import { covers, parseAccept, parseMediaType } from '../../kit/media-type.js';

export const FHIR_JSON = 'application/fhir+json';
const JSON_TYPES = [FHIR_JSON, 'application/json'] as const;

export type Format = (typeof JSON_TYPES)[number];

/** Values of `_format`, which wins over Accept. A `+` that was not escaped arrives as a space. */
const formats: Record<string, Format> = {
  json: FHIR_JSON,
  'application/fhir+json': FHIR_JSON,
  'application/fhir json': FHIR_JSON,
  'application/json': 'application/json',
  'text/json': 'application/json',
};

/** The format of the answer. Throws 406 when none of ours is wanted. */
export function negotiate(accept: string | undefined, format: string | undefined): Format {
  if (format !== undefined) {
    const name = format.split(';')[0]?.trim().toLowerCase() ?? '';
    const named = Object.hasOwn(formats, name) ? formats[name] : undefined;
    if (named !== undefined) return named;
    throw notAcceptable(`_format=${format.slice(0, 60)}`, 'http._format');
  }
  if (accept === undefined || accept === '' || accept === '*/*') return FHIR_JSON;
  for (const range of parseAccept(accept)) {
    const fhirVersion = range.parameters.fhirversion;
    if (range.q === 0 || (fhirVersion !== undefined && fhirVersion !== '4.0')) continue;
    const chosen = JSON_TYPES.find((type) => covers(range.essence, type));
    if (chosen !== undefined) return chosen;
  }
  throw notAcceptable(`Accept: ${accept.slice(0, 60)}`, 'http.Accept');
}

/** Throws 415 unless the body is said to be JSON in UTF-8. */
export function demandJson(contentType: string | undefined): void {
  const type = contentType === undefined ? undefined : parseMediaType(contentType);
  if (type === undefined || !(JSON_TYPES as readonly string[]).includes(type.essence)) {
    const found = contentType === undefined ? 'no Content-Type' : `Content-Type ${contentType.slice(0, 60)}`;
    throw failure('unsupported-media-type', `The body has ${found}; send ${FHIR_JSON}.`, 'http.Content-Type');
  }
  const { charset, fhirversion } = type.parameters;
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
    throw failure(
      'unsupported-media-type',
      `charset=${charset.slice(0, 40)} is not read; FHIR is UTF-8.`,
      'http.Content-Type',
    );
  }
  if (fhirversion !== undefined && fhirversion !== '4.0') {
    throw failure(
      'unsupported-media-type',
      `This server speaks FHIR 4.0, not ${fhirversion.slice(0, 10)}.`,
      'http.Content-Type',
    );
  }
}

/** Is this the FHIR form of a Binary, or are these its bytes? */
export const isFhirForm = (contentType: string | undefined): boolean =>
  (JSON_TYPES as readonly string[]).includes(parseMediaType(contentType ?? '')?.essence ?? '');

/** How a Binary is wanted: as FHIR JSON, or as the bytes that it stands for (R4 binary.html#rest). */
export function wantsFhirForm(accept: string | undefined, format: string | undefined, contentType: string): boolean {
  if (format !== undefined) {
    negotiate(accept, format);
    return true;
  }
  if (accept === undefined || accept === '') return false;
  const own = parseMediaType(contentType)?.essence ?? contentType;
  for (const range of parseAccept(accept)) {
    if (range.q === 0) continue;
    if (covers(range.essence, own)) return false;
    if (JSON_TYPES.some((type) => type === range.essence)) return true;
  }
  throw failure(
    'not-acceptable',
    `This Binary is ${contentType}, which Accept: ${accept.slice(0, 60)} does not cover; ${FHIR_JSON} is served too.`,
    'http.Accept',
  );
}

const notAcceptable = (asked: string, at: string) =>
  failure('not-acceptable', `${asked} names nothing that is served; ask for ${JSON_TYPES.join(' or ')}.`, at);
