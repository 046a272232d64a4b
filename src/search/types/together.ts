/**
 * Reads composites out of a resource. Those whose values stand in the same elements are read in one pass over these:
 * a response has five composites of each of its items, and to look for each of them by itself would cost five times as
 * much. Within an element the names of its children lead to what is read of them; what no parameter reads is passed by.
 */
import { failure, type FhirError } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { limits } from '../../kit/limits.js';
import { walk, type Step } from '../expression/walk.js';
import { crossed, systemsOf, withSystem, type Form, type Systems } from './form.js';
import type { Component, Path, Sink } from './type.js';

/** A composite parameter: the elements that it reads, and in each of them the values of its components. */
export interface Composite {
  code: string;
  components: readonly Component[];
  elements: readonly CompositeElement[];
}

export interface CompositeElement {
  /** The element's path, for people. */
  at: string;
  steps: readonly Step[];
  /** In the order of the components. */
  parts: readonly ComponentPaths[];
}

export interface ComponentPaths {
  paths: readonly Path[];
  /** They begin at the resource, not at the element that the others stand in: `%resource`. */
  atResource: boolean;
}

export type ReadComposites = (resource: Resource, base: string, begin: (code: string) => Sink) => void;

/** The reader keeps its places from call to call; no call is interrupted by another. */
export function compositesReader(composites: readonly Composite[]): ReadComposites {
  const found = composites.map(({ code }): Found => ({ code, forms: [] }));
  const groups = groupsOf(composites, found);
  return (resource, base, begin) => {
    for (const one of found) one.forms = [];
    for (const { steps, root, places, atResource, rows } of groups) {
      for (const place of places) place.begin(resource, base);
      for (const { place, path } of atResource) walkTo(path, resource, place);
      for (const { place } of atResource) place.keep();
      walk(steps, resource, (element) => {
        for (const place of places) if (place.forms.length > 0) place.clear();
        visit(root, element);
        // The value comes last, and is missing more often than what it is a value of.
        for (const row of rows) if (row.last.forms.length > 0) combine(row);
      });
    }
    for (const { code, forms } of found) {
      if (forms.length === 0) continue;
      const into = begin(code);
      for (const { key, detail, ends } of forms) {
        const [first, second] = ends;
        if (first === undefined) into.text(key, detail);
        else into.range(first.low, second === undefined ? first.high : second.low, key);
      }
    }
  };
}

/** The values of one composite in one resource. */
interface Found {
  code: string;
  forms: Form<number>[];
}

/** The composites of one kind of element. A place is for the values of one component; two composites may share it. */
interface Group {
  steps: readonly Step[];
  root: Node;
  places: Place[];
  /** The places that are known by what is read into them. */
  known: Map<string, Place>;
  atResource: Read[];
  rows: Row[];
}

interface Row {
  at: string;
  first: Place;
  others: readonly Place[];
  last: Place;
  found: Found;
}

interface Node {
  children: Map<string, Node>;
  /** What is read where the names end; its further steps are no names. */
  reads: Read[];
}

interface Read {
  place: Place;
  path: Path;
}

function groupsOf(composites: readonly Composite[], all: readonly Found[]): Group[] {
  const groups: Group[] = [];
  for (const { code, components, elements } of composites) {
    const systems = systemsOf(components);
    const found = all.find((one) => one.code === code);
    for (const { at, steps, parts } of elements) {
      const group = groups.find((one) => sameSteps(one.steps, steps)) ?? newGroup(steps);
      if (!groups.includes(group)) groups.push(group);
      const places = parts.map((part, nth) => placeOf(group, components[nth], systems[nth], part));
      const [first, ...others] = places;
      if (found !== undefined && first !== undefined)
        group.rows.push({ at, first, others, last: places.at(-1) ?? first, found });
    }
  }
  return groups;
}

const newGroup = (steps: readonly Step[]): Group => ({
  steps,
  root: { children: new Map(), reads: [] },
  places: [],
  known: new Map(),
  atResource: [],
  rows: [],
});

const sameSteps = (one: readonly Step[], other: readonly Step[]): boolean =>
  one.length === other.length && one.every((step, at) => step === other[at]);

function placeOf(
  group: Group,
  component: Component | undefined,
  systems: Systems = 'none',
  { paths, atResource }: ComponentPaths,
): Place {
  const ways = paths.map(({ steps }) => steps.join('.')).join('|');
  const key = `${component?.facts.code ?? ''} ${systems} ${String(atResource)} ${ways}`;
  // What a function selects may differ from another function's choice, though both look alike: a place of its own.
  const isNamed = paths.every(({ steps }) => steps.every((step) => typeof step === 'string'));
  const known = isNamed ? group.known.get(key) : undefined;
  if (known !== undefined) return known;
  const place = new Place(systems);
  group.places.push(place);
  group.known.set(key, place);
  for (const path of paths) {
    if (atResource) group.atResource.push({ place, path });
    else add(group.root, place, path);
  }
  return place;
}

function add(root: Node, place: Place, path: Path): void {
  let node = root;
  let at = 0;
  for (let step = path.steps[at]; typeof step === 'string'; step = path.steps[at]) {
    let child = node.children.get(step);
    if (child === undefined) node.children.set(step, (child = { children: new Map(), reads: [] }));
    node = child;
    at += 1;
  }
  node.reads.push({ place, path: { ...path, steps: path.steps.slice(at) } });
}

function visit(node: Node, value: unknown): void {
  for (const { place, path } of node.reads) walkTo(path, value, place);
  if (node.children.size === 0 || typeof value !== 'object') return;
  for (const name in value) {
    const child = node.children.get(name);
    if (child === undefined) continue;
    const next = (value as Record<string, unknown>)[name];
    // A null in an array holds the place of a primitive that has extensions only. (R4 json.html#primitive)
    if (Array.isArray(next)) {
      for (const one of next) if (one !== null) visit(child, one);
    } else if (next !== null && next !== undefined) visit(child, next);
  }
}

function walkTo({ steps, read, implied }: Path, value: unknown, place: Place): void {
  if (steps.length === 0) read(value, place, implied);
  else walk(steps, value, (one) => read(one, place, implied));
}

function combine({ at, first, others, found }: Row): void {
  let combined = first.forms;
  for (const { forms } of others) {
    const count = combined.length * forms.length;
    // One linkId beside many answers multiplies nothing; their number is bounded with that of all search values.
    const multiplies = combined.length > 1 && forms.length > 1;
    if (multiplies && count > limits.combinations) throw tooMany(found.code, at, count);
    combined = crossed(combined, forms, count);
  }
  for (const form of combined) found.forms.push(form);
}

/** Never cut: what is missing from an index would not be found, and nobody would know. */
const tooMany = (code: string, at: string, count: number): FhirError =>
  failure(
    'unprocessable',
    `One ${at} has ${count} combinations of values for the search parameter ${code}, and at most ${limits.combinations} ` +
      'are kept (limit combinations). Give it fewer codes, or put some of its values into elements of their own.',
    at,
  );

/** Takes a component's values instead of the resource's own entries. */
class Place implements Sink {
  base = '';
  resource: Resource = { resourceType: '' };
  /** What a modifier finds is no part of a composite. */
  readonly takesAsides = false;
  readonly #systems: Systems;
  forms: readonly Form<number>[] = NONE;
  /** Those that are the resource's, for all of its elements. */
  #kept: readonly Form<number>[] = NONE;

  constructor(systems: Systems) {
    this.#systems = systems;
  }

  begin(resource: Resource, base: string): void {
    this.resource = resource;
    this.base = base;
    this.#kept = NONE;
    this.forms = NONE;
  }

  keep(): void {
    this.#kept = this.forms;
  }

  clear(): void {
    this.forms = this.#kept;
  }

  text(value: string, detail = ''): void {
    const system = this.#systems === 'detail' ? detail : undefined;
    this.#add(value, system, NO_ENDS);
    if (this.#systems === 'before') this.#add(withSystem(detail, value), undefined, NO_ENDS);
  }

  range(low: number, high: number, value = ''): void {
    this.#add(value, undefined, [{ low, high }]);
  }

  aside(): void {
    return;
  }

  #add(key: string, detail: string | undefined, ends: Form<number>['ends']): void {
    const form = { key, detail, ends, starts: false };
    if (this.forms === this.#kept) this.forms = [...this.#kept, form];
    else (this.forms as Form<number>[]).push(form);
  }
}

const NONE: readonly Form<number>[] = [];
const NO_ENDS: Form<never>['ends'] = [];
