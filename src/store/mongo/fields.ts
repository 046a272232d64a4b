/** The fields of a resource as MongoDB can hold them, for an operator's own queries. The text remains what is true. */

/**
 * Undefined where they would become too large, or would not be mere data to the driver.
 * @param document the same, where it was read before
 */
export function fieldsOf(text: string, document?: object): object | undefined {
  if (text.length > MOST) return undefined;
  // What is odd can be told from the text: an escaped key too has its sign there.
  const suspicious = text.includes('_bsontype') || text.includes('\\u');
  return suspicious || document === undefined ? parsed(text, suspicious) : document;
}

/** Characters. As BSON a list of small numbers takes eight times its JSON, and a document holds 16 MB with its text. */
const MOST = 1_000_000;

function parsed(text: string, suspicious: boolean): object | undefined {
  // The driver takes an object with this key for a value of its own; a resource has no use for it, escaped or not.
  const odd: string[] = [];
  const note = (key: string, value: unknown): unknown => {
    if (key === '_bsontype' || key.includes('\u0000')) odd.push(key);
    return value;
  };
  try {
    const value = (suspicious ? JSON.parse(text, note) : JSON.parse(text)) as unknown;
    return odd.length === 0 && typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
