/** The search values of a resource: every served parameter of its type, each value once. */
import { failure } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import { walk } from './expression/walk.js';
import { isRange, type Entry } from './plan.js';
import type { SearchRegistry } from './registry.js';
import type { Sink } from './types/type.js';

/** @param base this server's own base URL, so that absolute references to it are found as relative ones */
export function createExtract(registry: SearchRegistry, base: string): (resource: Resource) => Entry[] {
  return (resource) => {
    const entries = new Entries(base, resource);
    for (const { code, paths } of registry.list(resource.resourceType)) {
      entries.begin(code);
      for (const { steps, read, implied } of paths) {
        walk(steps, resource, (value) => read(value, entries, implied));
      }
    }
    registry.composites(resource.resourceType)?.(resource, base, (code) => entries.begin(code));
    return entries.all;
  };
}

class Entries implements Sink {
  readonly all: Entry[] = [];
  readonly base: string;
  readonly resource: Resource;
  readonly takesAsides = true;
  #param = '';
  #characters = 0;
  #start = 0;
  /** Made when a parameter has so many values that looking through them would be slow: their texts, and all of them. */
  #values: Set<string> | undefined;
  #seen: Set<string> | undefined;

  constructor(base: string, resource: Resource) {
    this.base = base;
    this.resource = resource;
  }

  begin(param: string): this {
    this.#param = param;
    this.#start = this.all.length;
    this.#values = undefined;
    this.#seen = undefined;
    return this;
  }

  text(value: string, detail = ''): void {
    this.#add({ param: this.#param, value: cut(value), detail: cut(detail) });
  }

  range(low: number, high: number, value = ''): void {
    this.#add({ param: this.#param, value: cut(value), low, high });
  }

  aside(modifier: string, value: string, detail = ''): void {
    this.#add({ param: `${this.#param}:${modifier}`, value: cut(value), detail: cut(detail) });
  }

  #add(entry: Entry): void {
    this.#bound(entry);
    const count = this.all.length - this.#start;
    if (count < FEW) {
      for (let at = this.#start; at < this.all.length; at += 1) if (same(this.all[at], entry)) return;
    } else if (this.#isThere(entry)) return;
    this.all.push(entry);
  }

  #isThere(entry: Entry): boolean {
    this.#values ??= new Set(this.all.slice(this.#start).map(({ value }) => value));
    const isNew = !this.#values.has(entry.value);
    if (isNew) this.#values.add(entry.value);
    if (isNew && this.#seen === undefined) return false;
    this.#seen ??= new Set(this.all.slice(this.#start).map(keyOf));
    const key = keyOf(entry);
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    return false;
  }

  /** One resource must fit into a document of the store, and its write must not hold up all others. */
  #bound(entry: Entry): void {
    this.#characters += entry.value.length + ('detail' in entry ? entry.detail.length : 0);
    const limit =
      this.all.length >= limits.searchValues
        ? 'searchValues'
        : this.#characters > limits.searchValueCharacters
          ? 'searchValueCharacters'
          : undefined;
    if (limit === undefined) return;
    const what = `${limits.searchValues} search values with ${limits.searchValueCharacters} characters`;
    throw failure('too-costly', `A resource may have at most ${what} (limit ${limit}); split it.`, this.#param);
  }
}

const FEW = 8;

/** One character more than a query can ask for: what is cut equals nothing that is asked. */
const cut = (text: string): string =>
  text.length > limits.valueCharacters ? text.slice(0, limits.valueCharacters + 1) : text;

function same(one: Entry | undefined, other: Entry): boolean {
  if (one?.value !== other.value || one.param !== other.param) return false;
  if (isRange(one)) return isRange(other) && one.low === other.low && one.high === other.high;
  return !isRange(other) && one.detail === other.detail;
}

/** No FHIR string has the character 0, and no range begins with one. */
const keyOf = (entry: Entry): string =>
  isRange(entry)
    ? `${entry.param}\0\0${entry.low} ${entry.high} ${entry.value}`
    : `${entry.param}\0${entry.detail}\0${entry.value}`;
