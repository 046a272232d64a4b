/**
 * Questions about keys that are asked in one turn of the event loop become one: a question to MongoDB costs about
 * 100 µs however little it asks.
 */

/** Keys in one question. */
const BATCH = 1000;

interface Batch<T> {
  keys: Set<string>;
  answer: Promise<Map<string, T>>;
}

/** The answer may have more keys than were asked for: those of others. */
export function together<T>(load: (keys: string[]) => Promise<Map<string, T>>) {
  let waiting: Batch<T> | undefined;

  function some(keys: string[]): Promise<Map<string, T>> {
    if (waiting === undefined || waiting.keys.size + keys.length > BATCH) {
      const batch: Batch<T> = {
        keys: new Set(),
        answer: new Promise((resolve) => setImmediate(resolve)).then(() => {
          if (waiting === batch) waiting = undefined;
          return load([...batch.keys]);
        }),
      };
      waiting = batch;
    }
    for (const key of keys) waiting.keys.add(key);
    return waiting.answer;
  }

  return async function ask(keys: string[]): Promise<Map<string, T>> {
    if (keys.length <= BATCH) return some(keys);
    const found = new Map<string, T>();
    for (let at = 0; at < keys.length; at += BATCH)
      for (const [key, one] of await some(keys.slice(at, at + BATCH))) found.set(key, one);
    return found;
  };
}

/**
 * Questions of one turn to which the answer is mostly nothing: one asks whether there is anything for any of them, and only
 * where there is each is asked by itself. Who comes alone is asked about at once.
 */
export function mostlyNone<Question, T>(
  isAny: (questions: Question[]) => Promise<boolean>,
  one: (question: Question) => Promise<T>,
): (question: Question) => Promise<T | undefined> {
  const ask = together(async (names): Promise<Map<string, T>> => {
    const questions = names.map((name) => JSON.parse(name) as Question);
    if (questions.length > 1 && !(await isAny(questions))) return new Map();
    const found = await Promise.all(questions.map(one));
    return new Map(found.map((answer, at) => [names[at] ?? '', answer]));
  });
  return async (question) => {
    const name = JSON.stringify(question);
    return (await ask([name])).get(name);
  };
}
