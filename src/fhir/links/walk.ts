/**
 * Goes to every link of a resource, and puts another text in its place where the visitor gives one. What did not change
 * stays the same object; what did is copied by spreading, which keeps the digits of decimals (kit/json.ts).
 */
import type { Element, Resource } from '../types.js';
import { changeLinks } from './narrative.js';
import type { Field, LinkKind, Shape, Shapes } from './shapes.js';

/** Gives the text to put there; undefined leaves it. `path()` is where it stands, as in `Task.input[0].value.reference`. */
export type Visitor = (text: string, kind: LinkKind, path: () => string) => string | undefined;

/** A resource of a type that R4 does not have is returned as it is. */
export function walkLinks(resource: Resource, shapes: Shapes, visit: Visitor): Resource {
  const shape = shapes(resource.resourceType);
  return shape === undefined
    ? resource
    : (new Walk(shapes, visit, resource.resourceType).object(resource, shape) as Resource);
}

/** Depth is bounded by the parser of JSON. */
class Walk {
  /** The way from the resource to where the walk is; an index of -1 stands for no list. */
  readonly #names: string[] = [];
  readonly #indexes: number[] = [];
  #level = 0;
  readonly #path = (): string => this.#written();

  constructor(
    readonly shapes: Shapes,
    readonly visit: Visitor,
    readonly root: string,
  ) {}

  object(from: Element, shape: Shape): Element {
    let copy: Element | undefined;
    for (const key in from) {
      const field = shape.get(key);
      if (field === undefined) continue;
      const value = from[key];
      const changed = Array.isArray(value) ? this.#list(value, field) : this.#value(value, field, -1);
      if (changed === value) continue;
      copy ??= { ...from };
      copy[key] = changed;
    }
    return copy ?? from;
  }

  #list(from: unknown[], field: Field): unknown[] {
    let copy: unknown[] | undefined;
    for (let index = 0; index < from.length; index += 1) {
      const value = from[index];
      const changed = this.#value(value, field, index);
      if (changed === value) continue;
      copy ??= [...from];
      copy[index] = changed;
    }
    return copy ?? from;
  }

  #value(value: unknown, field: Field, index: number): unknown {
    if (typeof value === 'string')
      return field.kind === undefined ? value : this.#link(value, field, field.kind, index);
    if (typeof value !== 'object' || value === null || field.below === undefined) return value;
    const inner = value as Element;
    const shape = field.below === 'any' ? this.#shapeOf(inner) : field.below;
    if (shape === undefined) return value;
    this.#enter(field.name, index);
    const changed = this.object(inner, shape);
    this.#level -= 1;
    return changed;
  }

  #shapeOf({ resourceType }: Element): Shape | undefined {
    return typeof resourceType === 'string' ? this.shapes(resourceType) : undefined;
  }

  #link(text: string, { name }: Field, kind: LinkKind, index: number): string {
    this.#enter(name, index);
    const changed =
      kind === 'narrative'
        ? changeLinks(text, (url) => this.visit(url, kind, this.#path))
        : this.visit(text, kind, this.#path);
    this.#level -= 1;
    return changed ?? text;
  }

  #enter(name: string, index: number): void {
    this.#names[this.#level] = name;
    this.#indexes[this.#level] = index;
    this.#level += 1;
  }

  #written(): string {
    let path = this.root;
    for (let level = 0; level < this.#level; level += 1) {
      const index = this.#indexes[level] ?? -1;
      path += `.${this.#names[level] ?? ''}${index < 0 ? '' : `[${index}]`}`;
    }
    return path;
  }
}
