/** JSON as text with its digits, and with members in one order, so that two texts say the same when they are the same. */
import { rawNumber } from '../../src/kit/json.js';

export function canonical(value: any): string {
  const written = (parent: any, key: string | number): string =>
    typeof parent[key] === 'number' ? (rawNumber(parent, key) ?? String(parent[key])) : canonical(parent[key]);
  if (Array.isArray(value)) return `[${value.map((_, index) => written(value, index)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${written(value, name)}`).join()}}`;
}
