/** The fields of a resource as MongoDB can hold them, for an operator's own queries. The text remains what is true. */
/** Undefined where they would become too large, or would not be mere data to the driver. */
export const fieldsOf = (text: string): object | undefined => (text.length > MOST ? undefined : parsed(text));

/** Characters. As BSON a list of small numbers takes eight times its JSON, and a document holds 16 MB with its text. */
const MOST = 1_000_000;

function parsed(text: string): object | undefined {
  // The driver takes an object with this key for a value of its own; a resource has no use for it, escaped or not.
  const odd: string[] = [];
  const note = (key: string, value: unknown): unknown => {
    if (key === '_bsontype' || key.includes('\u0000')) odd.push(key);
    return value;
  };
  try {
    const suspicious = text.includes('_bsontype') || text.includes('\\u');
    const value = (suspicious ? JSON.parse(text, note) : JSON.parse(text)) as unknown;
    return odd.length === 0 && typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
