/** `Type/id` and nothing else: what an account or a launch may name. */
import { isId } from '../fhir/reference.js';

export { isId };

export function parseLocal(reference: string): { type: string; id: string } | undefined {
  const [type = '', id = '', more] = reference.split('/');
  return /^[A-Z][A-Za-z]{1,40}$/.test(type) && isId(id) && more === undefined ? { type, id } : undefined;
}
