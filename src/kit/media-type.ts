/** Content-Type and Accept, read once into values (RFC 9110 sections 8.3 and 12.5.1). */

export interface MediaType {
  /** `type/subtype`, in lower case. */
  essence: string;
  parameters: Record<string, string>;
}

export interface Accepted extends MediaType {
  /** 0 to 1. */
  q: number;
}

/** RFC 9110's token, and the essence made of two. Bounded, so that no input makes it slow. */
const ESSENCE = /^[!#$%&'*+.^_`|~0-9a-z-]{1,127}\/[!#$%&'*+.^_`|~0-9a-z-]{1,127}$/;

/** Undefined when it is not a media type. */
export function parseMediaType(text: string): MediaType | undefined {
  const [essence = '', ...rest] = text.split(';').map((part) => part.trim());
  const type = essence.toLowerCase();
  if (!ESSENCE.test(type)) return undefined;
  const parameters: Record<string, string> = {};
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    if (equals <= 0) continue;
    const value = parameter.slice(equals + 1).trim();
    parameters[parameter.slice(0, equals).trim().toLowerCase()] = value.replace(/^"|"$/g, '');
  }
  return { essence: type, parameters };
}

/** The ranges of an Accept header, best first; what is not a media range is passed over. */
export function parseAccept(header: string): Accepted[] {
  const ranges: Accepted[] = [];
  for (const part of header.split(',').slice(0, 50)) {
    const type = parseMediaType(part);
    if (type === undefined) continue;
    const { q, ...parameters } = type.parameters;
    const weight = q === undefined ? 1 : Number(q);
    ranges.push({ essence: type.essence, parameters, q: weight >= 0 && weight <= 1 ? weight : 1 });
  }
  return ranges.sort((a, b) => b.q - a.q);
}

/** Does a range such as `image/*` cover this essence? */
export function covers(range: string, essence: string): boolean {
  if (range === '*/*' || range === essence) return true;
  return range.endsWith('/*') && essence.startsWith(range.slice(0, -1));
}
