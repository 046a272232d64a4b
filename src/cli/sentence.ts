/** What an operator can mend needs a sentence, not a stack trace. */

interface Told {
  name: string;
  message: string;
  code: string;
}

/** TABLE: kinds of errors that come from the outside -> what to say before their message. */
const kinds: readonly { is: (error: Told) => boolean; say: string }[] = [
  { is: ({ name }) => name === 'ConfigError', say: '' },
  { is: ({ name }) => ['Refused', 'StoreError', 'MongoRefused', 'FhirError'].includes(name), say: '' },
  { is: ({ code }) => code === 'EADDRINUSE', say: 'PORT is taken by another process: ' },
  { is: ({ name }) => name.startsWith('Mongo'), say: 'MongoDB (check MONGODB_URL and MONGODB_DATABASE): ' },
  { is: ({ code }) => code.startsWith('SQLITE_'), say: 'The SQLite file in DATA_DIR: ' },
  { is: ({ code }) => /^E[A-Z]+$/.test(code), say: 'DATA_DIR: ' },
];

/** Undefined for a fault of the program, which deserves its stack trace. */
export function sentenceFor(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  const { message, code } = error as { message: unknown; code?: unknown };
  const told: Told = { name: 'name' in error ? String(error.name) : '', message: String(message), code: String(code) };
  const kind = kinds.find(({ is }) => is(told));
  return kind && `afferent: ${kind.say}${told.message}`;
}
