/** A refusal repeats what the client sent, but not all of it. */
export const brief = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
