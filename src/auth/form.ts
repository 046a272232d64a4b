/**
 * The parameters of an OAuth request: each one text, once. What a library would make arrays or objects of
 * (`code[$ne]=`, `code=a&code=b`) never becomes one. (RFC 6749 3.1: parameters must not come more than once)
 */
import { limits } from '../kit/limits.js';
import { OAuthFailure } from './failure.js';

export class Form {
  /** The names that came more than once. */
  readonly repeated: readonly string[];
  readonly #values = new Map<string, string>();

  /** @param text `application/x-www-form-urlencoded`, as a query or a body. Throws what cannot be decoded. */
  constructor(text: string) {
    const repeated = new Set<string>();
    for (const pair of text === '' ? [] : text.split('&', limits.oauthParameters + 1)) {
      const equals = pair.indexOf('=');
      const name = decoded(equals === -1 ? pair : pair.slice(0, equals));
      if (this.#values.has(name)) repeated.add(name);
      else this.#values.set(name, equals === -1 ? '' : decoded(pair.slice(equals + 1)));
    }
    if (this.#values.size > limits.oauthParameters) {
      throw invalid(`More than ${limits.oauthParameters} parameters (limit oauthParameters).`);
    }
    this.repeated = [...repeated];
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** A parameter without a value counts as left out. (RFC 6749 3.1) */
  get(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === '' ? undefined : value;
  }

  /** The names that begin so, in the order in which they came. */
  names(prefix: string): string[] {
    return [...this.#values.keys()].filter((name) => name.startsWith(prefix));
  }

  /** Throws when a name came twice, or a value is too long. */
  refuseOdd(): this {
    const [twice] = this.repeated;
    if (twice !== undefined) throw invalid(`${twice.slice(0, 60)} comes more than once.`);
    for (const [name, value] of this.#values) {
      if (value.length > limits.oauthCharacters)
        throw invalid(`${name.slice(0, 60)} has more than ${limits.oauthCharacters} characters.`);
    }
    return this;
  }

  /** As the library underneath reads it: an object of texts without a prototype. */
  toObject(): Record<string, string> {
    return Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(this.#values));
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalid('The parameters are not percent-encoded UTF-8.');
  }
}

const invalid = (why: string): OAuthFailure => new OAuthFailure('invalid_request', why);
