/** How the text of a setting is read; each throws what is wrong with it, as a sentence for the operator. */
import { isIP } from 'node:net';

export function text(value: string): string {
  return value;
}

export function integer(least: number, most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (/^[0-9]+$/.test(value) && number >= least && number <= most) return number;
    throw new Error(`"${value}" is not a whole number from ${least} to ${most}.`);
  };
}

export function oneOf<const T extends readonly string[]>(allowed: T) {
  return (value: string): T[number] => {
    const found = allowed.find((one) => one === value);
    if (found !== undefined) return found;
    throw new Error(`"${value}" is none of ${allowed.join(', ')}.`);
  };
}

export function baseUrl(value: string): string {
  if (value === '') return value;
  if (!URL.canParse(value) || !/^https?:/.test(value) || /[?#]/.test(value))
    throw new Error(`"${value}" is not an http or https URL.`);
  return value.replace(/\/+$/, '');
}

export function registrationToken(value: string): string {
  if (value === '' || /^[A-Za-z0-9._~+/-]{32,}=*$/.test(value)) return value;
  throw new Error('a token that nobody guesses has 32 characters or more: letters, digits and . _ ~ + / -');
}

/** Texts with commas between; none for an empty one. */
export function listOf(parse: (text: string) => string) {
  return (value: string): string[] =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .map(parse);
}

/** An address, or a network as `address/bits`. */
export function network(value: string): string {
  const [address = '', bits, more] = value.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  const fits = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most);
  if (isIP(address) !== 0 && fits && more === undefined) return value;
  throw new Error(`"${value}" is neither an IP address nor a network such as 10.0.0.0/8.`);
}

/** As a browser sends it (RFC 6454): scheme, host and port, nothing behind it. */
export function origin(value: string): string {
  if (URL.canParse(value) && /^https?:/.test(value) && new URL(value).origin === value) return value;
  throw new Error(`"${value}" is not an origin such as https://app.example (no path, no slash at its end, no *).`);
}
