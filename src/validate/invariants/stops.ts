/** What the walk does at a type or element, by the names in JSON; made when each is first met. */
import type { Rule, Rules } from './rules.js';
import type { Shape } from '../../fhir/path/compiler/shapes.js';

export interface Stop {
  rules: readonly Rule[];
  /** What to do with a child; undefined for a primitive that no rule is about. */
  step(key: string): Step | undefined;
}

export interface Step {
  element: string;
  rules: readonly Rule[];
  /** A value with nothing below it. */
  leaf: boolean;
  /** Undefined for a resource, which says itself what it is. */
  shape: Shape | undefined;
}

export function createStops(rules: Rules): (shape: Shape) => Stop {
  const stops = new Map<Shape, Stop>();
  return (shape) => {
    const known = stops.get(shape);
    if (known !== undefined) return known;
    const steps = new Map<string, Step | undefined>();
    const stop: Stop = {
      rules: rules.ofShape(shape),
      step(key) {
        const step = steps.get(key);
        if (step !== undefined || steps.has(key)) return step;
        const made = stepOf(rules, shape, key);
        steps.set(key, made);
        return made;
      },
    };
    stops.set(shape, stop);
    return stop;
  };
}

function stepOf(rules: Rules, { name, byKey }: Shape, key: string): Step | undefined {
  const child = byKey.get(key);
  if (child === undefined) {
    // `_birthDate` holds the id and extensions of `birthDate`, and stands for it. (R4 json.html#primitive)
    const partner = byKey.get(key.slice(1));
    return partner && { element: partner.element, rules: [], leaf: false, shape: partner.shape };
  }
  const { element, shape } = child;
  const path = `${name}.${element}`;
  const own = shape?.name === path ? [] : rules.ofElement(path);
  const leaf = shape?.primitive === true;
  return leaf && own.length === 0 ? undefined : { element, rules: own, leaf, shape };
}
