/**
 * Where the closures are sure to say what fhirpath.js says: of single values that are plain texts, integers and truths,
 * and of elements by their names. Of all else (dates, decimals, quantities, several values where one is expected) it is
 * asked itself.
 */
import { limits } from '../../../kit/limits.js';
import { isObject } from '../../../kit/json.js';
import { ofTruth, type Compiled, type Env, type Truth } from '../compiler/compiled.js';
import { collect, Node, type Item } from '../compiler/node.js';
import { PathError } from '../error.js';

/** Thrown where it is not sure; made once, because it says nothing. */
export const unsure = new (class Unsure extends Error {})('not sure');

export function doubt(): never {
  throw unsure;
}

/** Steps are counted as `meter.ts` counts them, if more coarsely: what is found, and the characters that are made. */
export function spend({ work }: Env, steps: number): void {
  work.left -= steps;
  if (work.left < 0) throw new PathError('costly', 'it takes too many steps on these values');
}

export const exactly = (list: Compiled['list']): Compiled => {
  const counted: Compiled['list'] = (item, env) => {
    const found = list(item, env);
    spend(env, 1 + found.length);
    return found;
  };
  return { list: counted, truth: (item, env) => truthOf(counted(item, env)) };
};

export const exactTruth = (truth: Compiled['truth']): Compiled =>
  ofTruth((item, env) => {
    spend(env, 1);
    return truth(item, env);
  });

function truthOf(list: readonly Item[]): Truth {
  const [only] = list;
  if (only === undefined) return undefined;
  const value = list.length === 1 ? plainOf(only) : doubt();
  return typeof value === 'boolean' ? value : doubt();
}

/** Types whose values fhirpath.js takes for the text that they are. */
const texts = new Set(['string', 'code', 'id', 'uri', 'url', 'canonical', 'markdown', 'oid', 'uuid']);
const integers = new Set(['integer', 'positiveInt', 'unsignedInt', 'decimal']);

/** A text, an integer or a truth. */
export function plainOf(item: Item): string | number | boolean {
  if (!(item instanceof Node)) return typeof item === 'number' ? integer(item) : item;
  const { value, beside, shape } = item;
  if (beside !== undefined) doubt();
  if (typeof value === 'string' && texts.has(shape.name)) return value;
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' && integers.has(shape.name) ? integer(value) : doubt();
}

export const integer = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : doubt());

/** The only value; undefined where there is none. */
export function single(list: readonly Item[]): string | number | boolean | undefined {
  const [only] = list;
  if (only === undefined) return undefined;
  return list.length === 1 ? plainOf(only) : doubt();
}

export function singleText(list: readonly Item[]): string | undefined {
  const value = single(list);
  return value === undefined || typeof value === 'string' ? value : doubt();
}

export function singleInteger(list: readonly Item[]): number | undefined {
  const value = single(list);
  return value === undefined || typeof value === 'number' ? value : doubt();
}

export function text(made: string, env: Env): string {
  spend(env, made.length / 32);
  if (made.length > limits.pathTextCharacters) {
    throw new PathError('costly', `it makes a text of more than ${limits.pathTextCharacters} characters`);
  }
  return made;
}

/** Names that R4 has not at that place are sought in the JSON by fhirpath.js: where one would be found, it is asked. */
export function children(item: Item, name: string, env: Env, found: Item[]): void {
  if (!(item instanceof Node)) doubt();
  const { value, shape } = item;
  if (shape.primitive) {
    if (name === 'extension' || name === 'id') collect(item, name, env.shapes, found);
    else if ((value as Record<string, unknown> | undefined)?.[name] !== undefined) doubt();
  } else if (shape.byElement.has(name)) collect(item, name, env.shapes, found);
  else if (!isObject(value) || value[name] !== undefined || value[`_${name}`] !== undefined) doubt();
}

/** Types that have the same name in FHIR and in FHIRPath, or that others derive from. */
const ambiguous = new Set(['Quantity', 'Element', 'BackboneElement', 'Resource', 'DomainResource']);

/** Of types that have parts: those of values are named in two ways, which differ. */
export function isA(item: Item, type: string, { shapes }: Env): boolean {
  const shape = shapes(type);
  if (!(item instanceof Node) || shape === undefined || shape.primitive || ambiguous.has(type)) doubt();
  return item.shape.name === type;
}
