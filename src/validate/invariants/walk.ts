/** Goes through a resource once and asks every element the rules of its type and of its place. */
import type { Definitions } from '../../fhir/definitions.js';
import type { Issue, Severity } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { limits } from '../../kit/limits.js';
import { isObject } from '../../kit/json.js';
import { containedProblems } from './contained.js';
import { extensionProblem, modifierProblem, type Holder } from './extensions.js';
import type { Env } from '../../fhir/path/compiler/compiled.js';
import { Node, resourceNode } from '../../fhir/path/compiler/node.js';
import { createShapes, type Shape, type Shapes } from '../../fhir/path/compiler/shapes.js';
import { createRules, type Rule } from './rules.js';
import { createStops, type Step, type Stop } from './stops.js';

/** The issues of a resource whose structure is in order: errors and warnings. */
export type CheckInvariants = (resource: Resource) => Issue[];

export function createInvariants(definitions: Definitions): CheckInvariants {
  const shapes = createShapes(definitions);
  const stopAt = createStops(createRules(definitions));
  return (resource) => {
    const node = resourceNode(resource, shapes);
    if (node === undefined) return [];
    const walk = new Walk(definitions, shapes, stopAt);
    walk.resource(node, node);
    return walk.issues;
  };
}

/** R4's own rules know no variables of forms, and are bounded by what they are asked of. */
export const envOf = (shapes: Shapes, resource: Node, root: Node): Env => ({
  shapes,
  resource,
  root,
  context: resource,
  found: new Map(),
  variables: {},
  total: [],
  work: { left: Infinity },
});

/** Depth is bounded by the parser of JSON. */
class Walk {
  readonly issues: Issue[] = [];
  /** The way to where the walk is: names, indexes (-1 stands for no list), and the shapes that the names stand in. */
  readonly #names: string[] = [];
  readonly #indexes: number[] = [];
  readonly #shapes: (Shape | undefined)[] = [];
  #level = 0;
  /** The level at which the innermost resource begins, and its type. */
  #base = 0;
  #type = '';

  constructor(
    readonly definitions: Definitions,
    readonly shapes: Shapes,
    readonly stopAt: (shape: Shape) => Stop,
  ) {}

  resource(node: Node, root: Node): void {
    const [base, type] = [this.#base, this.#type];
    if (this.#level === 0) this.#enter(node.shape.name, -1, undefined);
    [this.#base, this.#type] = [this.#level, node.shape.name];
    this.#contained(node);
    this.#object(node, envOf(this.shapes, node, root));
    [this.#base, this.#type] = [base, type];
  }

  #contained({ value, shape }: Node): void {
    if (!isObject(value) || value.contained === undefined) return;
    for (const { index, say } of containedProblems(value, shape, this.shapes)) {
      this.#enter('contained', index, shape);
      this.#tell('error', 'invariant', say);
      this.#level -= 1;
    }
  }

  #object(node: Node, env: Env): void {
    const stop = this.stopAt(node.shape);
    if (stop.rules.length > 0) this.#ask(stop.rules, node, env);
    const value = node.value as Record<string, unknown>;
    for (const key in value) {
      const step = stop.step(key);
      if (step === undefined) continue;
      const held = value[key];
      if (!Array.isArray(held)) this.#element(held, step, -1, node, env);
      else for (let at = 0; at < held.length; at += 1) this.#element(held[at], step, at, node, env);
    }
  }

  #element(value: unknown, { element, rules, leaf, shape }: Step, index: number, holder: Node, env: Env): void {
    if (value === null || value === undefined || this.issues.length >= limits.issues) return;
    this.#enter(element, index, holder.shape);
    if (shape === undefined) this.#inner(value, element, env);
    else {
      const node = new Node(value, undefined, shape);
      if (rules.length > 0) this.#ask(rules, node, env);
      if (!leaf && isObject(value)) {
        if (shape.name === 'Extension') this.#extension(value, element, holder, env);
        this.#object(node, env);
      }
    }
    this.#level -= 1;
  }

  /** A resource inside has the rules of its own type; the links of a contained one lead into what contains it. */
  #inner(value: unknown, element: string, env: Env): void {
    const node = isObject(value) ? resourceNode(value as Resource, this.shapes) : undefined;
    if (node !== undefined) this.resource(node, element === 'contained' ? env.root : node);
  }

  #ask(rules: readonly Rule[], node: Node, env: Env): void {
    for (const { severity, wrong } of rules) {
      env.context = node;
      const say = wrong(node, env);
      if (say !== undefined) this.#tell(severity, 'invariant', say);
    }
  }

  #extension(value: Record<string, unknown>, element: string, holder: Node, env: Env): void {
    const isModifier = element === 'modifierExtension';
    if (!isModifier && !this.definitions.extensions.has(String(value.url))) return;
    const check = isModifier ? modifierProblem : extensionProblem;
    const found = check(this.definitions, value, this.#holder(holder, env));
    if (found !== undefined) this.#tell(found.severity, 'extension', found.say);
  }

  #holder(node: Node, env: Env): Holder {
    const at = this.#level - 2;
    const path = [this.#type, ...this.#names.slice(this.#base, at + 1)].join('.');
    return { node, env, paths: [path, `${this.#shapes[at]?.name ?? ''}.${this.#names[at] ?? ''}`], type: this.#type };
  }

  #tell(severity: Severity, code: string, diagnostics: string): void {
    this.issues.push({ severity, code, diagnostics, expression: [this.#written()] });
  }

  #enter(name: string, index: number, holder: Shape | undefined): void {
    this.#names[this.#level] = name;
    this.#indexes[this.#level] = index;
    this.#shapes[this.#level] = holder;
    this.#level += 1;
  }

  #written(): string {
    let path = this.#names[0] ?? '';
    for (let level = 1; level < this.#level; level += 1) {
      const index = this.#indexes[level] ?? -1;
      path += `.${this.#names[level] ?? ''}${index < 0 ? '' : `[${index}]`}`;
    }
    return path;
  }
}
