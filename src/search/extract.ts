/** The search values of a resource: every served parameter of its type, each value once. */
import type { Resource } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import { walk } from './expression/walk.js';
import { isRange, type Entry } from './plan.js';
import type { SearchRegistry } from './registry.js';
import type { Sink } from './types/type.js';

/** @param base this server's own base URL, so that absolute references to it are found as relative ones */
export function createExtract(registry: SearchRegistry, base: string): (resource: Resource) => Entry[] {
  return (resource) => {
    const entries = new Entries(base);
    for (const { code, paths } of registry.list(resource.resourceType)) {
      entries.begin(code);
      for (const { steps, read, implied } of paths) {
        walk(steps, resource, (value) => read(value, entries, implied));
      }
    }
    return entries.all;
  };
}

class Entries implements Sink {
  readonly all: Entry[] = [];
  readonly base: string;
  #param = '';
  #start = 0;
  /** Made when a parameter has so many values that looking through them would be slow. */
  #seen: Set<string> | undefined;

  constructor(base: string) {
    this.base = base;
  }

  begin(param: string): void {
    this.#param = param;
    this.#start = this.all.length;
    this.#seen = undefined;
  }

  text(value: string, detail = ''): void {
    this.#add({ param: this.#param, value: cut(value), detail: cut(detail) });
  }

  range(low: number, high: number, value = ''): void {
    this.#add({ param: this.#param, value, low, high });
  }

  #add(entry: Entry): void {
    const count = this.all.length - this.#start;
    if (count < FEW) {
      for (let at = this.#start; at < this.all.length; at += 1) if (same(this.all[at], entry)) return;
    } else {
      this.#seen ??= new Set(this.all.slice(this.#start).map(keyOf));
      const key = keyOf(entry);
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
    }
    this.all.push(entry);
  }
}

const FEW = 8;

/** One character more than a query can ask for: what is cut equals nothing that is asked. */
const cut = (text: string): string =>
  text.length > limits.valueCharacters ? text.slice(0, limits.valueCharacters + 1) : text;

function same(one: Entry | undefined, other: Entry): boolean {
  if (one?.value !== other.value) return false;
  if (isRange(one)) return isRange(other) && one.low === other.low && one.high === other.high;
  return !isRange(other) && one.detail === other.detail;
}

const keyOf = (entry: Entry): string =>
  isRange(entry) ? `${entry.low} ${entry.high} ${entry.value}` : `${entry.detail}\0${entry.value}`;
