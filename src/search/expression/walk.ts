/** Walks the steps of a compiled path through a resource, and hands on every element at its end. */

export type Emit = (value: unknown) => void;

/** A child's JSON name, or a function that passes on what it lets through. */
export type Step = string | ((value: unknown, emit: Emit) => void);

export function walk(steps: readonly Step[], value: unknown, emit: Emit, at = 0): void {
  const step = steps[at];
  if (step === undefined) emit(value);
  else if (typeof step === 'function') step(value, (one) => walk(steps, one, emit, at + 1));
  else if (typeof value === 'object' && value !== null) {
    const child = (value as Record<string, unknown>)[step];
    // A null in an array holds the place of a primitive that has extensions only. (R4 json.html#primitive)
    if (Array.isArray(child)) {
      for (const one of child) if (one !== null) walk(steps, one, emit, at + 1);
    } else if (child !== undefined && child !== null) walk(steps, child, emit, at + 1);
  }
}

/** Everything that several paths find from one value. */
export function collect(paths: readonly { steps: readonly Step[] }[], value: unknown): unknown[] {
  const found: unknown[] = [];
  for (const { steps } of paths) walk(steps, value, (one) => found.push(one));
  return found;
}

/** The truth of a collection: true or false when it says so, undefined when it is empty. (FHIRPath N1, section 6.5) */
export function truth(found: readonly unknown[]): boolean | undefined {
  return found.length === 0 ? undefined : found[0] !== false;
}
