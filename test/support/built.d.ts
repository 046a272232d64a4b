/** Types of the JavaScript beside it. */
export function build(): void;
