/** An element of a resource as expressions see it: its value, what stands beside that, and its shape. */
import type { Element, Resource } from '../../types.js';
import { isObject, rawNumber } from '../../../kit/json.js';
import type { Child, Shape, Shapes } from './shapes.js';

export class Node {
  constructor(
    readonly value: unknown,
    /** The id and extensions of a primitive value. */
    readonly beside: Element | undefined,
    readonly shape: Shape,
    /** A number's digits, where they are not JavaScript's own. */
    readonly digits?: string,
  ) {}
}

/** What a collection of FHIRPath holds: elements, and values that an expression has made. */
export type Item = Node | string | number | boolean;

export function resourceNode(resource: Resource, shapes: Shapes): Node | undefined {
  const shape = shapes(resource.resourceType);
  return shape && new Node(resource, undefined, shape);
}

/** Adds the children of that name to a collection. */
export function collect(item: Item, name: string, shapes: Shapes, found: Item[]): void {
  if (!(item instanceof Node)) return;
  if (item.shape.primitive) {
    if (item.beside !== undefined) childrenOf(item.beside, shapes('Element'), name, shapes, found);
  } else childrenOf(item.value, item.shape, name, shapes, found);
}

function childrenOf(value: unknown, shape: Shape | undefined, name: string, shapes: Shapes, found: Item[]): void {
  if (!isObject(value)) return;
  for (const child of shape?.byElement.get(name) ?? []) {
    const held = value[child.key];
    const beside = child.shape?.primitive === true ? value[child.beside] : undefined;
    if (held === undefined && beside === undefined) continue;
    if (!child.many) add(held, beside, child, shapes, found, value, child.key);
    else {
      const [values, besides] = [Array.isArray(held) ? held : [], Array.isArray(beside) ? beside : []];
      for (let at = 0; at < Math.max(values.length, besides.length); at += 1) {
        add(values[at], besides[at], child, shapes, found, values, at);
      }
    }
  }
}

function add(
  value: unknown,
  beside: unknown,
  child: Child,
  shapes: Shapes,
  found: Item[],
  parent: object,
  key: string | number,
): void {
  const shape = child.shape ?? (isObject(value) ? shapes(String(value.resourceType)) : undefined);
  if (shape === undefined) return;
  const digits = typeof value === 'number' ? rawNumber(parent, key) : undefined;
  found.push(new Node(value ?? undefined, isObject(beside) ? beside : undefined, shape, digits));
}

/** Is there a child of that name? The same as to collect, without making nodes. */
export function has(item: Item, name: string): boolean {
  if (!(item instanceof Node)) return false;
  const holder = item.shape.primitive ? item.beside : item.value;
  if (!isObject(holder)) return false;
  if (item.shape.primitive) return (name === 'id' || name === 'extension') && holder[name] !== undefined;
  const children = item.shape.byElement.get(name);
  if (children === undefined) return false;
  for (const { key, beside } of children) if (holder[key] !== undefined || holder[beside] !== undefined) return true;
  return false;
}

/** All children, whatever their names. */
export function collectAll(item: Item, shapes: Shapes, found: Item[]): void {
  if (!(item instanceof Node) || item.shape.primitive) return;
  for (const name of item.shape.byElement.keys()) collect(item, name, shapes, found);
}

/** The value of a primitive element, or what an expression has made; undefined for what has parts, or no value. */
export function valueOf(item: Item | undefined): string | number | boolean | undefined {
  const value = item instanceof Node ? item.value : item;
  return typeof value === 'object' ? undefined : (value as string | number | boolean | undefined);
}

export const isA = (item: Item, type: string): boolean => {
  if (item instanceof Node) return item.shape.lineage.has(type) || item.shape.lineage.has(lowered(type));
  return typeof item === lowered(type) || (typeof item === 'number' && /^(decimal|integer)$/i.test(type));
};

/** FHIRPath's own types are written large: R4's que-7 asks `answer is Boolean`. */
const lowered = (type: string): string => type.charAt(0).toLowerCase() + type.slice(1);
