/** The digits of numbers as they were written, kept beside the parent object under a symbol that spreading copies. */

export const DIGITS = Symbol('digits as written');

/** Property name or index -> digits. An object with no such numbers of its own but some below it has an empty one. */
export type Digits = Record<string | number, string>;

export const digitsOf = (parent: object): Digits | undefined => (parent as { [DIGITS]?: Digits })[DIGITS];

/** Marks an object that has, or holds something that has, numbers with digits of their own. */
export function markDigits(parent: object, digits: Digits): void {
  (parent as { [DIGITS]?: Digits })[DIGITS] = digits;
}

/** Without a prototype, so that a property called `__proto__` is one like any other. */
export const noDigits = (): Digits => Object.create(null) as Digits;
